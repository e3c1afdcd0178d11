"""What must hold of packs that leave the shelf with a supply and come back from it; see `invariants`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any
from uuid import UUID

from rxflow.simulation.books import Books, Stream
from services.dispatch.domain.delivery.events import ReturnInspected
from services.dispatch.domain.delivery.state import DELIVERIES
from services.dispatch.domain.fulfilment import events as fulfilled
from services.dispatch.domain.fulfilment.aggregate import FULFILMENTS
from services.dispatch.domain.fulfilment.return_events import SupplyUndone
from services.dispatch.domain.recall import RECALLS, RecallLoaded
from services.dispatch.domain.stock import events as stocked
from services.dispatch.domain.stock.item import STOCK_ITEMS

Quantities = Counter[tuple[UUID, str]]
"""Base units, by supply and product."""
SHELF, APART = "restocked", "quarantined"


def shelves_follow_the_supplies(dispatch: Books) -> Iterator[str]:
    """A shelf gives each supply what it dispensed and gets back what came back of it: on the shelf nothing that was to
    be set apart, lost or destroyed, and nothing that a patient had."""
    given, shelved, apart = _by_the_shelves(dispatch)
    dispensed, back = _by_the_supplies(dispatch)
    for key in given.keys() | dispensed.keys():
        if given[key] != dispensed[key]:
            yield f"supply {key[0]} dispensed {dispensed[key]} of {key[1]}, the shelf gave {given[key]}"
    kept = Counter({key: back[SHELF][key] + back[APART][key] for key in back[SHELF].keys() | back[APART].keys()})
    for key in shelved.keys() | apart.keys() | kept.keys():
        # what has expired or was recalled meanwhile is set apart, though it is sound
        if shelved[key] > back[SHELF][key] or shelved[key] + apart[key] != kept[key]:
            found = f"{shelved[key]} went on the shelf and {apart[key]} apart"
            yield f"supply {key[0]}: {back[SHELF][key]} of {key[1]} came back sound, {back[APART][key]} not; {found}"


def recalled_stays(dispatch: Books) -> Iterator[str]:
    """From the save of a recall on, nothing of its lots is set aside for a patient, checked, received or released."""
    since = _recalled(dispatch)
    for stream in (*dispatch.of(FULFILMENTS), *dispatch.of(STOCK_ITEMS)) if since else ():
        for event, position in zip(stream.events, stream.positions, strict=True):
            for name in _moved_on(stream, event):
                if position > since.get(name, position):
                    yield f"{type(event).__name__} of lot {name[1]} of {name[0]}, which was recalled before"


def recalled_is_off_the_shelves(dispatch: Books) -> Iterator[str]:
    """When the clock has passed every deadline, no shelf has anything of a recalled lot."""
    recalled = _recalled(dispatch)
    for stock in dispatch.states(STOCK_ITEMS):
        for name, lot in stock.lots.items():
            if lot.on_hand and (stock.product, name) in recalled:
                yield f"{stock.pharmacy} has {lot.on_hand} of the recalled lot {name} of {stock.product} on its shelf"


def _recalled(dispatch: Books) -> dict[tuple[str, str], int]:
    """Product and lot, and where the first recall of it stands in the store."""
    since: dict[tuple[str, str], int] = {}
    for stream in dispatch.of(RECALLS):
        for event, position in zip(stream.events, stream.positions, strict=True):
            if isinstance(event, RecallLoaded):
                for lot in event.lots:
                    since[event.product, lot] = min(position, since.get((event.product, lot), position))
    return since


def _moved_on(stream: Stream, event: Any) -> list[tuple[str, str]]:
    """Products and lots that an event brings nearer to a patient."""
    match event:
        case fulfilled.SupplyPrepared(lines=lines) | fulfilled.SupplyDispensed(lines=lines):
            return [(row.product, row.lot) for row in lines]
        case stocked.StockReceived(lot=lot, product=product):
            return [(product, lot)]
        case stocked.QuarantineReleased(lot=lot):
            return [(stream.state.product, lot)]
    return []


def _by_the_shelves(dispatch: Books) -> tuple[Quantities, Quantities, Quantities]:
    given: Quantities = Counter()
    shelved: Quantities = Counter()
    apart: Quantities = Counter()
    for stream in dispatch.of(STOCK_ITEMS):
        product = stream.state.product
        for event in stream.events:
            match event:
                case stocked.StockDispensed(supply_id=supply_id, picks=picks):
                    given[supply_id, product] += sum(pick.quantity for pick in picks)
                case stocked.StockReturned(supply_id=supply_id, picks=picks, quarantined=quarantined):
                    place = apart if quarantined else shelved
                    place[supply_id, product] += sum(pick.quantity for pick in picks)
    return given, shelved, apart


def _by_the_supplies(dispatch: Books) -> tuple[Quantities, dict[str, Quantities]]:
    dispensed: Quantities = Counter()
    back: dict[str, Quantities] = {SHELF: Counter(), APART: Counter()}
    for stream in dispatch.of(FULFILMENTS):
        for event in stream.events:
            match event:
                case fulfilled.SupplyDispensed(supply_id=supply_id, lines=lines):
                    for row in lines:
                        dispensed[supply_id, row.product] += row.quantity
                case SupplyUndone(supply_id=supply_id, packs=packs) if packs:
                    for pack in packs:
                        if pack.disposition in back:
                            back[pack.disposition][supply_id, pack.product] += pack.quantity
                case SupplyUndone(supply_id=supply_id):
                    for row in stream.state.supplies[supply_id].lines:
                        back[SHELF][supply_id, row.product] += row.quantity
    for stream in dispatch.of(DELIVERIES):
        for event in stream.events:
            if isinstance(event, ReturnInspected) and event.found_again:
                supply_id = stream.state.created.supply_id
                for each in event.verdicts:
                    if each.verdict == APART:
                        pack = stream.state.packs[each.pack]
                        back[APART][supply_id, pack.product] += pack.quantity
    return dispensed, back
