"""What becomes of packs when a supply is prepared, checked or undone: shelf, open packs, codes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any
from uuid import UUID

from services.dispatch.application.circumstances import Circumstances
from services.dispatch.application.work import Work
from services.dispatch.domain import trace_code
from services.dispatch.domain.fulfilment import events as e
from services.dispatch.domain.fulfilment.state import Hold, Supply
from services.dispatch.domain.opened_packs import (
    OPENED_PACKS,
    OpenedState,
    check_parts,
    opened_packs_id,
    parts_of,
    wholes_of,
)
from services.dispatch.domain.opened_packs import put_back as put_parts_back
from services.dispatch.domain.opened_packs import take as take_parts
from services.dispatch.domain.recall import none_recalled, recalled_ref
from services.dispatch.domain.stock import item as stock
from services.dispatch.domain.stock.events import Pick
from services.dispatch.domain.stock.item import STOCK_ITEMS, StockState, stock_item_id
from services.dispatch.domain.trace_code import TRACE_CODES, trace_code_id
from services.dispatch.domain.trace_code_events import PackFacts, Place
from services.dispatch.domain.values import DispensedLine, PickedLine
from services.seedwork.model import Outcome


def stock_work(pharmacy: str, product: str, step: Callable[[StockState], Outcome]) -> Work:
    return Work(STOCK_ITEMS.ref(stock_item_id(pharmacy, product)), step)


def _code(code: str, step: Callable[[Any], Outcome]) -> Work:
    return Work(TRACE_CODES.ref(trace_code_id(code)), step)


def _opened(pharmacy: str, product: str, step: Callable[[OpenedState], Outcome]) -> Work:
    return Work(OPENED_PACKS.ref(opened_packs_id(pharmacy, product)), step)


def scans(hold: Hold, event: e.SupplyPrepared, about: Circumstances) -> Iterator[Work]:
    sizes = {facts.product: facts.pack_size for facts in about.products}
    for product, rows in _by_product(event.lines).items():
        yield from _lots(hold.pharmacy, product, rows, sizes[product], about)
        yield _not_recalled(product, rows)
    for row in event.lines:
        size = sizes[row.product]
        for number, code in enumerate(row.trace_codes):
            pack = PackFacts(
                code=code,
                pharmacy=hold.pharmacy,
                product=row.product,
                pack_size=size,
                lot=row.lot,
                expiry=row.expiry,
                region=hold.region,
            )
            quantity = min(size, row.quantity - number * size)
            scan = partial(trace_code.scan, supply_id=event.supply_id, pack=pack, quantity=quantity)
            second = Place(pharmacy=hold.pharmacy, region=hold.region, at=about.now)
            alarm = partial(trace_code.repeated, attempt=hold.hold_id, kind="sale", second=second)
            yield replace(_code(code, scan), alarm=alarm)
    for product, rows in _by_product(event.lines).items():  # after the codes: a repeated one is told
        parts, wholes = parts_of(rows, sizes[product]), wholes_of(rows, sizes[product])
        check = partial(check_parts, parts=parts, wholes=wholes, today=about.today, reason=_lot_reason(rows))
        yield _opened(hold.pharmacy, product, check)


def _lot_reason(rows: Iterable[PickedLine]) -> str | None:
    return next((row.lot_reason for row in rows if row.lot_reason), None)


def _lots(pharmacy: str, product: str, rows: list[PickedLine], size: int, about: Circumstances) -> Iterator[Work]:
    """Lots first expired first, beside what is taken out of packs that are open."""
    opened = [row for row in rows if any(part.key in about.opened for part in parts_of([row], size))]
    yield stock_work(
        pharmacy,
        product,
        partial(
            stock.check_picks,
            picks=_picks(row for row in rows if row not in opened),
            today=about.today,
            reason=_lot_reason(rows),
            lasts_until=about.lasts_until,
            from_opened=_picks(opened),
        ),
    )


def unscans(supply: Supply) -> Iterator[Work]:
    for row in supply.picked:
        for code in row.trace_codes:
            yield _code(code, partial(trace_code.unscan, supply_id=supply.supply_id))


def taken(supply: Supply, event: e.SupplyDispensed, about: Circumstances) -> Iterator[Work]:
    for product, rows in _by_product(event.lines).items():
        take = partial(
            stock.dispense, hold_id=event.hold_id, supply_id=event.supply_id, picks=_picks(rows), now=about.now
        )
        yield stock_work(supply.pharmacy, product, take)
        yield _not_recalled(product, rows)
        parts, wholes = parts_of(rows, rows[0].pack_size), wholes_of(rows, rows[0].pack_size)
        open_them = partial(
            take_parts,
            pharmacy=supply.pharmacy,
            product=product,
            supply_id=event.supply_id,
            parts=parts,
            wholes=wholes,
            today=about.today,
            policy=about.policy,
        )
        yield _opened(supply.pharmacy, product, open_them)
    for row in event.lines:
        for code in row.trace_codes:
            yield _code(code, partial(trace_code.sell, supply_id=event.supply_id, code=code, at=about.now))


def put_back(fulfilment_id: UUID, supply: Supply, about: Circumstances) -> Iterator[Work]:
    give_back = partial(stock.give_back, supply_id=supply.supply_id, now=about.now, fulfilment_id=fulfilment_id)
    for product, rows in _by_product(supply.lines).items():
        yield stock_work(supply.pharmacy, product, partial(give_back, picks=_picks(rows)))
        yield _opened(supply.pharmacy, product, partial(put_parts_back, supply_id=supply.supply_id))
    for row in supply.lines:
        for code in row.trace_codes:
            yield _code(code, partial(trace_code.free, supply_id=supply.supply_id))


def leaves(supply: Supply) -> Iterator[Work]:
    """What was dispensed before its lot was recalled goes to nobody while the recall is still on its way to it."""
    for product, rows in _by_product(supply.lines).items():
        yield _not_recalled(product, rows)


def _not_recalled(product: str, rows: Iterable[PickedLine | DispensedLine]) -> Work:
    """Also where the pharmacy's own books never had the lot."""
    return Work(recalled_ref(product), partial(none_recalled, lots=frozenset(row.lot for row in rows)))


def _by_product(rows: Iterable[PickedLine | DispensedLine]) -> dict[str, list[Any]]:
    grouped: dict[str, list[Any]] = {}
    for row in rows:
        grouped.setdefault(row.product, []).append(row)
    return grouped


def _picks(rows: Iterable[PickedLine | DispensedLine]) -> tuple[Pick, ...]:
    return tuple(Pick(lot=row.lot, expiry=row.expiry, quantity=row.quantity) for row in rows)
