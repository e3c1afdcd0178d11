"""A payment provider's daily close: what patients paid there and got back.

Revision insurance_0010.
"""

import sqlalchemy as sa
from alembic import op

revision = "insurance_0010"
down_revision = "insurance_0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "provider_payments",
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("claim_id", sa.Uuid(), nullable=False),
        sa.Column("pharmacy", sa.Text(), nullable=True),
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("payment_id"),
    )
    op.create_table(
        "provider_items",
        sa.Column("message_id", sa.Uuid(), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("day", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("message_id"),
    )
    op.create_index("provider_items_of_day", "provider_items", ["day", "message_id"])


def downgrade() -> None:
    for name in ("provider_items", "provider_payments"):
        op.drop_table(name)
