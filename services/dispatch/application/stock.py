"""Stock of a pharmacy: goods received, books corrected and counted, packs set apart and decided about."""

from __future__ import annotations

from collections.abc import Callable, Generator
from datetime import date, datetime
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

from pydantic import Field

from services.dispatch.application.registers import (
    admitted_pharmacy,
    drug_refs,
    not_serving,
    person_ref,
    pharmacy_ref,
    product_facts,
)
from services.dispatch.domain.policy import POLICIES, Policy
from services.dispatch.domain.recall import RecalledState, none_recalled, recalled_ref
from services.dispatch.domain.stock import booking, deadlines, item, quarantine
from services.dispatch.domain.stock.booking import AdjustStock, CountStock, ReceiveStock, dated
from services.dispatch.domain.stock.events import NO_EXPIRY, UNNAMED_LOT
from services.dispatch.domain.stock.item import STOCK_ITEMS, earmarked, stock_item_id
from services.dispatch.domain.stock.quarantine import DecideQuarantine, QuarantineStock
from services.dispatch.domain.stock.state import StockState
from services.dispatch.domain.values import LOT_LENGTH_MAX
from services.seedwork.calendar import civil_day
from services.seedwork.composition import TimerCommand
from services.seedwork.model import Command, DomainEvent, Loaded, Outcome, Refusal
from services.seedwork.reference import EntryState
from services.seedwork.usecase import Answer, Decision, Load, Moment, UseCase

Thinking = Generator[Load, Any, Decision]
QUALITY = {"quality_manager"}
"""The profession that decides about packs set apart (质量负责人, 药品经营质量管理规范 第20条)."""
Dated = TypeVar("Dated", AdjustStock, CountStock)


class Receipt(Command):
    """Goods as they come in: base units, fen per pack."""

    pharmacy: str
    product: str
    lot: str = Field(default=UNNAMED_LOT, max_length=LOT_LENGTH_MAX)
    expiry: date = NO_EXPIRY
    quantity: int = Field(gt=0)
    unit_price: int = Field(ge=0)
    occurred_at: datetime | None = None


def stock_view(state: StockState, today: date) -> dict[str, Any]:
    """One item; a lot's `reserved` is what reservations will take of it, first expired first."""
    level, taken = state.level, earmarked(state, today)
    return {
        "pharmacy": state.pharmacy,
        "product": state.product,
        "drug_key": state.drug_key,
        "on_hand": level.on_hand,
        "reserved": level.reserved,
        "quarantined": level.quarantined,
        "available": state.available(today),
        "pack_size": state.pack_size,
        "unit_price": state.unit_price,
        "source": state.source,
        "lots": [
            {
                "lot": name,
                "expiry": None if lot.expiry == NO_EXPIRY else lot.expiry.isoformat(),
                "on_hand": lot.on_hand,
                "reserved": taken.get(name, 0),
                "quarantined": lot.quarantined,
                "recalled": lot.recalled,
            }
            for name, lot in sorted(state.lots.items(), key=lambda row: (row[1].expiry, row[0]))
        ],
    }


def receive_stock(command: Receipt) -> UseCase:
    """Book goods in, with the price the pharmacy asks from now on."""

    def decide(
        moment: Moment,
        shelf: Loaded[StockState],
        recalled: Loaded[RecalledState],
        pharmacy: Loaded[EntryState],
        drug: Loaded[EntryState],
    ) -> Decision:
        outcome = none_recalled(recalled.state, frozenset({command.lot}))
        if not isinstance(outcome, Refusal):
            outcome = received(moment, shelf.state, command, pharmacy.state, drug)
        return _decided(shelf, outcome, moment)

    streams = (STOCK_ITEMS.ref(stock_item_id(command.pharmacy, command.product)), recalled_ref(command.product))
    return UseCase(streams, decide, relaxed=(pharmacy_ref(command.pharmacy), *drug_refs([command.product])))


def received(
    moment: Moment, shelf: StockState, command: Receipt, pharmacy: EntryState, drug: Loaded[EntryState]
) -> Outcome:
    """What a receipt does to a shelf: the pharmacy admitted, the product in the register, the moment within limits."""
    place = admitted_pharmacy(pharmacy, moment)
    if isinstance(place, Refusal):
        return place
    facts = product_facts([drug])
    if not facts:
        return Refusal("product.unknown", {"product": command.product})
    policy = policy_at(moment)
    at = dated(command.occurred_at, moment.now, policy.stock_back_dating_days)
    if isinstance(at, Refusal):
        return at
    wanted = ReceiveStock(
        drug_key=facts[0].drug_key,
        pack_size=facts[0].pack_size,
        region=place.region,
        warn_on=warning_day(command.expiry, policy),
        **{**dict(command), "occurred_at": at},
    )
    return item.receive(shelf, wanted, civil_day(moment.now))


def policy_at(moment: Moment) -> Policy:
    """The limits that hold here today."""
    return POLICIES.on(civil_day(moment.now), moment.jurisdiction)


