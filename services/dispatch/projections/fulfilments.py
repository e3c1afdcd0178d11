"""Finds the fulfilments of a prescription."""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa

from services.dispatch.domain.fulfilment.events import FulfilmentOpened
from services.dispatch.projections import METADATA
from services.seedwork.forgotten import PatientForgotten
from services.seedwork.projection import Operation, Projection, Put, Recorded, Remove

FULFILMENTS = sa.Table(
    "fulfilments",
    METADATA,
    sa.Column("fulfilment_id", sa.Uuid, primary_key=True),
    sa.Column("prescription_id", sa.Uuid, nullable=False, index=True),
    sa.Column("patient_ref", sa.Uuid, nullable=False, index=True),
    sa.Column("instalment", sa.Integer, nullable=False),
)


def project(recorded: Recorded) -> Iterator[Operation]:
    match recorded.event:
        case PatientForgotten() as forgotten:
            yield Remove(FULFILMENTS, {"patient_ref": forgotten.patient_ref})
        case FulfilmentOpened() as event:
            row = {
                "fulfilment_id": event.fulfilment_id,
                "prescription_id": event.prescription_id,
                "patient_ref": event.patient_ref,
                "instalment": event.instalment,
            }
            yield Put(FULFILMENTS, row)


PROJECTION = Projection(
    name="fulfilments",
    tables=(FULFILMENTS,),
    project=project,
    queries={
        "fulfilments_of_prescription": sa.select(FULFILMENTS)
        .where(FULFILMENTS.c.prescription_id == sa.bindparam("prescription_id", type_=sa.Uuid))
        .order_by(FULFILMENTS.c.instalment),
    },
)
