"""A payer's daily close: what was sent to payers and booked by them, and the days.

Revision insurance_0004.
"""

import sqlalchemy as sa
from alembic import op

revision = "insurance_0004"
down_revision = "insurance_0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "payer_claims",
        sa.Column("claim_id", sa.Uuid(), nullable=False),
        sa.Column("pharmacy", sa.Text(), nullable=False),
        sa.Column("total", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("fund", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("account", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.PrimaryKeyConstraint("claim_id"),
    )
    op.create_table(
        "payer_items",
        sa.Column("message_id", sa.Uuid(), nullable=False),
        sa.Column("claim_id", sa.Uuid(), nullable=False),
        sa.Column("sign", sa.Integer(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("insurer", sa.Text(), nullable=True),
        sa.Column("day", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("message_id"),
    )
    op.create_index("ix_payer_items_claim_id", "payer_items", ["claim_id"])
    op.create_index("payer_items_of_day", "payer_items", ["insurer", "day", "message_id"])
    op.create_table(
        "reconciliation_days",
        sa.Column("reconciliation_id", sa.Uuid(), nullable=False),
        sa.Column("insurer", sa.Text(), nullable=False),
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("how", sa.Text(), nullable=True),
        sa.Column("differences", sa.Integer(), nullable=False),
        sa.Column("open", sa.Integer(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("reconciliation_id"),
    )
    op.create_index("reconciliation_days_of_insurer", "reconciliation_days", ["insurer", "day"])


def downgrade() -> None:
    for name in ("reconciliation_days", "payer_items", "payer_claims"):
        op.drop_table(name)