def warning_day(expiry: date, policy: Policy) -> date | None:
    """When the pharmacy is told that a lot expires soon."""
    day = expiry.toordinal() - policy.expiry_warning_days
    return None if expiry == NO_EXPIRY else date.fromordinal(max(date.min.toordinal(), day))


def adjust_stock(pharmacy: str, product: str, command: AdjustStock) -> UseCase:
    """Correct the books of one lot, with a reason."""

    def decide(moment: Moment, shelf: Loaded[StockState]) -> Decision:
        return _decided(shelf, _booked(moment, shelf, product, command, booking.adjust), moment)

    return UseCase((STOCK_ITEMS.ref(stock_item_id(pharmacy, product)),), decide)


def count_stock(pharmacy: str, product: str, command: CountStock) -> UseCase:
    """Book what people found on the shelf; each lot's difference is told apart. What is recalled is set apart at once:
    the recall may have passed this shelf before the lot was known on it."""

    def decide(moment: Moment, shelf: Loaded[StockState], recalled: Loaded[RecalledState]) -> Decision:
        counted = partial(booking.count, recalled=recalled.state.lots)
        outcome = _booked(moment, shelf, product, command, counted)
        if isinstance(outcome, Refusal):
            return Decision.refused(outcome)
        events, found = list(outcome), shelf.after(outcome)
        for row in command.lots:
            if row.lot in recalled.state.by_lot:
                events += quarantine.withdraw(found, recalled.state.by_lot[row.lot], (row.lot,), moment.now)
        return _decided(shelf, events, moment)

    return UseCase((STOCK_ITEMS.ref(stock_item_id(pharmacy, product)), recalled_ref(product)), decide)


def _booked(
    moment: Moment,
    shelf: Loaded[StockState],
    product: str,
    command: Dated,
    book: Callable[[StockState, Dated], Outcome],
) -> Outcome:
    at = dated(command.occurred_at, moment.now, policy_at(moment).stock_back_dating_days)
    if isinstance(at, Refusal):
        return at
    if not shelf.exists:
        return Refusal("stock.unknown", {"product": product})
    return book(shelf.state, command.model_copy(update={"occurred_at": at}))


def quarantine_stock(pharmacy: str, product: str, command: QuarantineStock) -> UseCase:
    """Set packs apart: nobody gives them out until the quality manager has decided."""

    def decide(moment: Moment, shelf: Loaded[StockState]) -> Decision:
        return _decided(shelf, quarantine.quarantine(shelf.state, command, moment.now), moment)

    return UseCase((STOCK_ITEMS.ref(stock_item_id(pharmacy, product)),), decide)


def release_quarantine(pharmacy: str, product: str, command: DecideQuarantine) -> UseCase:
    """The quality manager puts packs back on the shelf."""
    return _decided_by_quality(pharmacy, product, command, quarantine.release)


def destroy_quarantine(pharmacy: str, product: str, command: DecideQuarantine) -> UseCase:
    """The quality manager has packs destroyed."""
    return _decided_by_quality(pharmacy, product, command, quarantine.destroy)


def _decided_by_quality(
    pharmacy: str,
    product: str,
    command: DecideQuarantine,
    step: Callable[[StockState, DecideQuarantine, datetime], Outcome],
) -> UseCase:
    def decide(
        moment: Moment, shelf: Loaded[StockState], place: Loaded[EntryState], person: Loaded[EntryState]
    ) -> Decision:
        refused = not_serving(place.state, person.state, moment, pharmacy, QUALITY)
        if refused:
            return Decision.refused(refused)
        return _decided(shelf, step(shelf.state, command, moment.now), moment)

    streams = (STOCK_ITEMS.ref(stock_item_id(pharmacy, product)),)
    return UseCase(streams, decide, relaxed=(pharmacy_ref(pharmacy), person_ref(command.decided_by)))


def _decided(shelf: Loaded[StockState], outcome: Outcome, moment: Moment) -> Decision:
    if isinstance(outcome, Refusal):
        return Decision.refused(outcome)
    return Decision.on(shelf, outcome, Answer(200, stock_view(shelf.after(outcome), civil_day(moment.now))))


def _on_time(due: Callable[[StockState, datetime], list[DomainEvent]]) -> TimerCommand:
    def use_case(stock_item: UUID) -> UseCase:
        def decide(moment: Moment, shelf: Loaded[StockState]) -> Decision:
            return Decision.on(shelf, due(shelf.state, moment.now))

        return UseCase((STOCK_ITEMS.ref(stock_item),), decide)

    return use_case


TIMERS: dict[tuple[str, str], TimerCommand] = {
    (STOCK_ITEMS.name, "level"): _on_time(deadlines.publish),
    (STOCK_ITEMS.name, "expiry"): _on_time(deadlines.expire),
    (STOCK_ITEMS.name, "expiry_warning"): _on_time(deadlines.warn),
}
