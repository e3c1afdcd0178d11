"""What is done about packs that were on the shelf again when an excursion of their parcel was rejected: those that are
still there are set apart and sold no more; a supply that has one is stopped in the pharmacy or turned round on its way,
what of one waits in quarantine again stays there until it is destroyed, and a patient who has one is told, as a recall
of their lot would do it. All in the save of the decision.

Packs without a code cannot be told apart: what there is of their lot is set apart, as many as came back. Who was given
others of it is not asked for.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from services.dispatch.application.owners import written_off
from services.dispatch.application.parcel_goods import called_back
from services.dispatch.application.shelf import Circumstances, settle
from services.dispatch.application.stop_use import notice_of
from services.dispatch.application.work import Broken, Work, perform_all
from services.dispatch.domain import trace_code
from services.dispatch.domain.delivery.commands import AssessExcursion
from services.dispatch.domain.delivery.state import DeliveryState
from services.dispatch.domain.delivery.values import Pack
from services.dispatch.domain.fulfilment import recalling
from services.dispatch.domain.fulfilment.aggregate import FULFILMENTS
from services.dispatch.domain.fulfilment.state import FulfilmentState, Supply
from services.dispatch.domain.opened_packs import OPENED_PACKS, opened_packs_id, pack_key, set_rest_apart
from services.dispatch.domain.recall_notice import notice_of_sold_ref
from services.dispatch.domain.stock import quarantine
from services.dispatch.domain.stock.item import STOCK_ITEMS, stock_item_id
from services.dispatch.domain.trace_code import TRACE_CODES, TraceCodeState, trace_code_id
from services.dispatch.domain.trace_code_events import CodeDiscarded
from services.seedwork.model import DomainEvent, Loaded, Refusal, StreamRef
from services.seedwork.usecase import Change, Find, Load, Moment

Thinking = Generator[Any, Any, tuple[Change, ...] | Refusal]
Taken = Mapping[UUID, Sequence[Pack]]
"""Supplies that have packs of the parcel, or parts of them."""


def set_apart(state: DeliveryState, elsewhere: Mapping[str, str], command: AssessExcursion, moment: Moment) -> Thinking:
    """The changes of all that has to do with packs that were restocked; none where no pack was. `elsewhere`: codes that
    other regional stores own, and which."""
    packs = [state.packs[number] for number in state.with_verdict("restocked")]
    if not packs or state.created is None:
        return ()
    names = [pack.trace_code for pack in packs if pack.trace_code]
    loaded = (yield Load(tuple(TRACE_CODES.ref(trace_code_id(name)) for name in names))) if names else ()
    codes: dict[str, Loaded[TraceCodeState]] = dict(zip(names, loaded, strict=True))
    pharmacy = state.created.pharmacy
    taken: dict[UUID, list[Pack]] = {}
    for pack in packs:
        if pack.trace_code is not None:
            for supply_id in _taken_since(codes[pack.trace_code].state, state.returned_at, pharmacy):
                taken.setdefault(supply_id, []).append(pack)
    changes = yield from _stopped(state.created.delivery_id, taken, moment)
    if isinstance(changes, Refusal):
        return changes
    done = yield from _off_the_shelf(pharmacy, packs, codes, changes, command, moment.now)
    if isinstance(done, Refusal):  # pragma: no cover - as below
        return done
    return (yield from _owners_told(done, elsewhere, moment.now))


def _taken_since(state: TraceCodeState, since: datetime | None, pharmacy: str) -> Iterator[UUID]:
    """Supplies of the pharmacy that have the pack, or a part of it, or whose parcel waits with it in quarantine; not
    those of before it went on its way."""
    for supply_id in (*state.sold, *state.locked):
        sale = state.sales[supply_id]
        if sale.pharmacy == pharmacy and not (since and sale.at and sale.at < since):
            yield supply_id
    if state.scanned_by and state.pack and state.pack.pharmacy == pharmacy:
        yield state.scanned_by


def _stopped(delivery_id: UUID, taken: Taken, moment: Moment) -> Thinking:
    """What becomes of the supplies, fulfilment by fulfilment."""
    of_fulfilment: dict[UUID, list[UUID]] = {}
    for supply_id in taken:
        rows = yield Find("supplied_by", {"supply_id": supply_id})
        if not rows:
            return Refusal("delivery.just_taken", {"supply_id": str(supply_id)})
        of_fulfilment.setdefault(rows[0]["fulfilment_id"], []).append(supply_id)
    changes: list[Change] = []
    about = Circumstances.at(moment)
    for fulfilment_id, supplies in of_fulfilment.items():
        (fulfilment,) = yield Load.of(FULFILMENTS.ref(fulfilment_id))
        events: list[DomainEvent] = []
        for supply_id in supplies:
            after: FulfilmentState = fulfilment.after(events)
            supply = after.supplies[supply_id]
            events += _ended(after, supply, taken[supply_id][0].lot, about)
            changes += yield from _outside(delivery_id, after, supply, taken[supply_id], moment)
        if events:
            decision = yield from settle(fulfilment, events, about)
            if decision.refusal:  # pragma: no cover - what is in the pharmacy can be put back
                return decision.refusal
            changes += decision.changes
    return one_each(changes)


def _ended(state: FulfilmentState, supply: Supply, lot: str, about: Circumstances) -> list[DomainEvent]:
    """Of a supply that is still in the pharmacy."""
    if supply.status == "prepared":
        return recalling.revoke(state, supply.hold_id)
    return recalling.undo(state, supply, lot, about.now, about.policy)


def _outside(
    delivery_id: UUID, state: FulfilmentState, supply: Supply, packs: Iterable[Pack], moment: Moment
) -> Generator[Load, Any, Sequence[Change]]:
    """Of a supply that has left it, or came back and waits there."""
    if supply.status in {"with_courier", "undone"}:
        works = list(called_back([supply], "excursion_rejected", moment.now, moment.jurisdiction))
        turned = perform_all(works, (yield Load(tuple(work.ref for work in works))))
        return () if isinstance(turned, Broken) else turned
    of_lot = {(pack.product, pack.lot): pack for pack in packs if supply.patient_has(pack.product, pack.lot)}
    changes: list[Change] = []
    for (product, lot), pack in of_lot.items():
        (notice,) = yield Load.of(notice_of_sold_ref(delivery_id, supply.supply_id, product, lot))
        whose = {
            "patient_ref": state.patient_ref,
            "fulfilment_id": state.fulfilment_id,
            "supply_id": supply.supply_id,
            "pharmacy": supply.pharmacy,
        }
        changes.append(notice_of(notice, delivery_id, whose, pack, moment))
    return changes


def _off_the_shelf(
    pharmacy: str,
    packs: Sequence[Pack],
    codes: Mapping[str, Loaded[TraceCodeState]],
    before: Iterable[Change],
    command: AssessExcursion,
    now: datetime,
) -> Thinking:
    """What is there of the packs, and what has just been put back there."""
    products = sorted({pack.product for pack in packs})
    refs: list[StreamRef[Any]] = [STOCK_ITEMS.ref(stock_item_id(pharmacy, product)) for product in products]
    refs += [OPENED_PACKS.ref(opened_packs_id(pharmacy, product)) for product in products]
    so_far = {change.loaded.stream_id: change.events for change in before}
    known = [*codes.values(), *(yield Load(tuple(refs)))]
    current = [replace(each, state=each.after(so_far.get(each.stream_id, ()))) for each in known]
    codes_left = {name: each.state for name, each in zip(codes, current, strict=False)}
    left = {name: 0 if state.scanned_by else state.left for name, state in codes_left.items()}
    works = [work for pack in packs for work in _apart(pharmacy, pack, left, command, now)]
    done = perform_all(works, current)
    if isinstance(done, Broken):  # pragma: no cover - what is set aside for a supply is left out
        return done.refusal
    return one_each([*before, *done])


def _owners_told(changes: tuple[Change, ...], elsewhere: Mapping[str, str], now: datetime) -> Thinking:
    works: list[Work] = []
    for change in changes:
        for number, event in enumerate(change.events):
            if isinstance(event, CodeDiscarded):
                code: TraceCodeState = change.loaded.after(change.events[:number])
                store = elsewhere.get(code.pack.code) if code.pack else None
                works += written_off(code, event.quantity, store, now)
    told = perform_all(works, (yield Load(tuple(work.ref for work in works)))) if works else ()
    return told.refusal if isinstance(told, Broken) else (*changes, *told)


def _apart(
    pharmacy: str, pack: Pack, left: Mapping[str, int], command: AssessExcursion, now: datetime
) -> Iterator[Work]:
    quantity = pack.quantity
    if pack.trace_code is not None:
        quantity = left[pack.trace_code]
        discard = partial(trace_code.discard, code=pack.trace_code, by=command.assessed_by, trigger=trace_code.SPOILT)
        if not quantity:
            return
        yield Work(TRACE_CODES.ref(trace_code_id(pack.trace_code)), discard)
    item = STOCK_ITEMS.ref(stock_item_id(pharmacy, pack.product))
    set_aside = partial(quarantine.set_spoilt_apart, lot=pack.lot, quantity=quantity, by=command.assessed_by, now=now)
    yield Work(item, set_aside)
    opened = OPENED_PACKS.ref(opened_packs_id(pharmacy, pack.product))
    key = pack_key(pack.trace_code, pack.lot)
    yield Work(opened, partial(set_rest_apart, key=key, by=command.assessed_by, reason=command.reason))


def one_each(changes: Iterable[Change]) -> tuple[Change, ...]:
    """One change for each stream: what separate steps do to it, in their order."""
    loaded: dict[UUID, Loaded[Any]] = {}
    events: dict[UUID, tuple[DomainEvent, ...]] = {}
    for change in changes:
        stream_id = change.loaded.stream_id
        loaded.setdefault(stream_id, change.loaded)
        events[stream_id] = (*events.get(stream_id, ()), *change.events)
    return tuple(Change(loaded[stream_id], each) for stream_id, each in events.items())
