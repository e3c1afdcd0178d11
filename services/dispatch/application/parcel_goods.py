"""What a parcel's end means for shelves, quarantine, trace codes and the parcel itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from uuid import UUID

from services.dispatch.application.work import Work
from services.dispatch.domain import trace_code
from services.dispatch.domain.delivery import way
from services.dispatch.domain.delivery.commands import CancelDelivery, DecideQuarantine
from services.dispatch.domain.delivery.policy import DELIVERY_POLICIES
from services.dispatch.domain.delivery.state import DELIVERIES, DeliveryState
from services.dispatch.domain.delivery.values import InspectedPack, Pack, ReturnReason
from services.dispatch.domain.fulfilment.state import Supply
from services.dispatch.domain.opened_packs import OPENED_PACKS, opened_packs_id, pack_key
from services.dispatch.domain.opened_packs import put_back as put_parts_back
from services.dispatch.domain.recall import none_recalled, recalled_ref
from services.dispatch.domain.stock import item as stock
from services.dispatch.domain.stock import quarantine
from services.dispatch.domain.stock.events import Pick
from services.dispatch.domain.stock.item import STOCK_ITEMS, stock_item_id
from services.dispatch.domain.trace_code import FATES, TRACE_CODES, trace_code_id
from services.dispatch.domain.values import FreedLine, UndonePack
from services.seedwork.calendar import civil_day

KEPT = {"restocked": False, "quarantined": True}
"""Dispositions that bring goods back into the books, and whether they are set apart there."""


def packs_of(supply: Supply) -> tuple[Pack, ...]:
    """A supply's packs, numbered: one per trace code, and one for what there is of a line and lot without codes."""
    packs: list[Pack] = []
    for row in supply.lines:
        left = row.quantity
        for code in row.trace_codes or (None,):
            quantity = left if code is None else min(row.pack_size, left)
            left -= quantity
            facts = {"line": row.line, "product": row.product, "lot": row.lot, "expiry": row.expiry}
            number = len(packs) + 1
            packs.append(Pack.model_validate({**facts, "number": number, "quantity": quantity, "trace_code": code}))
    return tuple(packs)


def undone_packs(packs: Mapping[int, Pack], verdicts: Iterable[InspectedPack]) -> tuple[UndonePack, ...]:
    """The packs with what became of them; what is missing counts as lost."""
    return tuple(
        UndonePack.model_validate(
            {
                **packs[each.pack].model_dump(exclude={"number"}),
                "disposition": "lost" if each.verdict == "missing" else each.verdict,
            }
        )
        for each in verdicts
    )


def come_back(fulfilment_id: UUID, supply: Supply, packs: tuple[UndonePack, ...], now: datetime) -> Iterator[Work]:
    """On the shelf, set apart, or gone; each code freed, locked or spent. Nothing of a recalled lot is sold again."""
    give_back = partial(stock.give_back, supply_id=supply.supply_id, now=now, fulfilment_id=fulfilment_id)
    for (product, apart), picks in _picks(packs).items():
        back = partial(give_back, picks=tuple(picks), apart=apart)
        yield Work(STOCK_ITEMS.ref(stock_item_id(supply.pharmacy, product)), back)
    restocked = [pack for pack in packs if pack.disposition == "restocked"]
    yield from _not_recalled(restocked)
    yield from _parts_back(supply.pharmacy, supply.supply_id, restocked)
    for pack in packs:
        yield from _fate(pack.trace_code, supply.supply_id, pack.disposition)


def _not_recalled(packs: Iterable[Pack | UndonePack]) -> Iterator[Work]:
    """From the recall's first save on, before it has come to this shelf."""
    lots: dict[str, set[str]] = {}
    for pack in packs:
        lots.setdefault(pack.product, set()).add(pack.lot)
    for product, named in lots.items():
        yield Work(recalled_ref(product), partial(none_recalled, lots=frozenset(named)))


def taken_back(supply: Supply, lines: Iterable[FreedLine]) -> Iterator[Work]:
    """Goods that the patient had never return; the codes of a line that is back entirely are spent."""
    for code in spent_codes(supply, lines):
        yield from _fate(code, supply.supply_id, "taken_back")


