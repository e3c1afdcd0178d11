"""Of lines of orders: whose they are, what is missing and what is still to come: what a pharmacy's status follows from.

Revision shortage_0010.
"""

import sqlalchemy as sa
from alembic import op

revision = "shortage_0010"
down_revision = "shortage_0009"
branch_labels = None
depends_on = None

TEXTS, NUMBERS = ("pharmacy", "promised"), ("missing", "coming")


def upgrade() -> None:
    for name in TEXTS:
        op.add_column("order_lines", sa.Column(name, sa.Text(), nullable=True))
    for name in NUMBERS:
        op.add_column("order_lines", sa.Column(name, sa.BigInteger(), nullable=True))


def downgrade() -> None:
    for name in (*TEXTS, *NUMBERS):
        op.drop_column("order_lines", name)
