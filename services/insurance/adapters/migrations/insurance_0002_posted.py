"""Claims on credit; what of the ledger is posted, and whose pharmacy it is.

Revision insurance_0002.
"""

import sqlalchemy as sa
from alembic import op

revision = "insurance_0002"
down_revision = "insurance_0001"
branch_labels = None
depends_on = None

CLAIMS = sa.table("claims", sa.column("claim_id"), sa.column("pharmacy"), sa.column("insurer"), sa.column("state"))
LEDGER = sa.table("ledger_claims", sa.column("claim_id"), sa.column("pharmacy"), sa.column("posted"))


def upgrade() -> None:
    with op.batch_alter_table("claims", schema=None) as batch_op:
        batch_op.add_column(sa.Column("credit", sa.Boolean(), nullable=False, server_default=sa.false()))
    with op.batch_alter_table("ledger_claims", schema=None) as batch_op:
        batch_op.add_column(sa.Column("pharmacy", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("posted", sa.Boolean(), nullable=False, server_default=sa.false()))
        batch_op.create_index(batch_op.f("ix_ledger_claims_pharmacy"), ["pharmacy"], unique=False)
    about = sa.select(CLAIMS.c.pharmacy).where(CLAIMS.c.claim_id == LEDGER.c.claim_id).scalar_subquery()
    settled = sa.select(CLAIMS.c.claim_id).where(CLAIMS.c.state == "settled")
    op.execute(LEDGER.update().values(pharmacy=about))
    op.execute(LEDGER.update().where(LEDGER.c.claim_id.in_(settled)).values(posted=sa.true()))
    unbooked = sa.select(LEDGER.c.claim_id)
    rows = sa.select(CLAIMS.c.claim_id, CLAIMS.c.pharmacy, sa.false()).where(CLAIMS.c.claim_id.not_in(unbooked))
    op.execute(LEDGER.insert().from_select(["claim_id", "pharmacy", "posted"], rows))


def downgrade() -> None:
    with op.batch_alter_table("ledger_claims", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_ledger_claims_pharmacy"))
        batch_op.drop_column("posted")
        batch_op.drop_column("pharmacy")
    with op.batch_alter_table("claims", schema=None) as batch_op:
        batch_op.drop_column("credit")
