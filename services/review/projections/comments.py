"""Prescription comment (处方点评): what waits for a comment, and the figures by institution and month.

Neither prescriber nor drug is in these tables, so that nobody can make a ranking of doctors by what they prescribe out
of them (严禁统方).
"""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa

from services.review.domain.events import (
    CaseClosed,
    CaseCommented,
    CaseOpened,
    CasePassed,
    CaseRefused,
    CaseReturned,
    CaseSampled,
)
from services.review.projections import METADATA
from services.review.projections.agreements import in_region, of_organisation
from services.seedwork.calendar import civil_day
from services.seedwork.clock import to_micros
from services.seedwork.projection import Amend, Operation, Projection, Put, Recorded, Remove

CASES = sa.Table(
    "review_decided",
    METADATA,
    sa.Column("case_id", sa.Uuid, primary_key=True),
    sa.Column("prescription_id", sa.Uuid, nullable=False),
    sa.Column("institution", sa.Text, nullable=False),
    sa.Column("region", sa.Text, nullable=False),
    sa.Column("month", sa.Text, comment="YYYY-MM of the decision; none while there is none"),
    sa.Column("outcome", sa.Text, comment="passed, returned, refused"),
    sa.Column("sampled_at", sa.BigInteger),
    sa.Column("commented", sa.Boolean, nullable=False),
    sa.Column("rational", sa.Boolean, nullable=False),
    sa.Index("review_decided_by_institution", "institution", "month"),
    sa.Index("review_decided_sampled", "sampled_at", "case_id"),
)
CODES = sa.Table(
    "review_comment_codes",
    METADATA,
    sa.Column("case_id", sa.Uuid, primary_key=True),
    sa.Column("code", sa.Text, primary_key=True),
)

_within = (
    sa.or_(of_organisation(CASES.c.institution), in_region(CASES.c.region, sa.bindparam("region", type_=sa.Text))),
    CASES.c.month >= sa.bindparam("month_from", type_=sa.Text),
    CASES.c.month <= sa.bindparam("month_to", type_=sa.Text),
)
"""Of the organisation and those it reviews for, or of a region."""


def _count(condition: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
    return sa.func.coalesce(sa.func.sum(sa.case((condition, 1), else_=0)), 0)


STATISTICS = (
    sa.select(
        CASES.c.institution,
        CASES.c.month,
        *(_count(CASES.c.outcome == outcome).label(outcome) for outcome in ("passed", "returned", "refused")),
        _count(CASES.c.sampled_at.is_not(None)).label("sampled"),
        _count(CASES.c.commented).label("commented"),
        _count(CASES.c.rational).label("rational"),
    )
    .where(
        *_within,
        sa.tuple_(CASES.c.institution, CASES.c.month)
        > sa.tuple_(sa.bindparam("after_institution", type_=sa.Text), sa.bindparam("after_month", type_=sa.Text)),
    )
    .group_by(CASES.c.institution, CASES.c.month)
    .order_by(CASES.c.institution, CASES.c.month)
    .limit(sa.bindparam("limit", type_=sa.Integer))
)
BY_CODE = (
    sa.select(CASES.c.institution, CASES.c.month, CODES.c.code, sa.func.count().label("cases"))
    .join_from(CODES, CASES, CASES.c.case_id == CODES.c.case_id)
    .where(
        *_within,
        CASES.c.institution >= sa.bindparam("first", type_=sa.Text),
        CASES.c.institution <= sa.bindparam("last", type_=sa.Text),
    )
    .group_by(CASES.c.institution, CASES.c.month, CODES.c.code)
)
_after_sampled = sa.bindparam("after_sampled_at", type_=sa.BigInteger)
SAMPLES = (
    sa.select(CASES.c.case_id, CASES.c.prescription_id, CASES.c.institution, CASES.c.sampled_at)
    .where(
        of_organisation(CASES.c.institution),
        CASES.c.commented.is_(sa.false()),
        sa.or_(
            CASES.c.sampled_at > _after_sampled,
            sa.and_(
                CASES.c.sampled_at == _after_sampled, CASES.c.case_id > sa.bindparam("after_case_id", type_=sa.Uuid)
            ),
        ),
    )
    .order_by(CASES.c.sampled_at, CASES.c.case_id)
    .limit(sa.bindparam("limit", type_=sa.Integer))
)


def project(recorded: Recorded) -> Iterator[Operation]:
    """A case counts in the month of its decision; what nobody decided is not counted."""
    case = {"case_id": recorded.stream_id}
    match recorded.event:
        case CaseOpened() as opened:
            yield Put(CASES, _row(opened))
        case CasePassed():
            yield Amend(CASES, case, _decided("passed", recorded))
        case CaseReturned():
            yield Amend(CASES, case, _decided("returned", recorded))
        case CaseRefused():
            yield Amend(CASES, case, _decided("refused", recorded))
        case CaseClosed():
            yield Remove(CASES, case)
        case CaseSampled() as sampled:
            yield Amend(CASES, case, {"sampled_at": to_micros(sampled.sampled_at)})
        case CaseCommented() as commented:
            yield Amend(CASES, case, {"commented": True, "rational": not commented.codes})
            for code in commented.codes:
                yield Put(CODES, case | {"code": code})


def _row(opened: CaseOpened) -> dict[str, object]:
    return {
        "case_id": opened.case_id,
        "prescription_id": opened.prescription_id,
        "institution": opened.institution,
        "region": opened.region,
        "month": None,
        "outcome": None,
        "sampled_at": None,
        "commented": False,
        "rational": False,
    }


def _decided(outcome: str, recorded: Recorded) -> dict[str, str]:
    return {"outcome": outcome, "month": civil_day(recorded.recorded_at).strftime("%Y-%m")}


PRESCRIPTION_COMMENTS = Projection(
    name="prescription_comments",
    tables=(CASES, CODES),
    project=project,
    queries={"comment_statistics": STATISTICS, "comments_by_code": BY_CODE, "samples": SAMPLES},
)
