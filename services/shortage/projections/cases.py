"""Open shortage cases, the newest first."""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa

from services.seedwork.clock import to_micros
from services.seedwork.projection import Amend, Operation, Projection, Put, Recorded, Remove
from services.shortage.domain.events import CaseConfirmed, CaseEnded, CaseGraded, CaseSuspected, EvidenceAdded
from services.shortage.domain.heartbeat import is_heartbeat
from services.shortage.projections import METADATA
from services.shortage.projections.history import CASE_LOG

CASES = sa.Table(
    "open_shortage",
    METADATA,
    sa.Column("case_id", sa.Uuid, primary_key=True),
    sa.Column("drug_key", sa.Text, nullable=False),
    sa.Column("region", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("grade", sa.Text),
    sa.Column("owner_level", sa.Text),
    sa.Column("pharmacies", sa.Integer, nullable=False),
    sa.Column("demands", sa.Integer, nullable=False),
    sa.Column("suspected_at", sa.BigInteger, nullable=False),
    sa.Column("confirmed_at", sa.BigInteger),
    sa.Index("open_shortage_order", "suspected_at", "case_id"),
    sa.Index("open_shortage_drug", "drug_key"),
)

NOBODY = "-"
"""No node begins like this."""
_within = sa.bindparam("within", type_=sa.Text)
_authority = sa.bindparam("authority", type_=sa.Text)
_drug_key = sa.bindparam("drug_key", type_=sa.Text)
_after_suspected_at = sa.bindparam("after_suspected_at", type_=sa.BigInteger)

OPEN_SHORTAGES = (
    sa.select(CASES)
    .where(
        sa.or_(CASES.c.state == "confirmed", CASES.c.region.like(_authority.concat("%"))),
        # a case concerns a region that lies in its node, and whoever asks for a node sees what lies in it
        sa.or_(CASES.c.region.like(_within.concat("%")), _within.like(CASES.c.region.concat("%"))),
        sa.or_(_drug_key == "", CASES.c.drug_key == _drug_key),
        sa.or_(
            CASES.c.suspected_at < _after_suspected_at,
            sa.and_(
                CASES.c.suspected_at == _after_suspected_at,
                CASES.c.case_id > sa.bindparam("after_case_id", type_=sa.Uuid),
            ),
        ),
    )
    .order_by(CASES.c.suspected_at.desc(), CASES.c.case_id)
    .limit(sa.bindparam("limit", type_=sa.Integer))
)
"""`authority`: the node whose suspicions, and those of what lies in it, are shown as well; `NOBODY` for none.
`drug_key`: empty for all."""

_CHANGED = (
    sa.select(sa.func.max(CASE_LOG.c.recorded_at))
    .where(CASE_LOG.c.case_id == CASES.c.case_id, sa.or_(CASE_LOG.c.told == "changed", CASE_LOG.c.told == "eased"))
    .scalar_subquery()
    .label("changed_at")
)
_CONFIRMED = sa.select(CASES, _CHANGED).where(CASES.c.state == "confirmed")
CONFIRMED = (
    _CONFIRMED.order_by(CASES.c.suspected_at.desc(), CASES.c.case_id)
    .offset(sa.bindparam("skip", type_=sa.Integer))
    .limit(sa.bindparam("limit", type_=sa.Integer))
)
"""`changed_at`: when the grade was told to be another; none: it is the first."""
BEGUN = (
    sa.select(CASES.c.drug_key, CASES.c.region)
    .order_by(CASES.c.suspected_at.desc())
    .limit(sa.bindparam("limit", type_=sa.Integer))
)
COUNTED = sa.select(sa.func.count().label("total")).select_from(_CONFIRMED.subquery())


def project(recorded: Recorded) -> Iterator[Operation]:
    """A case is listed from its suspicion to its end."""
    case = {"case_id": recorded.stream_id}
    match recorded.event:
        case CaseSuspected() as suspected if not is_heartbeat(suspected.drug_key):
            yield Put(CASES, _row(suspected))
        case EvidenceAdded() as added:
            counts = {"pharmacies": added.evidence.pharmacies, "demands": added.evidence.demands}
            yield Amend(CASES, case, counts)
        case CaseConfirmed() as confirmed:
            values = {
                "state": "confirmed",
                "grade": confirmed.grade.value,
                "owner_level": confirmed.owner_level.value,
                "pharmacies": confirmed.evidence.pharmacies,
                "demands": confirmed.evidence.demands,
                "confirmed_at": to_micros(confirmed.confirmed_at),
            }
            yield Amend(CASES, case, values)
        case CaseGraded() as graded:
            yield Amend(CASES, case, {"grade": graded.grade.value, "owner_level": graded.owner_level.value})
        case CaseEnded():
            yield Remove(CASES, case)


def _row(suspected: CaseSuspected) -> dict[str, object]:
    return {
        "case_id": suspected.case_id,
        "drug_key": suspected.drug_key,
        "region": suspected.region,
        "state": "suspected",
        "grade": None,
        "owner_level": None,
        "pharmacies": suspected.evidence.pharmacies,
        "demands": suspected.evidence.demands,
        "suspected_at": to_micros(suspected.suspected_at),
        "confirmed_at": None,
    }


SHORTAGE_CASES = Projection(
    name="open_shortages",
    tables=(CASES,),
    project=project,
    queries={
        "open_shortages": OPEN_SHORTAGES,
        "confirmed_shortages": CONFIRMED,
        "confirmed_count": COUNTED,
        "cases_begun": BEGUN,
    },
)
