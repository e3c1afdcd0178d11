"""Consultations and medication reviews as lists: what an institution has to answer, and what somebody asked. No
personal data: what was asked and answered is read one by one."""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa

from services.review.domain.advice import (
    ChangesSuggested,
    ConsultationAnswered,
    ConsultationAsked,
    ConsultationWithdrawn,
    MedicationReviewClosed,
    MedicationReviewOpened,
)
from services.review.projections import METADATA
from services.review.projections.agreements import of_organisation
from services.seedwork.clock import to_micros
from services.seedwork.forgotten import PatientForgotten
from services.seedwork.projection import Amend, Operation, Projection, Put, Recorded, Remove

ADVICE = sa.Table(
    "review_advice",
    METADATA,
    sa.Column("advice_id", sa.Uuid, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("patient_ref", sa.Uuid, nullable=False),
    sa.Column("institution", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("begun_by", sa.Text, nullable=False),
    sa.Column("begun_at", sa.BigInteger, nullable=False),
    sa.Index("review_advice_by_institution", "institution", "state", "begun_at"),
    sa.Index("review_advice_by_asker", "begun_by", "begun_at"),
)
OPEN = ("asked", "opened")

_after = sa.bindparam("after_begun_at", type_=sa.BigInteger)
_page = sa.or_(
    ADVICE.c.begun_at > _after,
    sa.and_(ADVICE.c.begun_at == _after, ADVICE.c.advice_id > sa.bindparam("after_advice_id", type_=sa.Uuid)),
)
_columns = [column for column in ADVICE.c if column.name != "patient_ref"]
_limit = sa.bindparam("limit", type_=sa.Integer)
_listed = sa.select(*_columns).order_by(ADVICE.c.begun_at, ADVICE.c.advice_id).limit(_limit)
WAITING = _listed.where(
    of_organisation(ADVICE.c.institution), sa.or_(*(ADVICE.c.state == state for state in OPEN)), _page
)
ASKED_BY = _listed.where(ADVICE.c.begun_by == sa.bindparam("asker", type_=sa.Text), _page)


def project(recorded: Recorded) -> Iterator[Operation]:
    """Who is forgotten is in no list."""
    advice = {"advice_id": recorded.stream_id}
    match recorded.event:
        case ConsultationAsked() as asked:
            named = {"kind": "consultation", "begun_by": asked.asked_by, "state": "asked"}
            begun = {"patient_ref": asked.patient_ref, "begun_at": to_micros(asked.asked_at)}
            yield Put(ADVICE, advice | named | begun | {"institution": asked.institution})
        case MedicationReviewOpened() as opened:
            named = {"kind": "medication_review", "begun_by": opened.pharmacist.person, "state": "opened"}
            begun = {"patient_ref": opened.patient_ref, "begun_at": to_micros(opened.opened_at)}
            yield Put(ADVICE, advice | named | begun | {"institution": opened.institution})
        case ConsultationAnswered():
            yield Amend(ADVICE, advice, {"state": "answered"})
        case ConsultationWithdrawn():
            yield Amend(ADVICE, advice, {"state": "withdrawn"})
        case ChangesSuggested():
            yield Amend(ADVICE, advice, {"state": "suggested"})
        case MedicationReviewClosed():
            yield Amend(ADVICE, advice, {"state": "closed"})
        case PatientForgotten() as forgotten:
            yield Remove(ADVICE, {"patient_ref": forgotten.patient_ref})


ADVICE_LIST = Projection(
    name="review_advice",
    tables=(ADVICE,),
    project=project,
    queries={"advice_waiting": WAITING, "advice_asked_by": ASKED_BY},
)
