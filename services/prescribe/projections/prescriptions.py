"""Lists of prescriptions by prescriber and by patient, and the prescriber's feedback. Who is forgotten is in none."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa

from services.prescribe.domain import prescription_events as happened
from services.prescribe.domain.block_events import QueryRaised
from services.prescribe.domain.confirmation_events import FindingsConfirmed
from services.prescribe.domain.forgetting import strictest_class
from services.prescribe.domain.inbox import FeedbackAcknowledged
from services.prescribe.domain.stop_use_events import StopUseAcknowledged
from services.prescribe.domain.substitution_events import (
    ASKS_PRESCRIBER,
    SubstituteScreened,
    SubstitutionChecked,
    SubstitutionDeclined,
    SubstitutionProposed,
)
from services.prescribe.domain.trace import TraceRecorded
from services.prescribe.projections import METADATA
from services.prescribe.projections.moments import microseconds
from services.seedwork.forgotten import PatientForgotten
from services.seedwork.model import DomainEvent
from services.seedwork.projection import Amend, Operation, Projection, Put, Recorded, Remove

prescription = sa.Table(
    "prescription",
    METADATA,
    sa.Column("prescription_id", sa.Uuid, primary_key=True),
    sa.Column("prescriber", sa.Text, nullable=False),
    sa.Column("patient_ref", sa.Uuid, nullable=False),
    sa.Column("institution", sa.Text, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("issued_at", sa.BigInteger, nullable=False),
    sa.Column("valid_until", sa.BigInteger, nullable=False),
    sa.Column("arrival", sa.BigInteger, nullable=False),
    sa.Column("strictest_class", sa.Text, nullable=False),
    sa.Column("online_visit", sa.Boolean, nullable=False),
    sa.Column("dispensed", sa.Boolean, nullable=False),
    sa.Index("prescription_by_prescriber", "prescriber", "arrival"),
    sa.Index("prescription_by_patient", "patient_ref", "arrival"),
)
feedback = sa.Table(
    "feedback",
    METADATA,
    sa.Column("log_index", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("prescription_id", sa.Uuid, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("facts", sa.JSON, nullable=False),
    sa.Column("acknowledged_at", sa.BigInteger),
    sa.Column("acknowledged_by", sa.Text),
    sa.Index("feedback_by_prescription", "prescription_id"),
)

FEEDBACK_ENTRIES_MAX = 5000
"""About one prescription: more have never been seen, and each step of it makes one at most."""

STATUS: Mapping[type[DomainEvent], str] = {
    happened.PrescriptionIssued: "issued",
    happened.PrescriptionAmended: "issued",
    FindingsConfirmed: "issued",
    happened.PrescriptionArrivedCancelled: "cancelled",
    happened.PrescriptionReleased: "released",
    happened.PrescriptionReturned: "returned",
    happened.PrescriptionRefused: "refused",
    happened.PrescriptionCancelled: "cancelled",
    happened.ExpiryConcluded: "expired",
    happened.PrescriptionCompleted: "completed",
}


PROPOSAL_FACTS = ("proposal_id", "pharmacy", "line", "substitute", "protocol_id", "answer_due_at")
TOLD_BY_OTHERS: Mapping[str, str] = {
    "review.case_escalated.v1": "late",
    "review.advice_given.v1": "advice",
    "dispatch.delivery_attempt_failed.v1": "delivery_failed",
    "dispatch.delivery_return_started.v1": "delivery_returning",
    "insurance.audit_flagged.v1": "audit_flagged",
}
"""What other services told of a prescription that changes nothing of it, but that the prescriber should hear."""


def status_after(event: DomainEvent) -> str | None:
    """The status an event leads to; None when it changes none."""
    match event:
        case happened.PrescriptionExpired():
            return "expired" if event.final else "closing(expired)"
        case happened.CancellationRequested():
            return "closing(cancelled)" if event.scope is None else None
        case happened.CancellationAnswered():
            return event.status
        case _:
            return STATUS.get(type(event))


def feedback_of(event: DomainEvent) -> tuple[str, dict[str, Any]] | None:
    """What the prescriber should hear of an event: kind and facts without personal data."""
    match event:
        case happened.PrescriptionReturned() | happened.PrescriptionRefused():
            kind = "returned" if isinstance(event, happened.PrescriptionReturned) else "refused"
            return kind, {"revision": event.revision, "codes": list(event.codes)}
        case happened.ProgressRecorded(feedback="not_replaced"):
            return "not_replaced", {"instalment": event.instalment, **_renewal(event.lapsed)}
        case happened.ProgressRecorded() if event.feedback:
            return event.feedback, {"pharmacy": event.pharmacy, "reason": event.reason, **_renewal(event.lapsed)}
        case happened.InstalmentEnded() if event.not_replaced:
            return "not_replaced", {"instalment": event.instalment, **_renewal(event.not_replaced)}
        case happened.CancellationAnswered():
            lines = [line.model_dump() for line in event.lines]
            return "cancellation_answered", {
                "request_id": str(event.request_id),
                "answer": event.answer,
                "final": event.final,
                "lines": lines,
            }
        case happened.CancellationUndecided():
            return "cancellation_undecided", {"request_id": str(event.request_id), "holders": list(event.holders)}
        case TraceRecorded(summary={"about_prescribing": False}):
            return None
        case TraceRecorded() if event.type in TOLD_BY_OTHERS:
            return TOLD_BY_OTHERS[event.type], event.summary
        case QueryRaised():
            kind = "refused_at_pharmacy" if event.source == "pharmacy" else "lines_blocked"
            facts = {"block_id": str(event.block_id), "lines": list(event.lines), "codes": list(event.codes)}
            return kind, {**facts, "source": event.source, "asked_by": event.asked_by}
        case SubstitutionProposed(mode=mode) if mode == ASKS_PRESCRIBER:
            facts = event.model_dump(mode="json", include=set(PROPOSAL_FACTS))
            return "substitution_proposed", facts
        case SubstituteScreened():
            about = {"proposal_id": str(event.proposal_id), "degraded": event.degraded}
            return "substitute_screened", {**about, "findings": [each.rule for each in event.findings]}
        case SubstitutionDeclined():
            return "substitution_declined", {"proposal_id": str(event.proposal_id)}
        case SubstitutionChecked():
            about = {"proposal_id": str(event.proposal_id), "pharmacist": event.pharmacist}
            return "substitution_checked", {**about, "problem": event.problem, "in_the_way": list(event.in_the_way)}
        case StopUseAcknowledged():
            facts = {"request_id": str(event.request_id)}
            return "stop_use_acknowledged", {
                **facts,
                **({"by": event.acknowledged_as} if event.acknowledged_as else {}),
            }
        case happened.InstalmentLapsed() if event.lines:
            lapsed = sum(each.quantity for each in event.lines)
            return "instalment_lapsed", {"instalment": event.instalment, "lapsed": lapsed}
        case happened.PrescriptionExpired():
            return "not_dispensed_in_time", {"lapsed": sum(line.lapsed for line in event.buckets)}
        case _:
            return None


def _renewal(lapsed: int) -> dict[str, Any]:
    """What can never be dispensed any more, the prescriber may renew."""
    return {"lapsed": lapsed, "offer": "renew"} if lapsed else {}


def _strictest_class(signed: happened.SignedRevision) -> str:
    return strictest_class(line.drug_class for line in signed.lines)


def project(recorded: Recorded) -> Iterable[Operation]:
    event = recorded.event
    if isinstance(event, PatientForgotten):
        yield Remove(prescription, {"patient_ref": event.patient_ref})
        return
    if isinstance(event, FeedbackAcknowledged):
        read = {"acknowledged_at": microseconds(event.at), "acknowledged_by": event.by}
        yield from (Amend(feedback, {"log_index": entry}, read) for entry in event.entries)
        return
    if isinstance(event, happened.PrescriptionIssued | happened.PrescriptionArrivedCancelled):
        yield Put(
            prescription,
            {
                "prescription_id": recorded.stream_id,
                "prescriber": event.prescriber,
                "patient_ref": event.patient_ref,
                "institution": event.institution,
                "status": STATUS[type(event)],
                "revision": event.revision,
                "issued_at": microseconds(event.issued_at),
                "valid_until": microseconds(event.valid_until),
                "arrival": recorded.log_index,
                "strictest_class": _strictest_class(event),
                "online_visit": event.online_visit,
                "dispensed": False,
            },
        )
        return
    changes: dict[str, Any] = {}
    status = status_after(event)
    if status is not None:
        changes["status"] = status
    if isinstance(event, happened.PrescriptionAmended):
        changes |= {"revision": event.revision, "valid_until": microseconds(event.valid_until)}
        changes |= {"strictest_class": _strictest_class(event), "online_visit": event.online_visit}
    if isinstance(event, happened.ProgressRecorded) and any(line.in_hands for line in event.buckets):
        changes["dispensed"] = True
    if changes:
        yield Amend(prescription, {"prescription_id": recorded.stream_id}, changes)
    told = feedback_of(event)
    if told is not None:
        kind, facts = told
        about = event.prescription_id if isinstance(event, TraceRecorded) else recorded.stream_id
        yield Put(
            feedback,
            {
                "log_index": recorded.log_index,
                "prescription_id": about,
                "kind": kind,
                "at": microseconds(recorded.recorded_at),
                "facts": facts,
            },
        )


_before = sa.bindparam("before", type_=sa.BigInteger)
_limit = sa.bindparam("limit", type_=sa.Integer)
_listed = sa.select(prescription).order_by(prescription.c.arrival.desc()).limit(_limit)
_kept = [prescription.c[name] for name in ("status", "strictest_class", "online_visit", "dispensed")]
_inbox = (
    sa.select(feedback)
    .join(prescription, prescription.c.prescription_id == feedback.c.prescription_id)
    .where(prescription.c.prescriber == sa.bindparam("prescriber", type_=sa.Text), feedback.c.log_index < _before)
    .order_by(feedback.c.log_index.desc())
    .limit(_limit)
)

PRESCRIPTIONS = Projection(
    name="prescriptions",
    tables=(prescription, feedback),
    project=project,
    version=2,
    queries={
        "prescriptions_of_prescriber": _listed.where(
            prescription.c.prescriber == sa.bindparam("prescriber", type_=sa.Text), prescription.c.arrival < _before
        ),
        "prescriptions_of_patient": _listed.where(
            prescription.c.patient_ref == sa.bindparam("patient_ref", type_=sa.Uuid), prescription.c.arrival < _before
        ),
        "circulating_of_prescriber": sa.select(prescription)
        .where(
            prescription.c.prescriber == sa.bindparam("prescriber", type_=sa.Text),
            prescription.c.arrival > sa.bindparam("after", type_=sa.BigInteger),
            *(prescription.c.status != ended for ended in ("completed", "refused", "cancelled", "expired")),
        )
        .order_by(prescription.c.arrival)
        .limit(_limit),
        "records_of_patient": sa.select(*_kept, sa.func.max(prescription.c.valid_until).label("valid_until"))
        .where(prescription.c.patient_ref == sa.bindparam("patient_ref", type_=sa.Uuid))
        .group_by(*_kept),
        "has_prescribed_for": sa.select(prescription.c.prescription_id)
        .where(
            prescription.c.prescriber == sa.bindparam("prescriber", type_=sa.Text),
            prescription.c.patient_ref == sa.bindparam("patient_ref", type_=sa.Uuid),
        )
        .limit(1),
        "prescribed_in": sa.select(prescription.c.prescription_id)
        .where(
            prescription.c.patient_ref == sa.bindparam("patient_ref", type_=sa.Uuid),
            prescription.c.institution == sa.bindparam("institution", type_=sa.Text),
        )
        .limit(1),
        "feedback_after": sa.select(feedback)
        .join(prescription, prescription.c.prescription_id == feedback.c.prescription_id)
        .where(
            prescription.c.prescriber == sa.bindparam("prescriber", type_=sa.Text),
            feedback.c.log_index > sa.bindparam("after", type_=sa.BigInteger),
        )
        .order_by(feedback.c.log_index)
        .limit(_limit),
        "feedback_of_prescriber": _inbox,
        "open_feedback_of_prescriber": _inbox.where(feedback.c.acknowledged_at.is_(None)),
        "feedback_entries": sa.select(feedback.c.log_index)
        .where(
            feedback.c.prescription_id == sa.bindparam("prescription_id", type_=sa.Uuid),
            feedback.c.log_index >= sa.bindparam("first", type_=sa.BigInteger),
            feedback.c.log_index <= sa.bindparam("last", type_=sa.BigInteger),
        )
        .order_by(feedback.c.log_index)
        .limit(FEEDBACK_ENTRIES_MAX),
    },
)
