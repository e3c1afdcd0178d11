"""Read models of dispatch. No personal data: patients appear by their random reference only."""

import sqlalchemy as sa

METADATA = sa.MetaData()
