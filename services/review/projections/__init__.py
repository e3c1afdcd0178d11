"""Read models of review."""

import sqlalchemy as sa

METADATA = sa.MetaData()
