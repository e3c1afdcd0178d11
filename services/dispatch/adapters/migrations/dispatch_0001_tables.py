"""The projections of dispatch.

Revision dispatch_0001.
"""

import sqlalchemy as sa
from alembic import op

revision = "dispatch_0001"
down_revision = None
branch_labels = ("dispatch",)
depends_on = None


def upgrade() -> None:
    op.create_table(
        "designations",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("pharmacy", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("code"),
    )
    with op.batch_alter_table("designations", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_designations_pharmacy"), ["pharmacy"], unique=False)

    op.create_table(
        "fulfilments",
        sa.Column("fulfilment_id", sa.Uuid(), nullable=False),
        sa.Column("prescription_id", sa.Uuid(), nullable=False),
        sa.Column("patient_ref", sa.Uuid(), nullable=False),
        sa.Column("instalment", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("fulfilment_id"),
    )
    with op.batch_alter_table("fulfilments", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_fulfilments_patient_ref"), ["patient_ref"], unique=False)
        batch_op.create_index(batch_op.f("ix_fulfilments_prescription_id"), ["prescription_id"], unique=False)

    op.create_table(
        "irregular_supplies",
        sa.Column("log_index", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.Column("fulfilment_id", sa.Uuid(), nullable=False),
        sa.Column("supply_id", sa.Uuid(), nullable=False),
        sa.Column("irregularities", sa.JSON(), nullable=False),
        sa.Column("handed_out_by", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("log_index"),
    )
    with op.batch_alter_table("irregular_supplies", schema=None) as batch_op:
        batch_op.create_index("irregular_supplies_of_organisation", ["organisation", "log_index"], unique=False)

    op.create_table(
        "known_shortages",
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("drug_key", sa.Text(), nullable=False),
        sa.Column("region", sa.Text(), nullable=False),
        sa.Column("grade", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("case_id"),
    )
    with op.batch_alter_table("known_shortages", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_known_shortages_drug_key"), ["drug_key"], unique=False)

    op.create_table(
        "pharmacies",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("region", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("latitude", sa.Float(), nullable=False),
        sa.Column("longitude", sa.Float(), nullable=False),
        sa.Column("valid_from", sa.Text(), nullable=False),
        sa.Column("valid_until", sa.Text(), nullable=False),
        sa.Column("suspended", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("code"),
    )
    with op.batch_alter_table("pharmacies", schema=None) as batch_op:
        batch_op.create_index("pharmacies_by_place", ["latitude", "longitude"], unique=False)

    op.create_table(
        "register_entries",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.Column("valid_from", sa.Text(), nullable=False),
        sa.Column("valid_until", sa.Text(), nullable=True),
        sa.Column("suspended", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "code"),
    )
    op.create_table(
        "stock_levels",
        sa.Column("stock_item_id", sa.Uuid(), nullable=False),
        sa.Column("pharmacy", sa.Text(), nullable=False),
        sa.Column("product", sa.Text(), nullable=False),
        sa.Column("drug_key", sa.Text(), nullable=False),
        sa.Column("on_hand", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("reserved", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("pack_size", sa.Integer(), nullable=False),
        sa.Column("unit_price", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("stock_item_id"),
    )
    with op.batch_alter_table("stock_levels", schema=None) as batch_op:
        batch_op.create_index("stock_levels_by_drug", ["drug_key", "pharmacy"], unique=False)
        batch_op.create_index("stock_levels_by_pharmacy", ["pharmacy", "product"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("stock_levels", schema=None) as batch_op:
        batch_op.drop_index("stock_levels_by_pharmacy")
        batch_op.drop_index("stock_levels_by_drug")

    op.drop_table("stock_levels")
    op.drop_table("register_entries")
    with op.batch_alter_table("pharmacies", schema=None) as batch_op:
        batch_op.drop_index("pharmacies_by_place")

    op.drop_table("pharmacies")
    with op.batch_alter_table("known_shortages", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_known_shortages_drug_key"))

    op.drop_table("known_shortages")
    with op.batch_alter_table("irregular_supplies", schema=None) as batch_op:
        batch_op.drop_index("irregular_supplies_of_organisation")

    op.drop_table("irregular_supplies")
    with op.batch_alter_table("fulfilments", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_fulfilments_prescription_id"))
        batch_op.drop_index(batch_op.f("ix_fulfilments_patient_ref"))

    op.drop_table("fulfilments")
    with op.batch_alter_table("designations", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_designations_pharmacy"))

    op.drop_table("designations")
