"""The projections of shortage.

Revision shortage_0001.
"""

import sqlalchemy as sa
from alembic import op

revision = "shortage_0001"
down_revision = None
branch_labels = ("shortage",)
depends_on = None


def upgrade() -> None:
    op.create_table(
        "open_shortage",
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("drug_key", sa.Text(), nullable=False),
        sa.Column("region", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("grade", sa.Text(), nullable=True),
        sa.Column("owner_level", sa.Text(), nullable=True),
        sa.Column("pharmacies", sa.Integer(), nullable=False),
        sa.Column("demands", sa.Integer(), nullable=False),
        sa.Column("suspected_at", sa.BigInteger(), nullable=False),
        sa.Column("confirmed_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("case_id"),
    )
    with op.batch_alter_table("open_shortage", schema=None) as batch_op:
        batch_op.create_index("open_shortage_drug", ["drug_key"], unique=False)
        batch_op.create_index("open_shortage_order", ["suspected_at", "case_id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("open_shortage", schema=None) as batch_op:
        batch_op.drop_index("open_shortage_order")
        batch_op.drop_index("open_shortage_drug")

    op.drop_table("open_shortage")
