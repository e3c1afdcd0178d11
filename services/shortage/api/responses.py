"""What authorities do against a confirmed shortage, and what prescribers and pharmacies are told of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response
from pydantic import Field

from services.seedwork.api import Aside, Body, Paging, Read, Refused, Run, allowed, answer, compact_jws, problems
from services.seedwork.calendar import civil_day
from services.seedwork.clock import from_micros
from services.seedwork.usecase import Actor
from services.shortage.application import responses
from services.shortage.application.hints import alternatives, in_force
from services.shortage.application.transfers import sites
from services.shortage.application.use_cases import authority_of
from services.shortage.domain.allocation import EndAllocation, Priority, SetAllocation
from services.shortage.domain.case import CaseState, case_ref
from services.shortage.domain.policy import POLICIES
from services.shortage.domain.protocol import DraftProtocol, ProtocolText, WithdrawProtocol
from services.shortage.domain.regions import covers
from services.shortage.domain.response import ProposeTransfers, ReleaseReserve
from services.shortage.domain.transfer_plan import TransferPlan, plan_transfers
from services.shortage.domain.values import RegionNode, Words
from services.shortage.projections.cases import NOBODY
from services.shortage.projections.supply import SITES_READ_MAX

router = APIRouter(tags=["shortage responses"])

MayRead = Annotated[Actor, Depends(allowed("shortage.read"))]
MayDecide = Annotated[Actor, Depends(allowed("shortage.decide"))]
CASE_PROBLEMS = ("shortage.unknown", "shortage.wrong_state", "shortage.not_your_region", "response.level")
SIGNED = (
    "signature.malformed",
    "signature.unknown_key",
    "signature.key_not_valid",
    "signature.invalid",
    "signature.certificate",
    "signature.revoked",
    "signature.revocation_unknown",
    "signature.unavailable",
    "protocol.signed_something_else",
)
SHORTAGES_MAX = 20
DRUGS_MAX = 5
"""As many as a prescription has lines."""


class ProtocolBody(Body, ProtocolText):
    """The text of a substitution protocol."""


class WhyBody(Body):
    """Why it ends."""

    reason: Words


class AllocationBody(Body):
    """So many days of treatment at most in one supply."""

    region: RegionNode
    max_days: Annotated[int, Field(ge=1, le=366)]
    priority_diagnoses: Annotated[tuple[Priority, ...], Field(max_length=50)] = ()
    reason: Words


class TransfersBody(Body):
    """Whether packs may leave their chain, and by whose order: the reason is the order's."""

    order_reason: Words | None = None


class ReserveBody(Body):
    """How much goes to whom."""

    region: RegionNode
    quantity: Annotated[int, Field(gt=0, le=10**12, description="base units")]
    to: Annotated[str, Field(min_length=1, max_length=300)]
    expected_on: date | None = None
    reason: Words


@router.post(
    "/shortages/{id}/protocols",
    responses=problems(
        *CASE_PROBLEMS, "response.too_many", "protocol.drugs", "protocol.ratio", "protocol.mode", "protocol.days"
    ),
)
async def draft_protocol(id: UUID, body: ProtocolBody, _actor: MayDecide, run: Run) -> Response:  # noqa: A002
    """Draft what may be given instead while the drug is short. Nobody acts on it before another person signs it."""
    return await run(responses.draft_protocol(DraftProtocol(case_id=id, text=ProtocolText(**body.model_dump()))))


@router.post(
    "/protocols/{id}/sign",
    responses=problems(
        *CASE_PROBLEMS,
        *SIGNED,
        "protocol.unknown",
        "protocol.wrong_state",
        "protocol.own_draft",
        "protocol.another_text",
    ),
)
async def sign_protocol(
    id: UUID,  # noqa: A002
    _actor: MayDecide,
    run: Run,
    jws: Annotated[str, Depends(compact_jws)],
) -> Response:
    """Put a draft in force: dispatch, prescribe and the pharmacies act on it. The body is a compact JWS whose payload
    names the protocol (`protocol_id`) and the digest of its text (`digest`), by a key of the signer's entry in the
    register."""
    return await run(responses.sign_protocol(id, jws))


@router.post(
    "/protocols/{id}/withdraw",
    responses=problems("protocol.unknown", "protocol.wrong_state", "shortage.not_your_region"),
)
async def withdraw_protocol(id: UUID, body: WhyBody, _actor: MayDecide, run: Run) -> Response:  # noqa: A002
    """End a protocol, after notice where it is in force; a hold that was passed before may finish."""
    return await run(responses.withdraw_protocol(WithdrawProtocol(protocol_id=id, reason=body.reason)))


@router.post(
    "/shortages/{id}/allocations",
    responses=problems(
        *CASE_PROBLEMS, "response.too_many", "allocation.open", "allocation.region", "allocation.too_tight"
    ),
)
async def set_allocation(id: UUID, body: AllocationBody, _actor: MayDecide, run: Run) -> Response:  # noqa: A002
    """Limit what one supply may cover; pharmacies cannot hold more of it from now on."""
    return await run(responses.set_allocation(SetAllocation(case_id=id, **body.model_dump())))


@router.post(
    "/allocations/{id}/end",
    responses=problems("allocation.unknown", "allocation.wrong_state", "shortage.not_your_region"),
)
async def end_allocation(id: UUID, body: WhyBody, _actor: MayDecide, run: Run) -> Response:  # noqa: A002
    """The limit does not hold any more, at once."""
    return await run(responses.end_allocation(EndAllocation(allocation_id=id, reason=body.reason)))


