"""The keyring.

Revision keyring_0001.
"""

import sqlalchemy as sa
from alembic import op

revision = "keyring_0001"
down_revision = None
branch_labels = ("keyring",)
depends_on = None


def upgrade() -> None:
    op.create_table(
        "key",
        sa.Column("patient_ref", sa.Uuid(), nullable=False),
        sa.Column("data_class", sa.Text(), nullable=False),
        sa.Column("wrapped_dek", sa.LargeBinary(), nullable=True),
        sa.Column("kek", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("patient_ref", "data_class"),
        comment="One wrapped data key per patient and class of personal data. Destroyed: the row is the tombstone.",
        postgresql_with={"autovacuum_vacuum_scale_factor": 0, "autovacuum_vacuum_threshold": 0},
    )
    op.create_table(
        "forgetting",
        sa.Column("store", sa.Text(), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("log_index", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("store"),
        comment="Up to where each store's log of forgotten patients is applied here: a restored keyring is behind.",
    )
    op.create_table(
        "witness",
        sa.Column("store", sa.Text(), nullable=False),
        sa.Column("upto", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("statement", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("store", "upto"),
        comment="The checkpoints of every store, kept in another one: a store that was cut or replaced contradicts them.",
    )


def downgrade() -> None:
    op.drop_table("witness")
    op.drop_table("forgetting")
    op.drop_table("key")
