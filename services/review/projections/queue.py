"""The queue: every case that still needs a pharmacist. What has escalated comes first, then the most severe, then the
oldest. No personal data."""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa

from services.review.domain.events import (
    CaseClosed,
    CaseEscalated,
    CaseFirstPassed,
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
from services.review.projections.agreements import of_organisation
from services.seedwork.clock import to_micros
from services.seedwork.projection import Amend, Operation, Projection, Put, Recorded, Remove

LEVEL = 10
"""One level of escalation outweighs every severity."""
QUEUE = sa.Table(
    "review_queue",
    METADATA,
    sa.Column("case_id", sa.Uuid, primary_key=True),
    sa.Column("prescription_id", sa.Uuid, nullable=False),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("institution", sa.Text, nullable=False),
    sa.Column("region", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("rank", sa.Integer, nullable=False, comment="10 x level of escalation + severity"),
    sa.Column("severity", sa.Integer, nullable=False, comment="of the worst finding; 0: none"),
    sa.Column("level", sa.Integer, nullable=False, comment="of escalation"),
    sa.Column("confirmation_no", sa.Integer, nullable=False),
    sa.Column("findings", sa.Integer, nullable=False),
    sa.Column("degraded", sa.Boolean, nullable=False),
    sa.Column("emergency", sa.Boolean, nullable=False),
    sa.Column("opened_at", sa.BigInteger, nullable=False),
    sa.Column("valid_until", sa.BigInteger, nullable=False),
    sa.Column("holder", sa.Text),
    sa.Column("lease_until", sa.BigInteger),
    sa.Column("deadline", sa.BigInteger),
    sa.Index("review_queue_order", "institution", "rank", "opened_at", "case_id"),
)

_after_rank = sa.bindparam("after_rank", type_=sa.Integer)
_after_opened_at = sa.bindparam("after_opened_at", type_=sa.BigInteger)
_after_case_id = sa.bindparam("after_case_id", type_=sa.Uuid)
_institution = sa.bindparam("institution", type_=sa.Text)
_region = sa.bindparam("region", type_=sa.Text)

OPEN_CASES = (
    sa.select(QUEUE)
    .where(
        of_organisation(QUEUE.c.institution),
        sa.or_(_institution.is_(None), QUEUE.c.institution == _institution),
        sa.or_(_region.is_(None), QUEUE.c.region.startswith(_region)),
        sa.or_(
            QUEUE.c.rank < _after_rank,
            sa.and_(
                QUEUE.c.rank == _after_rank,
                sa.or_(
                    QUEUE.c.opened_at > _after_opened_at,
                    sa.and_(QUEUE.c.opened_at == _after_opened_at, QUEUE.c.case_id > _after_case_id),
                ),
            ),
        ),
    )
    .order_by(QUEUE.c.rank.desc(), QUEUE.c.opened_at, QUEUE.c.case_id)
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
                "rank": worst,
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
        case CaseEscalated() as climbed:
            rank = QUEUE.c.severity + climbed.level * LEVEL
            deadline = to_micros(climbed.next_deadline) if climbed.next_deadline else None
            yield Amend(QUEUE, case, {"level": climbed.level, "rank": rank, "deadline": deadline})
        case CaseFirstPassed():
            yield Amend(QUEUE, case, {"state": "second_wanted", "holder": None, "lease_until": None})
        case CasePassed() | CaseReturned() | CaseRefused() | CaseClosed():
            yield Remove(QUEUE, case)


def _row(opened: CaseOpened) -> dict[str, object]:
    return {
        "case_id": opened.case_id,
        "prescription_id": opened.prescription_id,
        "revision": opened.revision,
        "institution": opened.institution,
        "region": opened.region,
        "confirmation_no": opened.confirmation_no,
        "state": "opened",
        "rank": 0,
        "level": 0,
        "severity": 0,
        "findings": 0,
        "degraded": False,
        "emergency": opened.emergency,
        "opened_at": to_micros(opened.opened_at),
        "valid_until": to_micros(opened.valid_until),
        "holder": None,
        "lease_until": None,
        "deadline": to_micros(opened.deadline) if opened.deadline else None,
    }


REVIEW_QUEUE = Projection(
    name="review_queue", tables=(QUEUE,), project=project, queries={"open_cases": OPEN_CASES}, version=2
)
