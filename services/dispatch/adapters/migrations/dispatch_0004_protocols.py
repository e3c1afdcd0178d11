"""Substitution protocols; owed quantities.

Revision dispatch_0004.
"""

import sqlalchemy as sa
from alembic import op

revision = "dispatch_0004"
down_revision = "dispatch_0003"
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
    op.create_table(
        "owed_quantities",
        sa.Column("wish_id", sa.Uuid(), nullable=False),
        sa.Column("fulfilment_id", sa.Uuid(), nullable=False),
        sa.Column("supply_id", sa.Uuid(), nullable=False),
        sa.Column("patient_ref", sa.Uuid(), nullable=False),
        sa.Column("pharmacy", sa.Text(), nullable=False),
        sa.Column("drug_key", sa.Text(), nullable=False),
        sa.Column("product", sa.Text(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.BigInteger(), nullable=False),
        sa.Column("arrived_at", sa.BigInteger(), nullable=True),
        sa.Column("arrival", sa.BigInteger(), nullable=True, comment="log index of the goods that came in"),
        sa.PrimaryKeyConstraint("wish_id"),
    )
    op.create_index("ix_owed_quantities_fulfilment_id", "owed_quantities", ["fulfilment_id"])
    op.create_index("ix_owed_quantities_patient_ref", "owed_quantities", ["patient_ref"])
    op.create_index("owed_quantities_by_drug", "owed_quantities", ["pharmacy", "drug_key", "state"])


def downgrade() -> None:
    op.drop_table("owed_quantities")
    op.drop_table("substitution_protocols")
