"""The projections of prescribe.

Revision prescribe_0001.
"""

import sqlalchemy as sa
from alembic import op

revision = "prescribe_0001"
down_revision = None
branch_labels = ("prescribe",)
depends_on = None


def upgrade() -> None:
    op.create_table(
        "feedback",
        sa.Column("log_index", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("prescription_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("log_index"),
    )
    with op.batch_alter_table("feedback", schema=None) as batch_op:
        batch_op.create_index("feedback_by_prescription", ["prescription_id"], unique=False)

    op.create_table(
        "prescription",
        sa.Column("prescription_id", sa.Uuid(), nullable=False),
        sa.Column("prescriber", sa.Text(), nullable=False),
        sa.Column("patient_ref", sa.Uuid(), nullable=False),
        sa.Column("institution", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("issued_at", sa.BigInteger(), nullable=False),
        sa.Column("valid_until", sa.BigInteger(), nullable=False),
        sa.Column("arrival", sa.BigInteger(), nullable=False),
        sa.Column("strictest_class", sa.Text(), nullable=False),
        sa.Column("online_visit", sa.Boolean(), nullable=False),
        sa.Column("dispensed", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("prescription_id"),
    )
    with op.batch_alter_table("prescription", schema=None) as batch_op:
        batch_op.create_index("prescription_by_patient", ["patient_ref", "arrival"], unique=False)
        batch_op.create_index("prescription_by_prescriber", ["prescriber", "arrival"], unique=False)

    op.create_table(
        "register_entries",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.Column("valid_from", sa.Text(), nullable=False),
        sa.Column("valid_until", sa.Text(), nullable=True),
        sa.Column("suspended", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "code"),
    )
    op.create_table(
        "trace",
        sa.Column("log_index", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("prescription_id", sa.Uuid(), nullable=False),
        sa.Column("service", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("stream", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("message_id", sa.Text(), nullable=True),
        sa.Column("causation_id", sa.Text(), nullable=True),
        sa.Column("occurred_at", sa.BigInteger(), nullable=False),
        sa.Column("known_at", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("summary", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("log_index"),
    )
    with op.batch_alter_table("trace", schema=None) as batch_op:
        batch_op.create_index("trace_by_prescription", ["prescription_id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("trace", schema=None) as batch_op:
        batch_op.drop_index("trace_by_prescription")

    op.drop_table("trace")
    op.drop_table("register_entries")
    with op.batch_alter_table("prescription", schema=None) as batch_op:
        batch_op.drop_index("prescription_by_prescriber")
        batch_op.drop_index("prescription_by_patient")

    op.drop_table("prescription")
    with op.batch_alter_table("feedback", schema=None) as batch_op:
        batch_op.drop_index("feedback_by_prescription")

    op.drop_table("feedback")
