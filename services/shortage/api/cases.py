"""The HTTP api of shortage: open cases as a hint to prescribers and pharmacies, and what the authorities decide."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query
from fastapi.responses import Response
from pydantic import Field

from contracts.roles import Role
from contracts.supply_reports import Instant
from services.seedwork.api import Body, Paging, Read, Refused, Run, allowed, answer, problems
from services.seedwork.clock import from_micros
from services.seedwork.usecase import Actor
from services.shortage.application import use_cases
from services.shortage.application.use_cases import authority_of
from services.shortage.domain.case import CaseState, case_ref
from services.shortage.domain.commands import AcknowledgeCase, AssignTask, CompleteTask, ConfirmCase, DismissCase
from services.shortage.domain.regions import Level, covers, node_of
from services.shortage.domain.values import Words
from services.shortage.projections.cases import NOBODY

router = APIRouter(tags=["shortage"])

MayRead = Annotated[Actor, Depends(allowed("shortage.read"))]
MayDecide = Annotated[Actor, Depends(allowed("shortage.decide"))]
BEFORE_THE_FIRST = (2**63 - 1, UUID(int=0))
"""Sort keys ahead of every row of the list."""
LISTED = ("case_id", "drug_key", "region", "state", "grade", "owner_level", "pharmacies", "demands")
"""What an authority's list shows of a case as it stands in the row."""
HINT = ("case_id", "drug_key", "region", "state", "grade", "confirmed_at")
"""What is public of a confirmed case."""


class ReasonBody(Body):
    """Why the authority decides so."""

    reason: Words


class TaskBody(Body):
    """What has to be done, on which level, by when."""

    kind: Annotated[str, Field(min_length=1, max_length=100)]
    owner_level: Level
    due_at: Instant


@router.get("/shortages")
async def shortages(
    actor: MayRead,
    read: Read,
    page: Paging,
    region: Annotated[str, Query(pattern=r"^\d{6}$", description="GB/T 2260 division; 000000: everywhere")] = "000000",
    drug_key: Annotated[str, Query(max_length=300, description="generic name | form | strength; empty: all")] = "",
) -> Response:
    """Open shortages in or above a region, the newest first.

    Suspicions are shown to the authorities of their own node and of those above it only.
    """
    node, authority = node_of(region), _authority(actor)
    if authority is not None and node == "":
        node = authority
    suspected_at, case_id = page.after or BEFORE_THE_FIRST
    rows = await read.find(
        "open_shortages",
        authority=NOBODY if authority is None else authority,
        within=node,
        drug_key=drug_key,
        after_suspected_at=suspected_at,
        after_case_id=UUID(str(case_id)),
        limit=page.fetch,
    )
    return page.answer(
        rows,
        key=lambda row: [row["suspected_at"], str(row["case_id"])],
        item=lambda row: _row(row, authority),
    )


@router.get("/shortages/{id}", responses=problems("shortage.unknown"))
async def shortage(id: UUID, actor: MayRead, read: Read) -> Response:  # noqa: A002 - the path's name
    """One case. Authorities of its region see it whole and at any time, others while it is confirmed."""
    (loaded,) = await read.load(case_ref(id))
    state: CaseState = loaded.state
    authority = _authority(actor)
    if state.suspected is not None and authority is not None and covers(authority, state.suspected.region):
        return answer(_whole(state), version=loaded.version)
    if state.status != "confirmed":
        raise Refused("shortage.unknown", case_id=str(id))
    whole = _whole(state)
    return answer({name: whole[name] for name in HINT}, version=loaded.version)


@router.post(
    "/shortages/{id}/confirm",
    responses=problems("shortage.unknown", "shortage.wrong_state", "shortage.not_your_region"),
)
async def confirm(id: UUID, body: ReasonBody, _actor: MayDecide, run: Run) -> Response:  # noqa: A002
    """Confirm a suspected case; its grade follows from its evidence."""
    return await run(use_cases.confirm_case(ConfirmCase(case_id=id, reason=body.reason)))


@router.post(
    "/shortages/{id}/dismiss",
    responses=problems("shortage.unknown", "shortage.wrong_state", "shortage.not_your_region"),
)
async def dismiss(id: UUID, body: ReasonBody, _actor: MayDecide, run: Run) -> Response:  # noqa: A002
    """Dismiss a suspected case; it counts as a false alarm."""
    return await run(use_cases.dismiss_case(DismissCase(case_id=id, reason=body.reason)))


