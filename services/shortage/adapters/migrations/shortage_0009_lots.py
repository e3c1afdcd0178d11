"""One event may tell many facts of supply: a row of the history is named by the event and the fact's place in it.

Revision shortage_0009.
"""

import sqlalchemy as sa
from alembic import op

revision = "shortage_0009"
down_revision = "shortage_0008"
branch_labels = None
depends_on = None

KEY = "supply_log_pkey"


FIELDS = ("kind", "key", "drug_key", "reporter", "region", "day", "filled", "wanted", "told_at")
NUMBERS = {"filled", "wanted", "told_at"}


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.add_column("supply_log", sa.Column("n", sa.Integer(), server_default="0", nullable=False))
        _named_by("log_index", "n")
    else:
        _anew(sa.Column("n", sa.Integer(), server_default="0", autoincrement=False, nullable=False))


def downgrade() -> None:
    op.execute("DELETE FROM supply_log WHERE n > 0")
    if op.get_bind().dialect.name == "postgresql":
        _named_by("log_index")
        op.drop_column("supply_log", "n")
    else:
        _anew()


def _named_by(*columns: str) -> None:
    op.drop_constraint(KEY, "supply_log", type_="primary")
    op.create_primary_key(KEY, "supply_log", list(columns))


def _anew(*beside: "sa.Column[int]") -> None:
    """SQLite changes no primary key of a table that stands."""
    op.create_table(
        "supply_log_anew",
        sa.Column("log_index", sa.BigInteger(), autoincrement=False, nullable=False),
        *beside,
        *(sa.Column(name, sa.BigInteger() if name in NUMBERS else sa.Text(), nullable=False) for name in FIELDS),
        sa.PrimaryKeyConstraint("log_index", *(column.name for column in beside)),
    )
    kept = ", ".join(("log_index", *FIELDS))
    op.execute(f"INSERT INTO supply_log_anew ({kept}) SELECT {kept} FROM supply_log")  # noqa: S608 - names of ours
    op.drop_table("supply_log")
    op.rename_table("supply_log_anew", "supply_log")
    op.create_index("supply_log_by_key", "supply_log", ["kind", "key", "log_index"], unique=False)
    op.create_index("supply_log_by_day", "supply_log", ["day"], unique=False)
