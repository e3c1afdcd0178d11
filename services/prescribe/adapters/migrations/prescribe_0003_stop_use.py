"""Notices to stop using something, by patient.

Revision prescribe_0003.
"""

import sqlalchemy as sa
from alembic import op

revision = "prescribe_0003"
down_revision = "prescribe_0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "stop_use_notice",
        sa.Column("prescription_id", sa.Uuid(), nullable=False),
        sa.Column("request_id", sa.Uuid(), nullable=False),
        sa.Column("patient_ref", sa.Uuid(), nullable=False),
        sa.Column("reason_code", sa.Text(), nullable=False),
        sa.Column("lines", sa.JSON(), nullable=False),
        sa.Column("notified_at", sa.BigInteger(), nullable=False),
        sa.Column("acknowledged_at", sa.BigInteger(), nullable=True),
        sa.Column("acknowledged_by", sa.Text(), nullable=True),
        sa.Column("acknowledged_as", sa.Text(), nullable=True, comment="patient, representative"),
        sa.Column("arrival", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("prescription_id", "request_id"),
    )
    op.create_index("stop_use_notice_by_patient", "stop_use_notice", ["patient_ref", "arrival"], unique=False)


def downgrade() -> None:
    op.drop_table("stop_use_notice")