@router.post(
    "/shortages/{id}/acknowledge",
    responses=problems("shortage.unknown", "shortage.wrong_state", "shortage.not_your_region"),
)
async def acknowledge(id: UUID, body: ReasonBody, _actor: MayDecide, run: Run) -> Response:  # noqa: A002
    """Say that a confirmed case has been seen, and what is made of it."""
    return await run(use_cases.acknowledge_case(AcknowledgeCase(case_id=id, reason=body.reason)))


@router.post(
    "/shortages/{id}/tasks",
    responses=problems(
        "shortage.unknown",
        "shortage.wrong_state",
        "shortage.not_your_region",
        "shortage.due_in_the_past",
        "shortage.too_many_tasks",
    ),
)
async def assign_task(id: UUID, body: TaskBody, _actor: MayDecide, run: Run) -> Response:  # noqa: A002
    """Want something done about a confirmed case; past its deadline it is the next level's."""
    return await run(use_cases.assign_task(AssignTask(case_id=id, **body.model_dump())))


@router.post(
    "/shortages/{id}/tasks/{number}/complete",
    responses=problems("shortage.unknown", "shortage.wrong_state", "shortage.not_your_region", "shortage.task_unknown"),
)
async def complete_task(
    id: UUID,  # noqa: A002
    number: Annotated[int, Path(ge=1, le=10_000)],
    body: ReasonBody,
    _actor: MayDecide,
    run: Run,
) -> Response:
    """Say that a task is done, and how."""
    return await run(use_cases.complete_task(CompleteTask(case_id=id, number=number, reason=body.reason)))


@router.get("/integrity-alarms")
async def integrity_alarms(
    actor: Annotated[Actor, Depends(allowed("integrity.read"))], read: Read, page: Paging
) -> Response:
    """Repeated trace codes, sold or met again in the authority's region; newest first. Codes appear as hashes."""
    before = page.after[0] if page.after else BEFORE_THE_FIRST[0]
    authority = authority_of(actor.region)
    within = NOBODY if authority is None else authority
    rows = await read.find("integrity_alarms", within=within, before=before, limit=page.fetch)
    return page.answer(rows, key=lambda row: [row["position"]], item=_alarm)


def _alarm(row: Mapping[str, Any]) -> dict[str, Any]:
    shown = ("code_sha256", "product", "kind", "found", "first", "second")
    return {**{name: row[name] for name in shown}, "raised_at": from_micros(row["raised_at"])}


def _authority(actor: Actor) -> str | None:
    """The node of a regulator; None for everybody else."""
    return authority_of(actor.region) if actor.role == Role.REGULATOR else None


def _row(row: Mapping[str, Any], authority: str | None) -> Mapping[str, Any]:
    """Whole to an authority whose node it lies in, to everybody else as a hint."""
    confirmed_at = row["confirmed_at"]
    shown = {name: row[name] for name in LISTED} | {
        "suspected_at": from_micros(row["suspected_at"]),
        "confirmed_at": from_micros(confirmed_at) if confirmed_at is not None else None,
    }
    if authority is not None and covers(authority, row["region"]):
        return shown
    return {name: shown[name] for name in HINT}


def _whole(state: CaseState) -> dict[str, Any]:
    suspected = state.suspected.model_dump(mode="json") if state.suspected else {}
    confirmed = state.confirmed
    return {
        **suspected,
        "state": state.status,
        "evidence": state.evidence.model_dump(mode="json") if state.evidence else None,
        "quiet_at": state.quiet_at,
        "grade": state.grade.value if state.grade else None,
        "graded_by": state.inputs.model_dump(mode="json") if state.inputs else None,
        "owner_level": state.owner_level.value if state.owner_level else None,
        "sources": sorted(state.sources),
        "events": list(state.events),
        "anticipated": state.anticipated,
        "stop_notices": sorted(map(str, state.notices)),
        "expected_until": state.restored_by,
        "parent_case": state.parent,
        "child_cases": sorted(map(str, state.children)),
        "acknowledged": state.acknowledged,
        "tasks": [task.model_dump(mode="json") for task in state.tasks.values()],
        "judged_at": state.period_at,
        "confirmed_by": confirmed.confirmed_by if confirmed else None,
        "confirmed_at": confirmed.confirmed_at if confirmed else None,
        "ended": state.ended.model_dump(mode="json") if state.ended else None,
    }
