"""Which scheme's funds pay a claim, for a payer's totals by scheme.

Revision insurance_0009.
"""

import sqlalchemy as sa
from alembic import op

revision = "insurance_0009"
down_revision = "insurance_0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("payer_claims", schema=None) as batch_op:
        batch_op.add_column(sa.Column("insutype", sa.Text(), nullable=False, server_default=""))


def downgrade() -> None:
    with op.batch_alter_table("payer_claims", schema=None) as batch_op:
        batch_op.drop_column("insutype")
