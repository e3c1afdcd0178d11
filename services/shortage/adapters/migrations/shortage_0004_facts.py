"""The facts that detectors read.

Revision shortage_0004.
"""

import sqlalchemy as sa
from alembic import op

revision = "shortage_0004"
down_revision = "shortage_0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "watched_lines",
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("line", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("change", sa.Text(), nullable=False),
        sa.Column("drug_key", sa.Text(), nullable=False),
        sa.Column("region", sa.Text(), nullable=False),
        sa.Column("pharmacy", sa.Text(), nullable=False),
        sa.Column("short", sa.Boolean(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("event", sa.Text()),
        sa.PrimaryKeyConstraint("order_id", "line", "change"),
    )
    op.create_index("watched_lines_by_drug", "watched_lines", ["drug_key", "at"])
    op.create_table(
        "watched_demands",
        sa.Column("drug_key", sa.Text(), nullable=False),
        sa.Column("demand_key", sa.Text(), nullable=False),
        sa.Column("pharmacy", sa.Text(), nullable=False),
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("region", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("event", sa.Text()),
        sa.PrimaryKeyConstraint("drug_key", "demand_key", "pharmacy", "day"),
    )
    op.create_index("watched_demands_by_drug", "watched_demands", ["drug_key", "at"])
    op.create_table(
        "reporter_alerts",
        sa.Column("position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("reporter", sa.Text(), nullable=False),
        sa.Column("region", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("since", sa.Text(), nullable=False),
        sa.Column("against", sa.Text()),
        sa.Column("raised_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("position"),
    )
    op.create_index("reporter_alerts_of", "reporter_alerts", ["reporter", "kind"])


def downgrade() -> None:
    op.drop_table("reporter_alerts")
    op.drop_table("watched_demands")
    op.drop_table("watched_lines")
