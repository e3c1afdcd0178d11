"""Clearing: what is to be settled with pharmacies, and the batches.

Revision insurance_0005.
"""

import sqlalchemy as sa
from alembic import op

revision = "insurance_0005"
down_revision = "insurance_0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "clearing_claims",
        sa.Column("claim_id", sa.Uuid(), nullable=False),
        sa.Column("supply_id", sa.Uuid(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("lines", sa.JSON(), nullable=True),
        sa.PrimaryKeyConstraint("claim_id"),
    )
    op.create_table(
        "clearing_entries",
        sa.Column("position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("insurer", sa.Text(), nullable=False),
        sa.Column("pharmacy", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("claim_id", sa.Uuid(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("position"),
    )
    op.create_index("clearing_entries_in_order", "clearing_entries", ["insurer", "pharmacy", "position"])
    op.create_table(
        "settlement_batches",
        sa.Column("clearing_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("insurer", sa.Text(), nullable=False),
        sa.Column("pharmacy", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("until", sa.Text(), nullable=False),
        sa.Column("claims", sa.Integer(), nullable=False),
        sa.Column("transferred", sa.BigInteger(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=True),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("clearing_id", "number"),
    )
    op.create_index("settlement_batches_of_insurer", "settlement_batches", ["insurer", "position"])
    op.create_index("settlement_batches_of_pharmacy", "settlement_batches", ["pharmacy", "position"])


def downgrade() -> None:
    for name in ("settlement_batches", "clearing_entries", "clearing_claims"):
        op.drop_table(name)
