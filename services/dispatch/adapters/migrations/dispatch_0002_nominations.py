"""What patients have nominated a pharmacy for.

Revision dispatch_0002.
"""

import sqlalchemy as sa
from alembic import op

revision = "dispatch_0002"
down_revision = "dispatch_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "nominated_fulfilments",
        sa.Column("fulfilment_id", sa.Uuid(), nullable=False),
        sa.Column("patient_ref", sa.Uuid(), nullable=False),
        sa.Column("pharmacy", sa.Text(), nullable=True),
        sa.Column("arrival", sa.BigInteger(), nullable=False, comment="log index of the choice"),
        sa.PrimaryKeyConstraint("fulfilment_id"),
    )
    op.create_index("ix_nominated_fulfilments_patient_ref", "nominated_fulfilments", ["patient_ref"])
    op.create_index("nominated_fulfilments_of_pharmacy", "nominated_fulfilments", ["pharmacy", "arrival"])


def downgrade() -> None:
    op.drop_index("nominated_fulfilments_of_pharmacy", table_name="nominated_fulfilments")
    op.drop_index("ix_nominated_fulfilments_patient_ref", table_name="nominated_fulfilments")
    op.drop_table("nominated_fulfilments")
