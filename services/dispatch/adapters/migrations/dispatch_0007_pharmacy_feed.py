"""What a pharmacy is told of its nominations and holds.

Revision dispatch_0007.
"""

import sqlalchemy as sa
from alembic import op

revision = "dispatch_0007"
down_revision = "dispatch_0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "pharmacy_feed",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False, comment="the hold; of a nomination, the fulfilment"),
        sa.Column("pharmacy", sa.Text(), nullable=False),
        sa.Column("fulfilment_id", sa.Uuid(), nullable=False),
        sa.Column("supply_id", sa.Uuid(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("claim", sa.Text(), nullable=True),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.Column(
            "notice", sa.Text(), nullable=True, comment="the last word on lines of the prescription: blocked, answered"
        ),
        sa.Column("position", sa.BigInteger(), nullable=False, comment="log index of the last change"),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "subject_id", "pharmacy"),
    )
    for column in ("fulfilment_id", "supply_id"):
        op.create_index(f"ix_pharmacy_feed_{column}", "pharmacy_feed", [column])
    op.create_index("pharmacy_feed_in_order", "pharmacy_feed", ["pharmacy", "position", "subject_id"])


def downgrade() -> None:
    op.drop_table("pharmacy_feed")
