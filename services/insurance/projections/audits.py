"""Cases of the audit, those that changed last first: for the insurer's officers and the pharmacy."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from services.insurance.domain.audit.case import (
    APPEALED,
    CLEARED,
    FINAL,
    UPHELD,
    AppealDecided,
    AppealTimeOver,
    AuditAppealed,
    AuditDecided,
    AuditFlagged,
)
from services.insurance.projections import METADATA, NOBODY, microseconds
from services.seedwork.forgotten import PatientForgotten
from services.seedwork.projection import Amend, Operation, Projection, Put, Recorded

AUDITS = sa.Table(
    "audits",
    METADATA,
    sa.Column("audit_id", sa.Uuid, primary_key=True),
    sa.Column("claim_id", sa.Uuid, nullable=False),
    sa.Column("supply_id", sa.Uuid, nullable=False),
    sa.Column("prescription_id", sa.Uuid, nullable=False),
    sa.Column("patient_ref", sa.Uuid, nullable=False, index=True),
    sa.Column("pharmacy", sa.Text, nullable=False),
    sa.Column("insurer", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("stage", sa.Text, nullable=False),
    sa.Column("grade", sa.Text, nullable=False),
    sa.Column("rules", sa.JSON, nullable=False),
    sa.Column("appeal_until", sa.Text),
    sa.Column("position", sa.BigInteger, nullable=False),
    sa.Column("changed_at", sa.BigInteger, nullable=False),
    sa.Index("audits_of_insurer", "insurer", "position"),
    sa.Index("audits_of_pharmacy", "pharmacy", "position"),
)
"""`rules`: what was found last, by the names of the rules."""


def project(recorded: Recorded) -> Iterator[Operation]:
    event = recorded.event
    match event:
        case PatientForgotten():
            yield Amend(AUDITS, {"patient_ref": event.patient_ref}, {"patient_ref": NOBODY})
        case AuditFlagged():
            yield Put(AUDITS, _flagged(event) | _changed(recorded))
        case AuditDecided():
            reached = CLEARED if event.decision == "cleared" else UPHELD
            yield _amended(recorded, reached, appeal_until=event.appeal_until.isoformat())
        case AuditAppealed():
            yield _amended(recorded, APPEALED)
        case AppealDecided():
            yield _amended(recorded, CLEARED if event.decision == "granted" else FINAL)
        case AppealTimeOver():
            yield _amended(recorded, FINAL)


def _flagged(event: AuditFlagged) -> dict[str, Any]:
    names = ("audit_id", "claim_id", "supply_id", "prescription_id", "patient_ref", "pharmacy", "insurer", "stage")
    return {
        **{name: getattr(event, name) for name in names},
        "state": event.reached,
        "grade": event.grade,
        "rules": [finding.name for finding in event.findings],
        "appeal_until": event.appeal_until.isoformat(),
    }


def _changed(recorded: Recorded) -> dict[str, Any]:
    return {"position": recorded.log_index, "changed_at": microseconds(recorded.recorded_at)}


def _amended(recorded: Recorded, state: str, **more: Any) -> Operation:
    return Amend(AUDITS, {"audit_id": recorded.stream_id}, {"state": state, **more, **_changed(recorded)})


def _of(party: sa.Column[Any]) -> sa.Select[Any]:
    """`state` empty: of any."""
    state = sa.bindparam("state", type_=sa.Text)
    return (
        sa.select(AUDITS)
        .where(
            party == sa.bindparam("party", type_=sa.Text),
            AUDITS.c.position < sa.bindparam("before", type_=sa.BigInteger),
            sa.or_(state == "", AUDITS.c.state == state),
        )
        .order_by(AUDITS.c.position.desc())
        .limit(sa.bindparam("limit", type_=sa.Integer))
    )


PROJECTION = Projection(
    name="audits",
    tables=(AUDITS,),
    project=project,
    queries={"audits_of_insurer": _of(AUDITS.c.insurer), "audits_of_pharmacy": _of(AUDITS.c.pharmacy)},
)
