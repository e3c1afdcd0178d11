"""How reporters stand, each kind of report for itself.

Revision shortage_0011.
"""

import sqlalchemy as sa
from alembic import op

revision = "shortage_0011"
down_revision = "shortage_0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("reporter_alerts", sa.Column("source", sa.Text(), server_default="", nullable=False))
    op.create_table(
        "reporters",
        sa.Column("reporter", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("region", sa.Text(), nullable=False),
        sa.Column("trust", sa.Text(), nullable=True),
        sa.Column("last", sa.Text(), nullable=True),
        sa.Column("awaited_by", sa.BigInteger(), nullable=True),
        sa.Column("silent_since", sa.Text(), nullable=True),
        sa.Column("contradicted", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("reporter", "source"),
    )
    op.create_index("reporters_by_region", "reporters", ["region"], unique=False)


def downgrade() -> None:
    op.drop_table("reporters")
    op.drop_column("reporter_alerts", "source")
