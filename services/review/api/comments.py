"""Prescription comment (处方点评): drawing, commenting, and the figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response
from pydantic import Field

from contracts.roles import Role
from services.review.api.access import LICENCE
from services.review.application import use_cases
from services.review.domain.commands import Code, CommentCase, SampleCase
from services.review.domain.policy import POLICIES, Sampling
from services.review.domain.values import Words
from services.review.domain.verdicts import PER_MILLE
from services.seedwork.api import Body, Paging, Read, Refused, Run, allowed, problems
from services.seedwork.calendar import civil_day
from services.seedwork.clock import from_micros
from services.seedwork.usecase import Actor

router = APIRouter(tags=["comment"])

MayRead = Annotated[Actor, Depends(allowed("case.read"))]
MayReview = Annotated[Actor, Depends(allowed("case.review"))]
MayCount = Annotated[Actor, Depends(allowed("comment.statistics"))]
Month = Annotated[str, Query(pattern=r"^\d{4}-(0[1-9]|1[0-2])$", description="YYYY-MM, inclusive")]
STEP = ("case.unknown", "case.wrong_state")
NOWHERE = "-"
"""No region begins with it."""
RATE = 10_000
"""A rate is told in so many parts."""


class CommentBody(Body):
    """What another pharmacist thinks of a passed prescription; without codes it was rational (合理)."""

    codes: Annotated[tuple[Code, ...], Field(max_length=20)] = ()
    comment: Words | None = None


@router.post("/cases/{id}/sample", responses=problems(*STEP, *LICENCE))
async def sample(id: UUID, actor: MayReview, run: Run) -> Response:  # noqa: A002 - the path's name
    """Draw a passed case for prescription comment; drawn already changes nothing."""
    return await run(use_cases.sample_case(SampleCase(case_id=id), actor))


@router.post(
    "/cases/{id}/comment",
    responses=problems(
        *STEP,
        *LICENCE,
        "case.not_sampled",
        "case.commented_already",
        "case.comment_on_own_review",
        "case.unknown_code",
    ),
)
async def comment(id: UUID, body: CommentBody, actor: MayReview, run: Run) -> Response:  # noqa: A002
    """Comment a drawn case by official codes, or by none where it was rational; once, and not on the own review."""
    return await run(use_cases.comment_case(CommentCase(case_id=id, codes=body.codes, comment=body.comment), actor))


@router.get("/samples")
async def samples(actor: MayRead, read: Read, page: Paging) -> Response:
    """Drawn cases that wait for a comment, of the caller's institution and of those it reviews for; oldest first."""
    sampled_at, case_id = page.after or (0, UUID(int=0))
    rows = await read.find(
        "samples",
        organisation=actor.organisation or "",
        today=civil_day(await read.now()).isoformat(),
        after_sampled_at=sampled_at,
        after_case_id=UUID(str(case_id)),
        limit=page.fetch,
    )
    return page.answer(rows, key=lambda row: [row["sampled_at"], str(row["case_id"])], item=_sample)


@router.get("/comment-statistics", responses=problems("comment.months"))
async def statistics(actor: MayCount, read: Read, page: Paging, month_from: Month, month_to: Month) -> Response:
    """By institution and month: decided cases, drawn and commented ones, the rational ones (合理率, in ten thousandths)
    and the official codes. For reviewers of their institution and those it reviews for, for authorities of their
    region. By design there is no figure by prescriber or drug (严禁统方)."""
    if month_from > month_to:
        raise Refused("comment.months")
    after_institution, after_month = page.after or ("", "")
    today = civil_day(await read.now())
    scope = {
        "organisation": "" if actor.role == Role.REGULATOR else actor.organisation or "",
        "region": _node_of(actor.region) if actor.role == Role.REGULATOR and actor.region else NOWHERE,
        "today": today.isoformat(),
        "month_from": month_from,
        "month_to": month_to,
    }
    rows = await read.find(
        "comment_statistics",
        **scope,
        after_institution=after_institution,
        after_month=after_month,
        limit=page.fetch,
    )
    first, last = (rows[0]["institution"], rows[-1]["institution"]) if rows else ("", "")
    by_code = await read.find("comments_by_code", **scope, first=first, last=last)
    sampling = POLICIES.on(today, read.jurisdiction).sampling
    return page.answer(
        rows,
        key=lambda row: [row["institution"], row["month"]],
        item=lambda row: _figures(row, by_code, sampling),
    )


def _node_of(division: str) -> str:
    """The digits that name an authority's place in the tree: 330000 is the province 33, 000000 the nation."""
    while division.endswith("00"):
        division = division[:-2]
    return division


def _sample(row: Mapping[str, Any]) -> Mapping[str, Any]:
    return {**row, "sampled_at": from_micros(row["sampled_at"])}


def _figures(row: Mapping[str, Any], by_code: Sequence[Mapping[str, Any]], sampling: Sampling) -> Mapping[str, Any]:
    """One institution's month. `owed`: comments the policy asks for, at least its minimum or all there are."""
    place = (row["institution"], row["month"])
    codes = {each["code"]: each["cases"] for each in by_code if (each["institution"], each["month"]) == place}
    passed, commented = row["passed"], row["commented"]
    share = -(-passed * sampling.per_mille // PER_MILLE)
    return {
        **row,
        "owed": min(passed, max(share, sampling.month_min)),
        "rational_per_ten_thousand": row["rational"] * RATE // commented if commented else None,
        "codes": dict(sorted(codes.items())),
    }
