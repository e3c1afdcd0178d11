"""A pharmacy's feed tells of more than its holds: what is about no fulfilment, with its facts.

Revision dispatch_0008.
"""

import sqlalchemy as sa
from alembic import op

revision = "dispatch_0008"
down_revision = "dispatch_0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("pharmacy_feed", schema=None) as batch_op:
        batch_op.alter_column("fulfilment_id", existing_type=sa.Uuid(), nullable=True)
        batch_op.add_column(
            sa.Column("facts", sa.JSON(), nullable=True, comment="of what is no hold: codes and figures")
        )


def downgrade() -> None:
    op.execute("DELETE FROM pharmacy_feed WHERE fulfilment_id IS NULL")
    with op.batch_alter_table("pharmacy_feed", schema=None) as batch_op:
        batch_op.drop_column("facts")
        batch_op.alter_column("fulfilment_id", existing_type=sa.Uuid(), nullable=False)
