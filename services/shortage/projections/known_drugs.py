"""The drugs that can be told about, by the words others have for them."""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa

from services.seedwork.projection import Operation, Projection, Put, Recorded
from services.shortage.domain.known_drugs import DrugKnown, same_words
from services.shortage.projections import METADATA

FOUND_MAX = 100

KNOWN = sa.Table(
    "known_drug",
    METADATA,
    sa.Column("drug_key", sa.Text, primary_key=True),
    sa.Column("generic_name", sa.Text, nullable=False),
    sa.Column("english_name", sa.Text, nullable=False),
    sa.Column("form", sa.Text, nullable=False),
    sa.Column("strength", sa.Text, nullable=False),
    sa.Column("atc", sa.Text, nullable=False),
    sa.Index("known_drug_english", "english_name"),
    sa.Index("known_drug_generic", "generic_name"),
)
"""Names and strength as they are compared: `domain.known_drugs.same_words`."""

_name = sa.bindparam("name", type_=sa.Text)
NAMED = sa.select(KNOWN).where(sa.or_(KNOWN.c.english_name == _name, KNOWN.c.generic_name == _name)).limit(FOUND_MAX)


def project(recorded: Recorded) -> Iterator[Operation]:
    if isinstance(recorded.event, DrugKnown):
        drug = recorded.event
        yield Put(
            KNOWN,
            {
                "drug_key": drug.drug_key,
                "generic_name": same_words(drug.generic_name),
                "english_name": same_words(drug.english_name),
                "form": drug.form,
                "strength": same_words(drug.strength),
                "atc": drug.atc,
            },
        )


PROJECTION = Projection(name="known_drugs", tables=(KNOWN,), project=project, queries={"known_drugs_named": NAMED})
