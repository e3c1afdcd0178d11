"""Clearing: what a payment provider has for a pharmacy stands beside what an insurer owes it for the same event.

Revision insurance_0011.
"""

import sqlalchemy as sa
from alembic import op

revision = "insurance_0011"
down_revision = "insurance_0010"
branch_labels = None
depends_on = None

KEY = "clearing_entries_pkey"
TEXTS = ("insurer", "pharmacy", "kind")


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.add_column("clearing_entries", _held_before())
        _named_by("position", "insurer")
    else:
        _anew(("position", "insurer"), _held_before())


def downgrade() -> None:
    op.execute("DELETE FROM clearing_entries WHERE kind IN ('share', 'delivery_fee', 'paid_back')")
    if op.get_bind().dialect.name == "postgresql":
        _named_by("position")
        op.drop_column("clearing_entries", "held_before")
    else:
        _anew(("position",))


def _held_before() -> "sa.Column[int]":
    return sa.Column("held_before", sa.BigInteger(), server_default="0", nullable=False)


def _named_by(*columns: str) -> None:
    op.drop_constraint(KEY, "clearing_entries", type_="primary")
    op.create_primary_key(KEY, "clearing_entries", list(columns))


def _anew(named_by: tuple[str, ...], *beside: "sa.Column[int]") -> None:
    """SQLite changes no primary key of a table that stands."""
    op.create_table(
        "clearing_entries_anew",
        sa.Column("position", sa.BigInteger(), autoincrement=False, nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in TEXTS),
        sa.Column("claim_id", sa.Uuid(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        *beside,
        sa.Column("day", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint(*named_by),
    )
    kept = ", ".join(("position", *TEXTS, "claim_id", "amount", "day"))
    op.execute(f"INSERT INTO clearing_entries_anew ({kept}) SELECT {kept} FROM clearing_entries")  # noqa: S608 - names of ours
    op.drop_table("clearing_entries")
    op.rename_table("clearing_entries_anew", "clearing_entries")
    op.create_index("clearing_entries_in_order", "clearing_entries", ["insurer", "pharmacy", "position"])
