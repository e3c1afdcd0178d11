"""Opened packs (拆零) of a pharmacy: what is left of them, and throwing away what may not be given out any more."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from dataclasses import replace
from datetime import date
from typing import Any

from services.dispatch.application.owners import written_off
from services.dispatch.application.work import Broken, perform_all
from services.dispatch.domain import trace_code
from services.dispatch.domain.opened_packs import (
    OPENED_PACKS,
    DiscardOpenedPack,
    OpenedState,
    PackDiscarded,
    discard,
    opened_packs_id,
)
from services.dispatch.domain.regional_stores import ONE_STORE, RegionalStores
from services.dispatch.domain.stock import booking
from services.dispatch.domain.stock.booking import AdjustStock
from services.dispatch.domain.stock.item import STOCK_ITEMS, stock_item_id
from services.dispatch.domain.stock.state import StockState
from services.dispatch.domain.trace_code import TRACE_CODES, TraceCodeState, trace_code_id
from services.seedwork.calendar import civil_day
from services.seedwork.model import Loaded, Outcome, Refusal
from services.seedwork.usecase import Answer, Decision, Load, Moment, UseCase


def opened_view(state: OpenedState, today: date) -> list[dict[str, Any]]:
    """Those that are not empty; `good` while parts of them may be given out."""
    good = state.open_on(today)
    return [
        {
            "key": key,
            "lot": pack.lot,
            "expiry": pack.expiry.isoformat(),
            "use_by": pack.use_by.isoformat(),
            "pack_size": pack.pack_size,
            "remaining": pack.remaining,
            "good": key in good,
        }
        for key, pack in sorted(state.packs.items())
        if pack.remaining
    ]


def discard_opened_pack(
    pharmacy: str, product: str, command: DiscardOpenedPack, stores: RegionalStores = ONE_STORE
) -> UseCase:
    """Throw away what is left; the books of its lot say so in the same save, and its code sells nothing more of it,
    here or, once its owner is told, anywhere.

    What was set apart with its lot (expired, recalled) is off the shelf already: the quality manager has it destroyed.
    """

    def decide(
        moment: Moment, opened: Loaded[OpenedState], shelf: Loaded[StockState], code: Loaded[TraceCodeState]
    ) -> Generator[Load, Any, Decision]:
        discarded = discard(opened.state, command)
        if isinstance(discarded, Refusal):
            return Decision.refused(discarded)
        corrected = _off_the_shelf(shelf.state, opened.state.packs[command.key].lot, discarded, command, moment)
        if isinstance(corrected, Refusal):
            return Decision.refused(corrected)
        spent = trace_code.discard(code.state, command.key, command.discarded_by)
        if isinstance(spent, Refusal):
            return Decision.refused(spent)
        left = opened_view(opened.after(discarded), civil_day(moment.now))
        decision = Decision.on(opened, list(discarded), Answer(200, {"items": left}))
        decision = decision.and_also(shelf, corrected).and_also(code, spent)
        left_over = code.state.left if spent else 0
        works = list(written_off(code.state, left_over, stores.elsewhere(command.key), moment.now))
        told = perform_all(works, (yield Load(tuple(work.ref for work in works)))) if works else ()
        if isinstance(told, Broken):  # pragma: no cover - what is told is not refused
            return Decision.refused(told.refusal)
        return replace(decision, changes=(*decision.changes, *told))

    streams = (
        OPENED_PACKS.ref(opened_packs_id(pharmacy, product)),
        STOCK_ITEMS.ref(stock_item_id(pharmacy, product)),
        TRACE_CODES.ref(trace_code_id(command.key)),  # of goods without codes there is none, and nothing happens to it
    )
    return UseCase(streams, decide)


def _off_the_shelf(
    shelf: StockState, name: str, discarded: Iterable[PackDiscarded], command: DiscardOpenedPack, moment: Moment
) -> Outcome:
    quantity = sum(each.quantity for each in discarded)
    lot = shelf.lots.get(name)
    if lot and lot.on_hand < quantity <= lot.quarantined:
        return []
    change = AdjustStock(
        lot=name,
        change=-quantity,
        reason="discarded",
        note=command.reason,
        adjusted_by=command.discarded_by,
        occurred_at=moment.now,
    )
    return booking.adjust(shelf, change)
