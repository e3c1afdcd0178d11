"""Webhooks: how far each endpoint was told, and what is on its way to it.

Revision kernel_0002.
"""

import sqlalchemy as sa
from alembic import op

revision = "kernel_0002"
down_revision = "kernel_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "webhook_progress",
        sa.Column("endpoint_id", sa.Uuid(), nullable=False),
        sa.Column(
            "told_upto", sa.BigInteger(), nullable=False, comment="log index up to which the feed became deliveries"
        ),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False, comment="in a row"),
        sa.Column("failing_since", sa.BigInteger(), nullable=True),
        sa.Column("answered_at", sa.BigInteger(), nullable=True, comment="the last success"),
        sa.PrimaryKeyConstraint("endpoint_id"),
        comment="How far each webhook endpoint was told, and how it answers.",
    )
    op.create_table(
        "webhook_delivery",
        sa.Column("endpoint_id", sa.Uuid(), nullable=False),
        sa.Column("place", sa.BigInteger(), autoincrement=False, nullable=False, comment="log index of what is told"),
        sa.Column("stream_id", sa.Uuid(), nullable=False, comment="told in order"),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("message_id", sa.Text(), nullable=False, comment="webhook-id, the same at every attempt"),
        sa.Column("status", sa.Text(), nullable=False, comment="pending, delivered, dead, skipped, failed, withdrawn"),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=True, comment="the next attempt; none: it is not pending"),
        sa.Column("answer", sa.Integer(), nullable=True, comment="HTTP status of the last attempt"),
        sa.Column("error", sa.Text(), nullable=True, comment="why there was none, or what was wrong"),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("tried_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("endpoint_id", "place"),
        comment="What webhook endpoints are told, without its content: once per endpoint and log index.",
    )
    op.create_index("webhook_delivery_due", "webhook_delivery", ["due_at"])
    op.create_index("webhook_delivery_in_order", "webhook_delivery", ["endpoint_id", "stream_id", "place"])
    op.create_index("webhook_delivery_by_status", "webhook_delivery", ["endpoint_id", "status", "place"])


def downgrade() -> None:
    op.drop_table("webhook_delivery")
    op.drop_table("webhook_progress")
