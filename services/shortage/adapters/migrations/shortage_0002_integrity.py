"""The board of integrity alarms.

Revision shortage_0002.
"""

import sqlalchemy as sa
from alembic import op

revision = "shortage_0002"
down_revision = "shortage_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "integrity_alarms",
        sa.Column("position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("code_sha256", sa.Text(), nullable=False),
        sa.Column("product", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("found", sa.Text(), nullable=False),
        sa.Column("first", sa.JSON(), nullable=False),
        sa.Column("second", sa.JSON(), nullable=False),
        sa.Column("first_region", sa.Text(), nullable=False),
        sa.Column("second_region", sa.Text(), nullable=False),
        sa.Column("raised_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("position"),
    )


def downgrade() -> None:
    op.drop_table("integrity_alarms")