def spent_codes(supply: Supply, lines: Iterable[FreedLine]) -> Iterator[str]:
    """Of the lines that are back entirely once these are."""
    back = Counter(supply.taken_back)
    for row in lines:
        back[row.line] += row.quantity
    whole = {line for line, received in supply.received.items() if back[line] >= received}
    for given in supply.lines:
        yield from given.trace_codes if given.line in whole else ()


def _parts_back(pharmacy: str, supply_id: UUID, packs: Iterable[Pack | UndonePack]) -> Iterator[Work]:
    """What a supply had taken out of opened packs, of those that are on the shelf again."""
    keys: dict[str, set[str]] = {}
    for pack in packs:
        keys.setdefault(pack.product, set()).add(pack_key(pack.trace_code, pack.lot))
    for product, names in keys.items():
        back = partial(put_parts_back, supply_id=supply_id, keys=frozenset(names))
        yield Work(OPENED_PACKS.ref(opened_packs_id(pharmacy, product)), back)


def _picks(packs: Iterable[UndonePack]) -> dict[tuple[str, bool], list[Pick]]:
    picks: dict[tuple[str, bool], list[Pick]] = {}
    for pack in packs:
        if pack.disposition in KEPT:
            found = Pick(lot=pack.lot, expiry=pack.expiry, quantity=pack.quantity)
            picks.setdefault((pack.product, KEPT[pack.disposition]), []).append(found)
    return picks


def found_again(
    state: DeliveryState, supply_id: UUID, verdicts: Iterable[InspectedPack], now: datetime
) -> Iterator[Work]:
    """What had been written off: into quarantine, where it waits to be destroyed. Its codes stay spent."""
    apart = [each for each in verdicts if each.verdict == "quarantined"]
    for (product, _), picks in _picks(undone_packs(state.packs, apart)).items():
        back = partial(stock.give_back, supply_id=supply_id, picks=tuple(picks), now=now, apart=True)
        yield Work(STOCK_ITEMS.ref(stock_item_id(_pharmacy(state), product)), back)


def out_of_quarantine(
    state: DeliveryState, supply_id: UUID, packs: Sequence[int], command: DecideQuarantine, now: datetime
) -> Iterator[Work]:
    """On the shelf again with codes that may be sold, or out of the books with codes that are spent."""
    step = quarantine.release if command.to == "restocked" else quarantine.destroy
    yield from _not_recalled([state.packs[number] for number in packs] if command.to == "restocked" else ())
    for number in packs:
        pack = state.packs[number]
        said = quarantine.DecideQuarantine(
            lot=pack.lot, quantity=pack.quantity, reason=command.reason, decided_by=command.decided_by
        )
        item = STOCK_ITEMS.ref(stock_item_id(_pharmacy(state), pack.product))
        yield Work(item, partial(step, command=said, now=now))
        if command.to == "restocked":
            yield from _parts_back(_pharmacy(state), supply_id, [pack])
        yield from _fate(pack.trace_code, supply_id, command.to)


def _pharmacy(state: DeliveryState) -> str:
    return state.created.pharmacy if state.created else ""


def _fate(code: str | None, supply_id: UUID, disposition: str) -> Iterator[Work]:
    """Goods without a code have none to free, lock or spend."""
    if code is not None:
        end = partial(trace_code.end_sale, supply_id=supply_id, fate=FATES[disposition])
        yield Work(TRACE_CODES.ref(trace_code_id(code)), end)


def called_off(supply: Supply) -> Iterator[Work]:
    """A supply that is undone in the pharmacy is not sent."""
    if supply.delivery_id:
        call_off = CancelDelivery(pharmacy=supply.pharmacy, reason="supply_undone")
        yield Work(DELIVERIES.ref(supply.delivery_id), partial(way.cancel, command=call_off))


def called_back(supplies: Iterable[Supply], reason: ReturnReason, now: datetime, jurisdiction: str) -> Iterator[Work]:
    """Couriers turn round with these supplies."""
    policy = DELIVERY_POLICIES.on(civil_day(now), jurisdiction)
    for delivery_id in filter(None, (supply.delivery_id for supply in supplies)):
        turn = partial(way.call_back, reason=reason, now=now, policy=policy)
        yield Work(DELIVERIES.ref(delivery_id), turn)
