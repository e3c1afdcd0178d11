"""Reports of shortage monitoring as of any past instant, the feed of what has changed, and openFDA's shape."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Annotated, Any, Literal

import orjson
from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response

from contracts.supply_reports import Instant
from services.seedwork.api import Aside, Keep, Paging, Read, Refused, Signer, allowed, answer, problems
from services.seedwork.calendar import civil_day, end_of_day
from services.seedwork.usecase import Actor
from services.shortage.adapters.report_files import Language, csv_file, pdf_file, xlsx_file
from services.shortage.application.following import change_told
from services.shortage.application.reports import SETTLED, ask, content_of, first_issue, keep_issue
from services.shortage.application.use_cases import authority_of
from services.shortage.domain.case import case_ref
from services.shortage.domain.regions import covers, node_of
from services.shortage.domain.register_shape import openfda
from services.shortage.domain.report import Kind
from services.shortage.domain.report_issue import ReportIssued, issue_ref
from services.shortage.projections.cases import NOBODY

router = APIRouter(tags=["shortage reports"])

MayReport = Annotated[Actor, Depends(allowed("shortage.reports"))]
MayFollow = Annotated[Actor, Depends(allowed("shortage.read"))]
DAYS_MAX = 366
OPENFDA_LIMIT_MAX, OPENFDA_SKIP_MAX = 1000, 25_000
FILES = {
    "csv": (csv_file, "text/csv; charset=utf-8"),
    "xlsx": (xlsx_file, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    "pdf": (pdf_file, "application/pdf"),
}
BINARY = {"schema": {"type": "string", "format": "binary"}}


@router.get(
    "/shortage-reports",
    responses={
        **problems(
            "shortage.not_your_region",
            "report.days",
            "report.too_recent",
            "report.not_ready",
            "report.too_old",
            "report.too_large",
        ),
        200: {"content": {media.partition(";")[0]: BINARY for _, media in FILES.values()}},
    },
)
async def report(
    actor: MayReport,
    read: Read,
    keep: Keep,
    aside: Aside,
    sign: Signer,
    region: Annotated[str, Query(pattern=r"^\d{6}$", description="GB/T 2260 division; 000000: the nation")],
    kind: Annotated[Kind, Query(description="the week with its cases, the figures alone, the cases alone")] = "weekly",
    week: Annotated[
        str | None, Query(pattern=r"^\d{4}-W\d{2}$", description="ISO week; none: the last seven days")
    ] = None,
    as_of: Annotated[Instant | None, Query(description="what was known then; none: now, or the week's end")] = None,
    format: Literal["json", "csv", "xlsx", "pdf"] = "json",  # noqa: A002 - the query's name
    language: Language = "zh",
) -> Response:
    """A report of the own region as it was known at an instant. The same question has the same bytes for ever: its
    first issue is kept, with its digest (`ETag`) and a signature over it (`X-Report-Signature`, a compact JWS)."""
    node, authority = node_of(region), authority_of(actor.region)
    if authority is None or not covers(authority, node):
        raise Refused("shortage.not_your_region", region=region)
    now = await read.now()
    first, last, instant = _period(week, as_of, now)
    question = await ask(read, kind, node, first, last, instant)
    issued = await _issued(read, issue_ref(question))
    if issued is None:
        content = await content_of(read, question)
        await keep(keep_issue(question, first_issue(question, content, sign)))
        issued = await _issued(read, issue_ref(question))
    assert issued is not None  # noqa: S101 - it has just been kept
    headers = {"ETag": f'"{issued.sha256}"', "X-Report-Signature": issued.signature}
    if format == "json":
        return Response(issued.content.encode(), media_type="application/json", headers=headers)
    make, media = FILES[format]
    name = f"shortage-{kind}-{region}-{last.isoformat()}.{format}"
    headers["Content-Disposition"] = f'attachment; filename="{name}"'
    content = await aside(make, orjson.loads(issued.content), issued.sha256, language)
    return Response(content, media_type=media, headers=headers)


def _period(week: str | None, as_of: datetime | None, now: datetime) -> tuple[date, date, datetime]:
    """First and last day, and the instant: of a week its end, unless it is said."""
    if week is None:
        instant = as_of or (now - SETTLED).replace(microsecond=0)
        last = civil_day(instant)
        return last - timedelta(days=6), last, instant
    try:
        first = date.fromisocalendar(int(week[:4]), int(week[6:]), 1)
    except ValueError:
        raise Refused("report.days", week=week) from None
    last = first + timedelta(days=6)
    return first, last, as_of or end_of_day(last)


async def _issued(read: Read, ref: Any) -> ReportIssued | None:
    (kept,) = await read.load(ref)
    issued: ReportIssued | None = kept.state.issued
    return issued


@router.get("/shortage-changes")
async def changes(actor: MayFollow, read: Read, page: Paging) -> Response:
    """What has happened to shortages, in order: new, changed, eased, ended, back again. `next` is the place to go on
    from, also when there is nothing new. Suspicions, and their ends, are shown to the authorities of their region."""
    after = page.after[0] if page.after else 0
    rows = await read.find("case_changes", after=after, limit=page.limit)
    authority = authority_of(actor.region) if actor.role == "regulator" else NOBODY
    loaded = await read.load(*(case_ref(case) for case in dict.fromkeys(row["case_id"] for row in rows)))
    states = {each.stream_id: each.state for each in loaded}
    shown = [found for row in rows if (found := change_told(row, states[row["case_id"]], authority)) is not None]
    following = page.feed(rows, key=lambda row: [row["log_index"]], item=lambda row: {"log_index": row["log_index"]})
    place = orjson.loads(bytes(following.body))["next"]
    return answer({"items": shown, "next": place})


@router.get("/drug/shortages.json")
async def openfda_shape(
    _actor: MayFollow,
    read: Read,
    limit: Annotated[int, Query(ge=1, le=OPENFDA_LIMIT_MAX)] = 100,
    skip: Annotated[int, Query(ge=0, le=OPENFDA_SKIP_MAX, description="so many of the newest are left out")] = 0,
) -> Response:
    """Confirmed shortages of the whole country in the shape of openFDA's `drug/shortages.json`, newest first. What that
    shape has no place for (grade, region) stands in `related_info`."""
    rows = await read.find("confirmed_shortages", skip=skip, limit=limit)
    (counted,) = await read.find("confirmed_count")
    return answer(openfda(rows, skip=skip, limit=limit, total=int(counted["total"])))
