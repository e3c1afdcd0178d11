"""Whatever is received, given out, returned, counted, dated back, set apart and recalled, in any order.

No place of a lot is ever below nothing, on no day, and the books are what the movements say. Those are kept here
by hand.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid4

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from services.dispatch.domain.stock import booking, deadlines, item, quarantine
from services.dispatch.domain.stock.booking import AdjustStock, CountedLot, CountStock, ReceiveStock
from services.dispatch.domain.stock.events import Pick
from services.dispatch.domain.stock.item import STOCK_ITEMS
from services.dispatch.domain.stock.quarantine import DecideQuarantine, QuarantineStock
from services.dispatch.domain.stock.state import StockState
from services.seedwork.calendar import civil_day
from services.seedwork.model import DomainEvent, Outcome, Refusal

START = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
EXPIRIES = {"A": date(2026, 3, 9), "B": date(2029, 1, 1), "": date.max}
BACK_DAYS = 30
LOT = st.sampled_from(["B", "B", "A", ""])
QUANTITY = st.integers(1, 60)
BACK = st.sampled_from([0, 0, 2, 9, BACK_DAYS, BACK_DAYS + 1])
"""Few days, so that bookings meet on them."""


class Books(RuleBasedStateMachine):
    """One item, and beside it every movement as (day, lot, shelf, apart)."""

    def __init__(self) -> None:
        super().__init__()
        self.now = START
        self.state = StockState()
        self.events: list[DomainEvent] = []
        self.moved: list[tuple[date, str, int, int]] = []
        self.recalled: set[str] = set()
        self.holds: dict[UUID, int] = {}
        self.out: list[Pick] = []
        self.receive("B", 40, 0)
        self.receive("B", 40, 9)

    def on_shelf(self, lot: str, until: date = date.max) -> int:
        return sum(shelf for day, name, shelf, _ in self.moved if name == lot and day <= until)

    def apart(self, lot: str) -> int:
        return sum(change for _, name, _, change in self.moved if name == lot)

    def take(self, outcome: Outcome, *moved: tuple[date, str, int, int]) -> bool:
        """Keeps what was decided; the movements count only where it was not refused."""
        if isinstance(outcome, Refusal):
            return False
        self.events += outcome
        self.state = STOCK_ITEMS.fold(outcome, self.state)
        self.moved += moved
        return True

    @property
    def today(self) -> date:
        return civil_day(self.now)

    def dated(self, back: int) -> datetime | None:
        at = booking.dated(self.now - timedelta(days=back), self.now, BACK_DAYS)
        if isinstance(at, Refusal):
            assert back > BACK_DAYS
            return None
        return at

    @rule(lot=LOT, quantity=QUANTITY, back=BACK)
    def receiving(self, lot: str, quantity: int, back: int) -> None:
        self.receive(lot, quantity, back)

    def receive(self, lot: str, quantity: int, back: int) -> None:
        at = self.dated(back)
        if at:
            command = ReceiveStock(
                pharmacy="P",
                product="X",
                drug_key="k",
                region="r",
                pack_size=20,
                lot=lot,
                expiry=EXPIRIES[lot],
                quantity=quantity,
                unit_price=1,
                occurred_at=at,
            )
            done = self.take(booking.receive(self.state, command, self.today), (civil_day(at), lot, quantity, 0))
            assert done == (lot not in self.recalled and EXPIRIES[lot] >= self.today)

    @rule(quantity=QUANTITY, seen=st.booleans())
    def reserve(self, quantity: int, seen: bool) -> None:
        hold = uuid4()
        good = (lot for lot, expiry in EXPIRIES.items() if lot not in self.recalled and expiry >= self.today)
        free = sum(map(self.on_shelf, good)) - sum(self.holds.values())
        done = self.take(item.reserve(self.state, hold, quantity, self.today, packs_seen=seen))
        assert done == (seen or quantity <= free)
        if done:
            self.holds[hold] = quantity

    @rule(quantity=QUANTITY, which=st.integers(0, 3))
    def free(self, quantity: int, which: int) -> None:
        for hold in list(self.holds)[which : which + 1]:
            self.take(item.free(self.state, hold, quantity))
            self.used(hold, quantity)

    def used(self, hold: UUID, quantity: int) -> None:
        self.holds[hold] -= min(quantity, self.holds[hold])
        if not self.holds[hold]:
            del self.holds[hold]

    @rule(which=st.integers(0, 3), lot=LOT, quantity=QUANTITY)
    def dispense(self, which: int, lot: str, quantity: int) -> None:
        """Scanned packs: also more than the books have, and also where nobody reserved so much."""
        for hold in list(self.holds)[which : which + 1]:
            picks = (Pick(lot=lot, expiry=EXPIRIES[lot], quantity=quantity),)
            checked = item.check_picks(self.state, picks, self.today, "looked at")
            assert isinstance(checked, Refusal) == (lot in self.recalled or EXPIRIES[lot] < self.today)
            if not isinstance(checked, Refusal):
                found = max(0, quantity - self.on_shelf(lot))
                counted = [(self.today, lot, found, 0)] if found else []
                done = item.dispense(self.state, hold, uuid4(), picks, self.now)
                self.take(done, *counted, (self.today, lot, -quantity, 0))
                self.used(hold, quantity)
                self.out += picks

    @rule(apart=st.booleans())
    def give_back(self, apart: bool) -> None:
        if self.out:
            pick = self.out.pop()
            away = apart or pick.lot in self.recalled or pick.expiry < self.today
            moved = (self.today, pick.lot, 0 if away else pick.quantity, pick.quantity if away else 0)
            self.take(item.give_back(self.state, uuid4(), (pick,), self.now, apart=apart), moved)

    @rule(
        lot=LOT, change=st.integers(-60, 30).filter(bool), quantity=st.integers(0, 80), back=BACK, counted=st.booleans()
    )
    def correct(self, lot: str, change: int, quantity: int, back: int, counted: bool) -> None:
        at = self.dated(back)
        if at and counted:
            self.count(lot, quantity, at)
        elif at:
            command = AdjustStock(lot=lot, change=change, reason="booking_error", adjusted_by="x", occurred_at=at)
            done = self.take(booking.adjust(self.state, command), (civil_day(at), lot, change, 0))
            assert done or change < 0 or lot not in self.state.lots

    def count(self, lot: str, quantity: int, at: datetime) -> None:
        found = CountedLot(lot=lot, expiry=EXPIRIES[lot], quantity=quantity)
        command = CountStock(lots=(found,), counted_by="x", occurred_at=at)
        difference = quantity - self.on_shelf(lot, civil_day(at))
        done = self.take(booking.count(self.state, command), (civil_day(at), lot, difference, 0))
        assert done or difference < 0
        if done:
            assert self.on_shelf(lot, civil_day(at)) == quantity

    @rule(lot=LOT, quantity=QUANTITY)
    def set_apart(self, lot: str, quantity: int) -> None:
        command = QuarantineStock(lot=lot, quantity=quantity, reason="suspect", decided_by="x")
        outcome = quarantine.quarantine(self.state, command, self.now)
        assert self.take(outcome, (self.today, lot, -quantity, quantity)) == (
            lot in self.state.lots and quantity <= self.on_shelf_before(lot, quantity, outcome)
        )

    def on_shelf_before(self, lot: str, quantity: int, outcome: Outcome) -> int:
        return self.on_shelf(lot) + (0 if isinstance(outcome, Refusal) else quantity)

    @rule(lot=LOT, quantity=QUANTITY, back=st.booleans())
    def decide(self, lot: str, quantity: int, back: bool) -> None:
        command = DecideQuarantine(lot=lot, quantity=quantity, reason="r", decided_by="q")
        if back:
            done = self.take(quarantine.release(self.state, command, self.now), (self.today, lot, quantity, -quantity))
            assert not done or (lot not in self.recalled and EXPIRIES[lot] >= self.today)
        else:
            self.take(quarantine.destroy(self.state, command, self.now), (self.today, lot, 0, -quantity))

    @rule(lot=LOT)
    def recall(self, lot: str) -> None:
        if lot in self.state.lots:
            quantity = self.on_shelf(lot)
            withdrawn = quarantine.withdraw(self.state, uuid4(), (lot,), self.now)
            self.take(withdrawn, (self.today, lot, -quantity, quantity))
            self.recalled.add(lot)

    @rule(days=st.sampled_from([1, 8, 40]))
    def wait(self, days: int) -> None:
        self.now += timedelta(days=days)
        gone = {lot: self.on_shelf(lot) for lot, expiry in EXPIRIES.items() if expiry < self.today}
        self.take(
            deadlines.expire(self.state, self.now),
            *((self.today, lot, -quantity, quantity) for lot, quantity in gone.items() if quantity),
        )

    @invariant()
    def the_books_are_their_movements(self) -> None:
        assert {lot for _, lot, _, _ in self.moved} <= self.state.lots.keys()
        for name, lot in self.state.lots.items():
            assert (lot.on_hand, lot.quarantined) == (self.on_shelf(name), self.apart(name))
            assert lot.recalled == (name in self.recalled)
        assert self.state.reserved == self.holds

    @invariant()
    def no_place_is_ever_below_nothing(self) -> None:
        assert all(quantity > 0 for quantity in self.state.reserved.values())
        per_day: dict[tuple[str, date], int] = defaultdict(int)
        for day, lot, shelf, _ in self.moved:
            per_day[lot, day] += shelf
        for name, books in self.state.lots.items():
            assert books.quarantined >= 0
            level = 0
            for day in sorted(day for other, day in per_day if other == name):
                level += per_day[name, day]
                assert level >= 0, (name, day)

    @invariant()
    def a_level_is_told_or_due(self) -> None:
        due = STOCK_ITEMS.next_due(self.state)
        assert ("level" in due) == (bool(self.state.product) and self.state.level != self.state.published)

    @rule()
    def publish(self) -> None:
        told = deadlines.publish(self.state, self.now)
        self.now += timedelta(seconds=1)
        self.take(list(told))

    def teardown(self) -> None:
        """From the first event on, and as it was stored."""
        stored = [type(event).model_validate_json(event.model_dump_json()) for event in self.events]
        assert STOCK_ITEMS.fold(stored) == self.state


TestBooks = Books.TestCase
TestBooks.settings = settings(max_examples=100, stateful_step_count=30, deadline=None)
