"""When what happened to the goods of a supply.

Revision dispatch_0003.
"""

import sqlalchemy as sa
from alembic import op

revision = "dispatch_0003"
down_revision = "dispatch_0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "goods_movements",
        sa.Column("log_index", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("subject", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("log_index"),
    )
    with op.batch_alter_table("goods_movements", schema=None) as batch_op:
        batch_op.create_index("goods_movements_of_subject", ["subject", "log_index"], unique=False)