@router.post(
    "/shortages/{id}/transfers",
    responses=problems(*CASE_PROBLEMS, "response.too_many", "response.nothing_to_move", "response.too_large"),
)
async def propose_transfers(
    id: UUID,  # noqa: A002
    body: TransfersBody,
    actor: MayDecide,
    run: Run,
    read: Read,
    aside: Aside,
) -> Response:
    """Plan which packs should move inside the case's region, and propose it to both sides of each transfer. Only inside
    one chain, unless the authority orders it; each proposal says what it followed from."""
    (loaded,) = await read.load(case_ref(id))
    state: CaseState = loaded.state
    authority = authority_of(actor.region)
    plan = TransferPlan(proposals=(), needed=0, covered=0, unknown=0)
    if state.suspected is not None and authority is not None and covers(authority, state.suspected.region):
        plan = await _planned(state, read, aside, by_order=body.order_reason is not None)
    return await run(
        responses.propose_transfers(ProposeTransfers(case_id=id, plan=plan, order_reason=body.order_reason))
    )


async def _planned(state: CaseState, read: Read, aside: Aside, *, by_order: bool) -> TransferPlan:
    suspected = state.suspected
    assert suspected is not None  # noqa: S101 - its caller has seen it
    today = civil_day(await read.now())
    rules = POLICIES.on(today, read.jurisdiction).transfer
    here = {"drug_key": suspected.drug_key, "within": suspected.region, "limit": SITES_READ_MAX}
    first = today - timedelta(days=rules.history_days - 1)
    since = first - timedelta(days=rules.history_days)
    days = {"first": first.isoformat(), "last": today.isoformat()}
    shelves = await read.find("shelves_of", **here, today=today.isoformat())
    demand = await read.find("demand_of", **here, **days, since=since.isoformat())
    unfilled = await read.find("unfilled_of", **here, **days, today=today.isoformat())
    found = sites(shelves, demand, unfilled, today, rules)
    plan: TransferPlan = await aside(_plan, found, rules, by_order)
    return plan


def _plan(found: Any, rules: Any, by_order: bool) -> TransferPlan:  # noqa: FBT001 - called through the threads' port
    return plan_transfers(found, rules, by_order=by_order)


@router.post(
    "/shortages/{id}/reserves",
    responses=problems(*CASE_PROBLEMS, "response.too_many", "response.region", "response.expected_before"),
)
async def release_reserve(id: UUID, body: ReserveBody, _actor: MayDecide, run: Run) -> Response:  # noqa: A002
    """Release a reserve (动用储备) for the region of a confirmed case, or a part of it."""
    return await run(responses.release_reserve(ReleaseReserve(case_id=id, **body.model_dump())))


@router.get("/shortages/{id}/responses", responses=problems("shortage.unknown"))
async def responses_of(id: UUID, actor: MayDecide, read: Read, page: Paging) -> Response:  # noqa: A002
    """All that was done against a case, the oldest first, and what came of it: the same counts before and after."""
    (loaded,) = await read.load(case_ref(id))
    state: CaseState = loaded.state
    authority = authority_of(actor.region)
    if state.suspected is None or authority is None or not covers(authority, state.suspected.region):
        raise Refused("shortage.unknown", case_id=str(id))
    after, after_id = page.after or (-1, str(UUID(int=0)))
    rows = await read.find("responses_of", case_id=id, after=after, after_id=UUID(str(after_id)), limit=page.fetch)
    return page.answer(rows, key=lambda row: [row["began_at"], str(row["response_id"])], item=_shown)


def _shown(row: Mapping[str, Any]) -> dict[str, Any]:
    effect = row["effect"]
    named = ("response_id", "kind", "state", "ends_on")
    return {
        **{name: row[name] for name in named},
        "began_at": from_micros(row["began_at"]),
        **row["facts"],
        "effect": None if effect is None else {**effect, "formula": "filled / wanted, base units"},
    }


@router.get("/shortage-hints")
async def shortage_hints(
    _actor: MayRead,
    read: Read,
    region: Annotated[str, Query(pattern=r"^\d{6}$", description="GB/T 2260 division of the county")],
    drug_key: Annotated[
        list[Annotated[str, Field(max_length=300)]],
        Query(min_length=1, max_length=DRUGS_MAX, description="generic name | form | strength"),
    ],
) -> Response:
    """For each drug: confirmed shortages that reach this county, how much one supply may cover, and what else there is
    in its city. How old the rows are stands in the headers; whoever acts on a hint records both."""
    today = civil_day(await read.now())
    items = [await _hint(read, key, region, today) for key in dict.fromkeys(drug_key)]
    return answer({"region": region, "items": items})


async def _hint(read: Read, drug_key: str, county: str, today: date) -> dict[str, Any]:
    rows = await read.find(
        "open_shortages",
        authority=NOBODY,
        within=county,
        drug_key=drug_key,
        after_suspected_at=2**63 - 1,
        after_case_id=UUID(int=0),
        limit=SHORTAGES_MAX,
    )
    limits, protocols = await in_force(read, drug_key, county, today)
    short = bool(rows or limits or protocols)
    return {
        "drug_key": drug_key,
        "shortages": [{name: row[name] for name in ("case_id", "region", "grade", "confirmed_at")} for row in rows],
        "limits": limits,
        "alternatives": await alternatives(read, drug_key, county, protocols, today) if short else [],
    }
