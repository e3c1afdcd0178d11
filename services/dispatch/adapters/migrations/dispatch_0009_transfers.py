"""Transfers proposed to a pharmacy.

Revision dispatch_0009.
"""

import sqlalchemy as sa
from alembic import op

revision = "dispatch_0009"
down_revision = "dispatch_0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "transfers",
        sa.Column("transfer_id", sa.Uuid(), nullable=False),
        sa.Column("pharmacy", sa.Text(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("transfer_id", "pharmacy"),
    )
    op.create_index("transfers_in_order", "transfers", ["pharmacy", "position"], unique=False)


def downgrade() -> None:
    op.drop_table("transfers")
