"""Webhook endpoints of authorities.

Revision shortage_0008.
"""

import sqlalchemy as sa
from alembic import op

revision = "shortage_0008"
down_revision = "shortage_0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "webhook_endpoints",
        sa.Column("endpoint_id", sa.Uuid(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("kinds", sa.JSON(), nullable=False),
        sa.Column("filters", sa.JSON(), nullable=False),
        sa.Column("serial", sa.Integer(), nullable=False, comment="of the secret"),
        sa.Column(
            "previous_until", sa.BigInteger(), nullable=True, comment="until when the secret before signs beside it"
        ),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("changed_by", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("endpoint_id"),
    )
    op.create_index("ix_webhook_endpoints_owner", "webhook_endpoints", ["owner"])
    op.create_table(
        "webhook_decisions",
        sa.Column("log_index", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("endpoint_id", sa.Uuid(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("place", sa.BigInteger(), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("log_index"),
    )
    op.create_index("webhook_decisions_by_letter", "webhook_decisions", ["endpoint_id", "place", "log_index"])


def downgrade() -> None:
    op.drop_table("webhook_decisions")
    op.drop_table("webhook_endpoints")
