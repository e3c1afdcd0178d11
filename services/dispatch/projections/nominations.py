"""What patients have nominated a pharmacy for and may still be held. By it a pharmacy finds its own, nobody others'."""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa

from services.dispatch.domain.fulfilment.events import FulfilmentClosed, FulfilmentOpened, RemainderLapsed
from services.dispatch.domain.fulfilment.nomination import PharmacyNominated
from services.dispatch.projections import METADATA
from services.seedwork.forgotten import PatientForgotten
from services.seedwork.projection import Amend, Operation, Projection, Put, Recorded, Remove

NOMINATED = sa.Table(
    "nominated_fulfilments",
    METADATA,
    sa.Column("fulfilment_id", sa.Uuid, primary_key=True),
    sa.Column("patient_ref", sa.Uuid, nullable=False, index=True),
    sa.Column("pharmacy", sa.Text, nullable=True),
    sa.Column("arrival", sa.BigInteger, nullable=False, comment="log index of the choice"),
    sa.Index("nominated_fulfilments_of_pharmacy", "pharmacy", "arrival"),
)


def project(recorded: Recorded) -> Iterator[Operation]:
    match recorded.event:
        case PatientForgotten() as forgotten:
            yield Remove(NOMINATED, {"patient_ref": forgotten.patient_ref})
        case FulfilmentOpened() as event:
            row = {
                "fulfilment_id": event.fulfilment_id,
                "patient_ref": event.patient_ref,
                "pharmacy": event.nominated_pharmacy,
                "arrival": recorded.log_index,
            }
            yield Put(NOMINATED, row)
        case PharmacyNominated(pharmacy=pharmacy):
            chosen = {"pharmacy": pharmacy, "arrival": recorded.log_index}
            yield Amend(NOMINATED, {"fulfilment_id": recorded.stream_id}, chosen)
        case RemainderLapsed() | FulfilmentClosed():
            yield Remove(NOMINATED, {"fulfilment_id": recorded.stream_id})


PROJECTION = Projection(
    name="nominations",
    tables=(NOMINATED,),
    project=project,
    queries={
        "nominated_of": sa.select(NOMINATED.c.fulfilment_id, NOMINATED.c.arrival)
        .where(
            NOMINATED.c.pharmacy == sa.bindparam("pharmacy", type_=sa.Text),
            NOMINATED.c.arrival > sa.bindparam("after", type_=sa.BigInteger),
        )
        .order_by(NOMINATED.c.arrival)
        .limit(sa.bindparam("limit", type_=sa.Integer)),
    },
)
