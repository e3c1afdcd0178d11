"""The queue: every case that still needs a pharmacist, most severe first, then the oldest. No personal data."""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa

from services.review.domain.events import (
    CaseClosed,
    CaseLeaseExpired,
    CaseOpened,
    CasePassed,
    CasePutBack,
    CaseRefused,
    CaseReturned,
    CaseScreened,
    CaseTaken,
)
from services.review.projections import METADATA
from services.seedwork.clock import to_micros
from services.seedwork.projection import Amend, Operation, Projection, Put, Recorded, Remove

QUEUE = sa.Table(
    "review_queue",
    METADATA,
    sa.Column("case_id", sa.Uuid, primary_key=True),
    sa.Column("prescription_id", sa.Uuid, nullable=False),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("institution", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("severity", sa.Integer, nullable=False, comment="of the worst finding; 0: none"),
    sa.Column("findings", sa.Integer, nullable=False),
    sa.Column("degraded", sa.Boolean, nullable=False),
    sa.Column("emergency", sa.Boolean, nullable=False),
    sa.Column("opened_at", sa.BigInteger, nullable=False),
    sa.Column("valid_until", sa.BigInteger, nullable=False),
    sa.Column("holder", sa.Text),
    sa.Column("lease_until", sa.BigInteger),
    sa.Index("review_queue_order", "institution", "severity", "opened_at", "case_id"),
)

_after_severity = sa.bindparam("after_severity", type_=sa.Integer)
_after_opened_at = sa.bindparam("after_opened_at", type_=sa.BigInteger)
_after_case_id = sa.bindparam("after_case_id", type_=sa.Uuid)

OPEN_CASES = (
    sa.select(QUEUE)
    .where(
        QUEUE.c.institution == sa.bindparam("institution", type_=sa.Text),
        sa.or_(
            QUEUE.c.severity < _after_severity,
            sa.and_(
                QUEUE.c.severity == _after_severity,
                sa.or_(
                    QUEUE.c.opened_at > _after_opened_at,
                    sa.and_(QUEUE.c.opened_at == _after_opened_at, QUEUE.c.case_id > _after_case_id),
                ),
            ),
        ),
    )
    .order_by(QUEUE.c.severity.desc(), QUEUE.c.opened_at, QUEUE.c.case_id)
    .limit(sa.bindparam("limit", type_=sa.Integer))
)


def project(recorded: Recorded) -> Iterator[Operation]:
    """A case is in the queue from its opening to its end."""
    case = {"case_id": recorded.stream_id}
    match recorded.event:
        case CaseOpened() as opened:
            yield Put(QUEUE, _row(opened))
        case CaseScreened() as screened:
            worst = max((int(finding.severity) for finding in screened.findings), default=0)
            values = {
                "state": "queued",
                "severity": worst,
                "findings": len(screened.findings),
                "degraded": screened.degraded,
            }
            yield Amend(QUEUE, case, values)
        case CaseTaken() as taken:
            lease_until = to_micros(taken.lease_until)
            yield Amend(QUEUE, case, {"state": "taken", "holder": taken.reviewer.person, "lease_until": lease_until})
        case CasePutBack() | CaseLeaseExpired():
            yield Amend(QUEUE, case, {"state": "queued", "holder": None, "lease_until": None})
        case CasePassed() | CaseReturned() | CaseRefused() | CaseClosed():
            yield Remove(QUEUE, case)


def _row(opened: CaseOpened) -> dict[str, object]:
    return {
        "case_id": opened.case_id,
        "prescription_id": opened.prescription_id,
        "revision": opened.revision,
        "institution": opened.institution,
        "state": "opened",
        "severity": 0,
        "findings": 0,
        "degraded": False,
        "emergency": opened.emergency,
        "opened_at": to_micros(opened.opened_at),
        "valid_until": to_micros(opened.valid_until),
        "holder": None,
        "lease_until": None,
    }


REVIEW_QUEUE = Projection(name="review_queue", tables=(QUEUE,), project=project, queries={"open_cases": OPEN_CASES})
