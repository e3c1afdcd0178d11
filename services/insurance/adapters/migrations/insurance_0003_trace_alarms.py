"""Repeated trace codes.

Revision insurance_0003.
"""

import sqlalchemy as sa
from alembic import op

revision = "insurance_0003"
down_revision = "insurance_0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "trace_alarms",
        sa.Column("position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("code_sha256", sa.Text(), nullable=False),
        sa.Column("product", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("found", sa.Text(), nullable=False),
        sa.Column("first", sa.JSON(), nullable=False),
        sa.Column("second", sa.JSON(), nullable=False),
        sa.Column("claim_id", sa.Uuid(), nullable=True),
        sa.Column("insurer", sa.Text(), nullable=True),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("position"),
    )
    op.create_index("trace_alarms_of_insurer", "trace_alarms", ["insurer", "position"])


def downgrade() -> None:
    op.drop_table("trace_alarms")
