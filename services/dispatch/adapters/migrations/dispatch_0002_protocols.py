"""Substitution protocols.

Revision dispatch_0002_protocols.
"""

import sqlalchemy as sa
from alembic import op

revision = "dispatch_0002_protocols"
down_revision = "dispatch_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "substitution_protocols",
        sa.Column("protocol_id", sa.Uuid(), nullable=False),
        sa.Column("from_drug_key", sa.Text(), nullable=False),
        sa.Column("to_drug_key", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("protocol_id"),
    )
    op.create_index("ix_substitution_protocols_from_drug_key", "substitution_protocols", ["from_drug_key"])


def downgrade() -> None:
    op.drop_table("substitution_protocols")
