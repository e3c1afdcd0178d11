"""What is known of supply by pharmacy, and the list of responses.

Revision shortage_0006.
"""

import sqlalchemy as sa
from alembic import op

revision = "shortage_0006"
down_revision = "shortage_0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "shelves",
        sa.Column("pharmacy", sa.Text(), nullable=False),
        sa.Column("product", sa.Text(), nullable=False),
        sa.Column("drug_key", sa.Text(), nullable=False),
        sa.Column("region", sa.Text(), nullable=False),
        sa.Column("free", sa.BigInteger(), nullable=False),
        sa.Column("pack_size", sa.Integer(), nullable=True),
        sa.Column("told_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("pharmacy", "product"),
    )
    op.create_table(
        "dispensed_days",
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("pharmacy", sa.Text(), nullable=False),
        sa.Column("product", sa.Text(), nullable=False),
        sa.Column("drug_key", sa.Text(), nullable=False),
        sa.Column("region", sa.Text(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("day", "pharmacy", "product"),
    )
    op.create_table(
        "unfilled_demands",
        sa.Column("drug_key", sa.Text(), nullable=False),
        sa.Column("demand_key", sa.Text(), nullable=False),
        sa.Column("pharmacy", sa.Text(), nullable=False),
        sa.Column("region", sa.Text(), nullable=False),
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("drug_key", "demand_key"),
    )
    op.create_table(
        "order_lines",
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("drug_key", sa.Text(), nullable=False),
        sa.Column("region", sa.Text(), nullable=False),
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("requested", sa.BigInteger(), nullable=False),
        sa.Column("filled", sa.BigInteger(), nullable=False),
        sa.Column("cancelled", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("order_id", "line"),
    )
    op.create_table(
        "pharmacies",
        sa.Column("pharmacy", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("region", sa.Text(), nullable=False),
        sa.Column("chain", sa.Text(), nullable=True),
        sa.Column("latitude", sa.Float(), nullable=True),
        sa.Column("longitude", sa.Float(), nullable=True),
        sa.Column("valid_from", sa.Text(), nullable=False),
        sa.Column("valid_until", sa.Text(), nullable=True),
        sa.Column("suspended", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("pharmacy"),
    )
    op.create_table(
        "responses",
        sa.Column("response_id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("drug_key", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("began_at", sa.BigInteger(), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("ends_on", sa.Text(), nullable=True),
        sa.Column("effect", sa.JSON(), nullable=True),
        sa.PrimaryKeyConstraint("response_id"),
    )
    op.create_index("shelves_by_drug", "shelves", ["drug_key", "region"], unique=False)
    op.create_index("dispensed_days_by_drug", "dispensed_days", ["drug_key", "day"], unique=False)
    op.create_index("unfilled_demands_by_drug", "unfilled_demands", ["drug_key", "day"], unique=False)
    op.create_index("order_lines_by_drug", "order_lines", ["drug_key", "day"], unique=False)
    op.create_index("ix_responses_case_id", "responses", ["case_id"], unique=False)
    op.create_index("responses_by_drug", "responses", ["drug_key", "kind", "state"], unique=False)


def downgrade() -> None:
    for table in ("responses", "pharmacies", "order_lines", "unfilled_demands", "dispensed_days", "shelves"):
        op.drop_table(table)
