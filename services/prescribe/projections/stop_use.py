"""Notices to stop using something, by patient: for the patient and whoever is to be told for them."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa

from services.prescribe.domain.stop_use_events import StopUseAcknowledged, StopUseNotified
from services.prescribe.projections import METADATA
from services.prescribe.projections.moments import microseconds
from services.seedwork.forgotten import PatientForgotten
from services.seedwork.projection import Amend, Operation, Projection, Put, Recorded, Remove

notice = sa.Table(
    "stop_use_notice",
    METADATA,
    sa.Column("prescription_id", sa.Uuid, primary_key=True),
    sa.Column("request_id", sa.Uuid, primary_key=True),
    sa.Column("patient_ref", sa.Uuid, nullable=False),
    sa.Column("reason_code", sa.Text, nullable=False),
    sa.Column("lines", sa.JSON, nullable=False),
    sa.Column("notified_at", sa.BigInteger, nullable=False),
    sa.Column("acknowledged_at", sa.BigInteger),
    sa.Column("acknowledged_by", sa.Text),
    sa.Column("acknowledged_as", sa.Text, comment="patient, representative"),
    sa.Column("arrival", sa.BigInteger, nullable=False),
    sa.Index("stop_use_notice_by_patient", "patient_ref", "arrival"),
)


def project(recorded: Recorded) -> Iterable[Operation]:
    match recorded.event:
        case StopUseNotified() as told:  # told once more when it has become more: then it is unread again
            yield Put(
                notice,
                {
                    "prescription_id": recorded.stream_id,
                    "request_id": told.request_id,
                    "patient_ref": told.patient_ref,
                    "reason_code": told.reason_code,
                    "lines": [line.model_dump() for line in told.lines],
                    "notified_at": microseconds(recorded.recorded_at),
                    "acknowledged_at": None,
                    "acknowledged_by": None,
                    "acknowledged_as": None,
                    "arrival": recorded.log_index,
                },
            )
        case StopUseAcknowledged() as read:
            yield Amend(
                notice,
                {"prescription_id": recorded.stream_id, "request_id": read.request_id},
                {
                    "acknowledged_at": microseconds(read.acknowledged_at),
                    "acknowledged_by": read.acknowledged_by,
                    "acknowledged_as": read.acknowledged_as,
                },
            )
        case PatientForgotten() as forgotten:
            yield Remove(notice, {"patient_ref": forgotten.patient_ref})
        case _:
            return


STOP_USE = Projection(
    name="stop_use",
    tables=(notice,),
    project=project,
    version=1,
    queries={
        "stop_use_of_patient": sa.select(notice)
        .where(
            notice.c.patient_ref == sa.bindparam("patient_ref", type_=sa.Uuid),
            notice.c.arrival < sa.bindparam("before", type_=sa.BigInteger),
        )
        .order_by(notice.c.arrival.desc())
        .limit(sa.bindparam("limit", type_=sa.Integer)),
    },
)
