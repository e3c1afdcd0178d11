"""The drugs that shortage can be told about.

Revision shortage_0003.
"""

import sqlalchemy as sa
from alembic import op

revision = "shortage_0003"
down_revision = "shortage_0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "known_drug",
        sa.Column("drug_key", sa.Text(), nullable=False),
        sa.Column("generic_name", sa.Text(), nullable=False),
        sa.Column("english_name", sa.Text(), nullable=False),
        sa.Column("form", sa.Text(), nullable=False),
        sa.Column("strength", sa.Text(), nullable=False),
        sa.Column("atc", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("drug_key"),
    )
    op.create_index("known_drug_english", "known_drug", ["english_name"])
    op.create_index("known_drug_generic", "known_drug", ["generic_name"])


def downgrade() -> None:
    op.drop_table("known_drug")
