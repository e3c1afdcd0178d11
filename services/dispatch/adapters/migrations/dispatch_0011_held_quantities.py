"""How much a running hold still holds, so that its row goes when it ends in parts. Its projection is rebuilt.

Revision dispatch_0011.
"""

import sqlalchemy as sa
from alembic import op

revision = "dispatch_0011"
down_revision = "dispatch_0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("running_holds", schema=None) as batch_op:
        batch_op.add_column(sa.Column("held", sa.BigInteger(), server_default="0", nullable=False))


def downgrade() -> None:
    with op.batch_alter_table("running_holds", schema=None) as batch_op:
        batch_op.drop_column("held")
