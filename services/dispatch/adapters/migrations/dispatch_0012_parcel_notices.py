"""A stop-use notice may be about a parcel that was spoilt on the way: then it has a delivery and no recall.

Revision dispatch_0012.
"""

import sqlalchemy as sa
from alembic import op

revision = "dispatch_0012"
down_revision = "dispatch_0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("recall_notices", schema=None) as batch_op:
        batch_op.alter_column("recall_id", existing_type=sa.Uuid(), nullable=True)
        batch_op.add_column(sa.Column("reason", sa.Text(), server_default="lot_recalled", nullable=False))
        batch_op.add_column(sa.Column("delivery_id", sa.Uuid(), nullable=True))


def downgrade() -> None:
    op.execute("DELETE FROM recall_notices WHERE recall_id IS NULL")
    with op.batch_alter_table("recall_notices", schema=None) as batch_op:
        batch_op.drop_column("delivery_id")
        batch_op.drop_column("reason")
        batch_op.alter_column("recall_id", existing_type=sa.Uuid(), nullable=False)
