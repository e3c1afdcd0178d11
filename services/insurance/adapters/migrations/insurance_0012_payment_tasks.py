"""What payment providers leave open, and whom it called.

Revision insurance_0012.
"""

import sqlalchemy as sa
from alembic import op

revision = "insurance_0012"
down_revision = "insurance_0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "payment_tasks",
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("claim_id", sa.Uuid(), nullable=False),
        sa.Column("pharmacy", sa.Text(), nullable=True),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=True),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("closed_by", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("reference", sa.Text(), nullable=True),
        sa.Column("opened_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("payment_id", "number"),
    )
    op.create_index("payment_tasks_of_channel", "payment_tasks", ["channel", "position"])


def downgrade() -> None:
    op.drop_table("payment_tasks")
