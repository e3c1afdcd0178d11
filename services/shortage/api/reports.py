"""What makers, institutions and authorities tell one by one: stop notices and reports."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends
from fastapi.responses import Response
from pydantic import Field

from contracts.roles import Role
from contracts.supply_reports import Instant
from services.seedwork.api import Body, Refused, Run, allowed, problems
from services.seedwork.usecase import Actor
from services.shortage.application import intake
from services.shortage.domain.detection.cover import SupplyStatus
from services.shortage.domain.events import NoticeEnd
from services.shortage.domain.reports import ShortageReport, Trust
from services.shortage.domain.stop_notice import EndStop, Name, ReportStop
from services.shortage.domain.values import SourceKind, Words

router = APIRouter(tags=["shortage"])

MayReport = Annotated[Actor, Depends(allowed("shortage.report"))]
FOR_OTHERS = {Role.REGULATOR, Role.SYSTEM_ADMIN}
"""Who brings what others have told; everybody else speaks for their own organisation."""


class StopBody(Body):
    """A maker's notice; `reference` is its own number of it."""

    reference: Name
    maker: Name
    drug_key: Annotated[str, Field(min_length=1, max_length=300, description="generic name | form | strength")]
    stops_on: date
    planned: bool
    sole_supplier: bool = Field(description="nobody else makes it")
    restored_by: date | None = Field(default=None, description="when it expects to deliver again; none: unknown")
    reason: Words


class StopEndBody(Body):
    """How a notice ends."""

    how: NoticeEnd
    reason: Words


class ReportBody(Body):
    """One record; `key` is the source's own key of it."""

    source: Literal[SourceKind.DIRECT_REPORT, SourceKind.REGISTER]
    key: Name
    reporter: Name
    trust: Trust
    drug_key: Name
    region: Annotated[str, Field(pattern=r"^(\d{6}|\d{4}|\d{2}|)$", description="region node; empty: the nation")]
    status: SupplyStatus | None = Field(
        default=None, description="1 充足, 2 较充足, 3 短缺, 4 严重短缺; none: it does not say"
    )
    occurred_at: Instant
    reported_at: Instant | None = Field(default=None, description="when the source said it; none: now")
    on_hand: Annotated[int, Field(ge=0, le=10**12)] | None = None
    note: Annotated[str, Field(max_length=2000)] = ""


@router.post(
    "/stop-notices",
    responses=problems(
        "stop_notice.dates",
        "stop_notice.ended",
        "stop_notice.another_drug",
        "report.drug_unknown",
        "report.not_yours",
    ),
)
async def report_stop(body: StopBody, actor: MayReport, run: Run) -> Response:
    """A maker stops a drug (停产报告): the nation's case is opened, or learns of it. The same notice again is known."""
    speaks_for(actor, body.maker)
    return await run(intake.receive_stop(ReportStop(**body.model_dump())))


@router.post("/stop-notices/{id}/end", responses=problems("stop_notice.unknown", "report.not_yours"))
async def end_stop(id: UUID, body: StopEndBody, actor: MayReport, run: Run) -> Response:  # noqa: A002
    """The maker goes on after all (withdrawn), or delivers again (restored)."""
    return await run(intake.end_notice(EndStop(notice_id=id, how=body.how, reason=body.reason), own_only(actor)))


@router.post(
    "/shortage-reports",
    responses=problems(
        "report.in_the_future",
        "report.too_many",
        "report.drug_unknown",
        "report.region_unknown",
        "report.not_yours",
    ),
)
async def report(body: ReportBody, actor: MayReport, run: Run) -> Response:
    """A direct report (直报) or a record of a public register. The same key and content again is known."""
    speaks_for(actor, body.reporter)
    return await run(intake.receive_report(ShortageReport(**body.model_dump())))


def own_only(actor: Actor) -> str | None:
    """Whose reports alone this actor may bring; None: anybody's. An organisation that is none has none."""
    return None if actor.role in FOR_OTHERS else actor.organisation or ""


def speaks_for(actor: Actor, reporter: str) -> None:
    """Raises Refused where it is somebody else's to say."""
    if own_only(actor) not in {None, reporter}:
        raise Refused("report.not_yours", reporter=reporter)
