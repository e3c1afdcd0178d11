"""Finds fulfilments by something else than their id: the open part of a token, the prescription."""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa

from services.dispatch.domain.fulfilment.events import FulfilmentOpened
from services.dispatch.domain.secrets import locator
from services.dispatch.projections import METADATA
from services.seedwork.projection import Operation, Projection, Put, Recorded

LOCATOR_MATCHES_MAX = 10
"""A locator has 33 million values, so more than a few matches would mean a store beyond its size."""

FULFILMENTS = sa.Table(
    "fulfilments",
    METADATA,
    sa.Column("fulfilment_id", sa.Uuid, primary_key=True),
    sa.Column("prescription_id", sa.Uuid, nullable=False, index=True),
    sa.Column("patient_ref", sa.Uuid, nullable=False),
    sa.Column("instalment", sa.Integer, nullable=False),
    sa.Column("locator", sa.Text, nullable=False, index=True),
    sa.Column("token_issue", sa.Integer, nullable=False),
)


def project(recorded: Recorded) -> Iterator[Operation]:
    match recorded.event:
        case FulfilmentOpened() as event:
            row = {
                "fulfilment_id": event.fulfilment_id,
                "prescription_id": event.prescription_id,
                "patient_ref": event.patient_ref,
                "instalment": event.instalment,
                "locator": locator(event.fulfilment_id),
                "token_issue": event.token_issue,
            }
            yield Put(FULFILMENTS, row)


PROJECTION = Projection(
    name="fulfilments",
    tables=(FULFILMENTS,),
    project=project,
    queries={
        "fulfilments_by_locator": sa.select(FULFILMENTS)
        .where(FULFILMENTS.c.locator == sa.bindparam("locator", type_=sa.Text))
        .order_by(FULFILMENTS.c.fulfilment_id)
        .limit(LOCATOR_MATCHES_MAX),
        "fulfilments_of_prescription": sa.select(FULFILMENTS)
        .where(FULFILMENTS.c.prescription_id == sa.bindparam("prescription_id", type_=sa.Uuid))
        .order_by(FULFILMENTS.c.instalment),
    },
)
