"""Payments of delivery fees beside those of shares.

Revision insurance_0008.
"""

import sqlalchemy as sa
from alembic import op

revision = "insurance_0008"
down_revision = "insurance_0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("payments", schema=None) as batch_op:
        batch_op.add_column(sa.Column("item", sa.Text(), nullable=False, server_default="share"))


def downgrade() -> None:
    with op.batch_alter_table("payments", schema=None) as batch_op:
        batch_op.drop_column("item")
