"""Read models of shortage."""

import sqlalchemy as sa

METADATA = sa.MetaData()
