"""Read models of prescribe. They hold references and codes, no personal data of patients."""

import sqlalchemy as sa

METADATA = sa.MetaData()
