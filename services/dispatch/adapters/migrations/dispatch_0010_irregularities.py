"""What happened against a rule has a name, so that it can be explained.

Revision dispatch_0010.
"""

import sqlalchemy as sa
from alembic import op

revision = "dispatch_0010"
down_revision = "dispatch_0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("irregular_supplies", schema=None) as batch_op:
        batch_op.add_column(sa.Column("irregularity_id", sa.Uuid(), nullable=True))
    op.create_index("irregular_supplies_by_id", "irregular_supplies", ["irregularity_id"], unique=False)


def downgrade() -> None:
    op.drop_index("irregular_supplies_by_id", table_name="irregular_supplies")
    with op.batch_alter_table("irregular_supplies", schema=None) as batch_op:
        batch_op.drop_column("irregularity_id")
