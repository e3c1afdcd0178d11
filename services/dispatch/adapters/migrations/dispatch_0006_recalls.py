"""What a recall looks for: lots by product, supplies by lot, running holds; recalls and the notices of patients.

Revision dispatch_0006.
"""

import sqlalchemy as sa
from alembic import op

revision = "dispatch_0006"
down_revision = "dispatch_0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("stock_lots", schema=None) as batch_op:
        batch_op.add_column(sa.Column("product", sa.Text(), nullable=True))
    op.create_table(
        "supplied_lots",
        sa.Column("product", sa.Text(), nullable=False),
        sa.Column("lot", sa.Text(), nullable=False),
        sa.Column("supply_id", sa.Uuid(), nullable=False),
        sa.Column("fulfilment_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("product", "lot", "supply_id"),
    )
    op.create_index("supplied_lots_of_supply", "supplied_lots", ["supply_id"], unique=False)
    op.create_table(
        "running_holds",
        sa.Column("hold_id", sa.Uuid(), nullable=False),
        sa.Column("fulfilment_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("hold_id"),
    )
    op.create_table(
        "recalls",
        sa.Column("recall_id", sa.Uuid(), nullable=False),
        sa.Column("product", sa.Text(), nullable=False),
        sa.Column("recall_class", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("recall_id"),
    )
    op.create_table(
        "recall_notices",
        sa.Column("notice_id", sa.Uuid(), nullable=False),
        sa.Column("recall_id", sa.Uuid(), nullable=False),
        sa.Column("patient_ref", sa.Uuid(), nullable=False),
        sa.Column("product", sa.Text(), nullable=False),
        sa.Column("lot", sa.Text(), nullable=False),
        sa.Column("pharmacy", sa.Text(), nullable=False),
        sa.Column("instruction", sa.Text(), nullable=False),
        sa.Column("acknowledged", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.PrimaryKeyConstraint("notice_id"),
    )
    op.create_index("ix_recall_notices_patient_ref", "recall_notices", ["patient_ref"], unique=False)
    op.create_index("recall_notices_of_recall", "recall_notices", ["recall_id"], unique=False)


def downgrade() -> None:
    for table in ("recall_notices", "recalls", "running_holds", "supplied_lots"):
        op.drop_table(table)
    with op.batch_alter_table("stock_lots", schema=None) as batch_op:
        batch_op.drop_column("product")
