"""A day closed by asking the payer itself, where it is reached by messages."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Response

from contracts.registers import Insurer
from services.insurance.application.insurer_messages import reach_of
from services.insurance.application.reconciliation import HIGHEST, LOWEST, PayerDay, tell_listed, tell_totals
from services.insurance.application.registers import INSURANCE_REGISTER
from services.insurance.composition import OUTSIDE
from services.insurance.domain.gateway import Reach, RemoteGateway
from services.insurance.domain.payer_items import Figures, Item, Pair, listed_pairs, payers_figures
from services.insurance.domain.reconciliation_decisions import DIFFERENCES_MAX
from services.seedwork.api import Aside, Read, Refused, Run, allowed, problems
from services.seedwork.calendar import civil_day
from services.seedwork.ports import Reader
from services.seedwork.reference import entry
from services.seedwork.usecase import Actor

ITEMS_MAX = 100_000
"""Of ours in one request: a larger day is compared by its file."""
PAGE = 2_000

router = APIRouter()
Beside = Callable[..., Awaitable[Any]]


@router.post(
    "/reconciliations/{day}/ask",
    responses=problems(
        "reconciliation.wrong_state",
        "reconciliation.day_not_over",
        "reconciliation.by_file",
        "reconciliation.payer_silent",
        "reconciliation.too_many_differences",
        "reconciliation.items_not_totals",
    ),
)
async def ask(
    day: date,
    actor: Annotated[Actor, Depends(allowed("reconciliation.run"))],
    run: Run,
    read: Read,
    aside: Aside,
) -> Response:
    """Ask the payer for a day that is over: its totals (3201), and where they differ which items do (9101, 3202). What
    it says that differs must come to its totals; then it is compared as a file is."""
    of = PayerDay(actor.organisation or "", day)
    gateway, reach = await _way(read, of.insurer)
    if day >= civil_day(await read.now()):
        raise Refused("reconciliation.day_not_over", day=day.isoformat())
    ours = await _ours(read, of)
    if await _equal(aside, gateway, reach, day, ours):
        return await run(tell_totals(of, ours))
    items = await _items(read, of)
    pairs = await _pairs(aside, gateway, reach, day, items)
    theirs = payers_figures(ours, pairs)
    if not await _equal(aside, gateway, reach, day, theirs):
        raise Refused("reconciliation.items_not_totals", side="theirs", items=theirs.model_dump())
    return await run(tell_listed(of, ours, pairs))


async def _way(read: Reader, code: str) -> tuple[RemoteGateway, Reach]:
    (insurer,) = await read.load(entry(INSURANCE_REGISTER, "insurer", code))
    content, reach = insurer.state.read(Insurer), reach_of(insurer.state)
    gateway = None if content is None or content.interface == "in_house" else OUTSIDE.remote.get(content.interface)
    if gateway is None or reach is None:
        raise Refused("reconciliation.by_file", why="no_way")
    return gateway, reach


async def _ours(read: Reader, of: PayerDay) -> Figures:
    (sums,) = await read.find("payer_totals_of_day", **of.parameters)
    figures = Figures(**sums)
    if figures.count > ITEMS_MAX:
        raise Refused("reconciliation.by_file", why="too_large", items=figures.count, max=ITEMS_MAX)
    return figures


async def _equal(aside: Beside, gateway: RemoteGateway, reach: Reach, day: date, figures: Figures) -> bool:
    equal: bool | None = await aside(gateway.equal_totals, reach, day, figures)
    if equal is None:
        raise Refused("reconciliation.payer_silent", insurer=reach.insurer)
    return equal


async def _items(read: Reader, of: PayerDay) -> list[Item]:
    """All of ours, ascending."""
    items: list[Item] = []
    for _ in range(ITEMS_MAX // PAGE + 1):
        after = items[-1].key if items else LOWEST
        rows = await read.find("payer_items_of_day", **of.parameters, after=after, upto=HIGHEST, limit=PAGE)
        items += [Item(row["message_id"], row["total"], row["fund"], row["account"]) for row in rows]
        if len(rows) < PAGE:
            break
    return items


async def _pairs(aside: Beside, gateway: RemoteGateway, reach: Reach, day: date, items: list[Item]) -> list[Pair]:
    lines = await aside(gateway.differing, reach, day, items)
    if lines is None:
        raise Refused("reconciliation.payer_silent", insurer=reach.insurer)
    if len(lines) > DIFFERENCES_MAX:
        raise Refused("reconciliation.too_many_differences", max=DIFFERENCES_MAX)
    listed = {line.key for line in lines}
    return listed_pairs(lines, {item.key: item for item in items if item.key in listed})
