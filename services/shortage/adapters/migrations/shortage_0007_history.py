"""The history that reports are made from.

Revision shortage_0007.
"""

import sqlalchemy as sa
from alembic import op

revision = "shortage_0007"
down_revision = "shortage_0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "case_log",
        sa.Column("log_index", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("drug_key", sa.Text(), nullable=True, comment="of the suspicion that begins a case"),
        sa.Column("region", sa.Text(), nullable=True),
        sa.Column("told", sa.Text(), nullable=True, comment="for followers; none: nothing for them"),
        sa.Column("state", sa.JSON(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("log_index"),
    )
    op.create_table(
        "supply_log",
        sa.Column("log_index", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("drug_key", sa.Text(), nullable=False),
        sa.Column("reporter", sa.Text(), nullable=False),
        sa.Column("region", sa.Text(), nullable=False),
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("filled", sa.BigInteger(), nullable=False),
        sa.Column("wanted", sa.BigInteger(), nullable=False),
        sa.Column("told_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("log_index"),
    )
    op.create_index("case_log_by_case", "case_log", ["case_id", "log_index"], unique=False)
    op.create_index("case_log_told", "case_log", ["told", "log_index"], unique=False)
    op.create_index("supply_log_by_key", "supply_log", ["kind", "key", "log_index"], unique=False)
    op.create_index("supply_log_by_day", "supply_log", ["day"], unique=False)


def downgrade() -> None:
    op.drop_table("supply_log")
    op.drop_table("case_log")
