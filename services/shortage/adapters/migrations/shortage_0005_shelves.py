"""What shelves were told to hold, by day, and when reporters were heard of last.

Revision shortage_0005.
"""

import sqlalchemy as sa
from alembic import op

revision = "shortage_0005"
down_revision = "shortage_0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "watched_shelves",
        sa.Column("pharmacy", sa.Text(), nullable=False),
        sa.Column("product", sa.Text(), nullable=False),
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("empty", sa.Boolean(), nullable=False),
        sa.Column("drug_key", sa.Text(), nullable=False),
        sa.Column("region", sa.Text(), nullable=False),
        sa.Column("free", sa.BigInteger(), nullable=False),
        sa.Column("given", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("pharmacy", "product", "day", "empty"),
    )
    op.create_index("watched_shelves_by_drug", "watched_shelves", ["drug_key", "day"])
    op.create_table(
        "reporters_heard",
        sa.Column("reporter", sa.Text(), nullable=False),
        sa.Column("last", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("reporter"),
    )


def downgrade() -> None:
    op.drop_table("reporters_heard")
    op.drop_table("watched_shelves")
