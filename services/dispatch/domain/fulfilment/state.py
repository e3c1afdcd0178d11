"""The state of a fulfilment, its holds and supplies. Frozen; evolve makes new ones."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from uuid import UUID

from services.dispatch.domain.fulfilment.proposal import Proposal
from services.dispatch.domain.values import (
    Bucket,
    CancelDecision,
    Designation,
    DispensedLine,
    HeldLine,
    Offer,
    OpenedLine,
    PartOfSupply,
    PickedLine,
    Way,
)
from services.seedwork.transitions import NOT_YET

NOBODY = UUID(int=0)
NEVER = datetime.min.replace(tzinfo=UTC)

UNFINISHED = (Bucket.REMAINING, Bucket.HELD, Bucket.DISPENSED, Bucket.REPLACEABLE)
"""While one of these holds something, the fulfilment is not over."""


@dataclass(frozen=True)
class Buckets:
    """Where the prescribed quantity of one line is."""

    prescribed: int
    remaining: int
    held: int = 0
    dispensed: int = 0
    in_hands: int = 0
    replaceable: int = 0
    cancelled: int = 0
    lapsed: int = 0

    def moved(self, source: Bucket, target: Bucket, quantity: int) -> Buckets:
        """The same total, with a quantity in another bucket."""
        amounts = {source.value: self.of(source) - quantity, target.value: self.of(target) + quantity}
        return replace(self, **amounts)

    def of(self, bucket: Bucket) -> int:
        quantity: int = getattr(self, bucket.value)
        return quantity

    @property
    def balanced(self) -> bool:
        """The identity that holds after every event."""
        quantities = [self.of(bucket) for bucket in Bucket]
        return sum(quantities) == self.prescribed and min(quantities) >= 0

    @property
    def finished(self) -> bool:
        return not any(self.of(bucket) for bucket in UNFINISHED)


@dataclass(frozen=True)
class LineState:
    """One line: what was opened and where it is."""

    content: OpenedLine
    buckets: Buckets


@dataclass(frozen=True)
class Hold:
    """A pharmacy's exclusive claim on quantities. `ended` keeps how; `used` means that its supply was dispensed."""

    hold_id: UUID
    pharmacy: str
    region: str
    way: Way
    lines: tuple[HeldLine, ...]
    designations: tuple[Designation, ...]
    self_pay_only: bool
    expires_at: datetime
    held_by: str
    kind: str = "normal"
    replaces: UUID | None = None
    status: str = "active"
    reviewer: str | None = None
    how: str | None = None
    offers: tuple[Offer, ...] = ()
    right: str = "token"

    @property
    def running(self) -> bool:
        return self.status in {"active", "accepted"}

    def lets_read(self, now: datetime) -> bool:
        """While it runs, and once its supply was dispensed; a hold that ended without one leaves nothing to read."""
        return self.status == "used" or (self.running and now < self.expires_at)

    def held(self, line: int) -> int:
        return sum(row.quantity for row in self.lines if row.line == line)


@dataclass(frozen=True)
class Supply:
    """What one pharmacy gives under one hold."""

    supply_id: UUID
    hold_id: UUID
    pharmacy: str
    way: Way
    preparer: str
    picked: tuple[PickedLine, ...]
    status: str = "prepared"
    fill_no: int = 0
    checker: str | None = None
    lines: tuple[DispensedLine, ...] = ()
    collect_by: datetime = NEVER
    attempt: int = 0
    claim: str | None = None
    patient_share: int | None = None
    payment: str | None = None
    fee_payment: str | None = None
    """Of the delivery fee, where there is one."""
    delivery_id: UUID | None = None
    irregularities: tuple[str, ...] = ()
    received: Mapping[int, int] = field(default_factory=dict)
    """What the patient was given of it, per line."""
    disposition: str | None = None
    decide_by: datetime | None = None
    taken_back: Mapping[int, int] = field(default_factory=dict)
    """What of that the patient brought back, per line."""
    elsewhere: Mapping[str, str] = field(default_factory=dict)
    """Of its trace codes, those that other regional stores own, and which."""
    codes_undecided: tuple[str, ...] = ()
    """Of those, what was dispensed without their owners' word."""
    codes_repeated: tuple[str, ...] = ()
    """Of those, what their owners do not let it have."""

    @property
    def cleared(self) -> bool:
        """Insurance and the patient's payment stand behind it."""
        return self.claim == "cleared"

    def quantity(self, line: int) -> int:
        """In prescribed units."""
        return sum(row.counted for row in self.lines if row.line == line)

    def outstanding(self, line: int) -> int:
        """What of it the patient does not have."""
        return self.quantity(line) - self.received.get(line, 0)

    @property
    def line_numbers(self) -> tuple[int, ...]:
        return tuple(sorted({row.line for row in self.lines}))

    @property
    def with_patient(self) -> tuple[int, ...]:
        """Lines of which the patient has something, and has not brought it back."""
        return tuple(line for line in self.line_numbers if self.received.get(line, 0) > self.taken_back.get(line, 0))

    def patient_has(self, product: str, lot: str) -> bool:
        """Whether the patient may have packs of this lot: which ones were brought back of a line is not asked here."""
        return any((row.product, row.lot) == (product, lot) and row.line in self.with_patient for row in self.lines)


@dataclass(frozen=True)
class Cancellation:
    """A cancellation request as answered so far; `awaiting` names supplies with a courier, `awaited` what of them."""

    request_id: UUID
    lines: tuple[CancelDecision, ...]
    awaiting: tuple[UUID, ...]
    final: bool
    awaited: tuple[PartOfSupply, ...] = ()

    def wants(self, supply_id: UUID, line: int) -> int:
        """What of a supply with a courier is to be cancelled when it comes back."""
        return sum(row.quantity for row in self.awaited if (row.supply_id, row.line) == (supply_id, line))


@dataclass(frozen=True)
class Replaceable:
    """What came back of one supply, and who may supply it again until when."""

    pharmacy: str
    until: datetime
    lines: Mapping[int, int]

    def changed(self, line: int, by: int) -> Replaceable:
        return replace(self, lines={**self.lines, line: self.lines.get(line, 0) + by})

    @property
    def rest(self) -> Mapping[int, int]:
        return {line: quantity for line, quantity in self.lines.items() if quantity}


@dataclass(frozen=True)
class FulfilmentState:
    """One instalment of one prescription over all pharmacies."""

    status: str = NOT_YET
    fulfilment_id: UUID = NOBODY
    prescription_id: UUID = NOBODY
    patient_ref: UUID = NOBODY
    instalment: int = 0
    instalments: int = 0
    prescription_revision: int = 0
    insurance_intent: str = ""
    opens_at: datetime = NEVER
    closes_at: datetime = NEVER
    token_issue: int = 0
    fills: int = 0
    lines: Mapping[int, LineState] = field(default_factory=dict)
    holds: Mapping[UUID, Hold] = field(default_factory=dict)
    supplies: Mapping[UUID, Supply] = field(default_factory=dict)
    cancellations: Mapping[UUID, Cancellation] = field(default_factory=dict)
    blocks: Mapping[UUID, tuple[int, ...]] = field(default_factory=dict)
    replaceables: Mapping[UUID, Replaceable] = field(default_factory=dict)
    """By the supply that came back."""
    cancelled_late: Mapping[int, int] = field(default_factory=dict)
    """What was cancelled of what the patient brought back, per line."""
    proposals: Mapping[UUID, Proposal] = field(default_factory=dict)
    notices: frozenset[tuple[str, int]] = frozenset()
    """Pharmacies and lines whose patient wants to be told."""
    outcome: str | None = None
    nominated_pharmacy: str | None = None
    """May hold without the patient's code, by the patient's word."""
    online_notice: str | None = None
    """The version of the risk notice that the patient has confirmed, by real name."""

    @property
    def free_bucket(self) -> Bucket:
        """Where freed quantity goes: to anybody while open, nowhere once validity is over."""
        return Bucket.REMAINING if self.status == "open" else Bucket.LAPSED

    def freed_to(self, hold: Hold) -> Bucket:
        """Where what a hold gives up goes: a replacement stays its pharmacy's."""
        return Bucket.REPLACEABLE if hold.kind == "replacement" else self.free_bucket

    def last_moment(self, hold: Hold) -> datetime:
        """Until when a hold of this kind may be taken: validity, or the time to replace."""
        return self.closes_at if hold.replaces is None else self.replaceables[hold.replaces].until

    @property
    def finished(self) -> bool:
        return all(line.buckets.finished for line in self.lines.values())

    @property
    def blocked_lines(self) -> frozenset[int]:
        """Lines that wait for the prescriber's answer; nobody may hold them."""
        return frozenset(line for lines in self.blocks.values() for line in lines)

    def substitute_confirmed(self, row: HeldLine) -> bool:
        """Whether the prescriber has signed this substitute on this line."""
        return any(each.signed and each.is_about(row) for each in self.proposals.values())

    def substitute_declined(self, row: HeldLine) -> bool:
        """Whether the prescriber has said no to this substitute on this line, and yes at no time."""
        declined = any(each.declined and each.is_about(row) for each in self.proposals.values())
        return declined and not self.substitute_confirmed(row)

    def last_proposal(self, hold_id: UUID, row: HeldLine) -> Proposal | None:
        """What was last asked about this substitute under this hold."""
        asked = (each for each in reversed(tuple(self.proposals.values())) if each.hold_id == hold_id)
        return next((each for each in asked if each.is_about(row)), None)

    def may_travel(self, line: int, product: str) -> bool:
        """Whether a courier may carry this product for the line: neither of them is for the counter only."""
        fixed = {(each.line.line, each.line.product) for each in self.proposals.values() if each.counter_only}
        return self.lines[line].content.deliverable and (line, product) not in fixed

    def running_holds(self) -> Iterable[Hold]:
        return (hold for hold in self.holds.values() if hold.running)

    def prepared_supply(self, hold_id: UUID) -> Supply | None:
        """The packs set aside under a hold, not yet checked."""
        return next((s for s in self.supplies.values() if s.hold_id == hold_id and s.status == "prepared"), None)

    def served_by(self, pharmacy: str, now: datetime) -> bool:
        """Whether this pharmacy holds some of it, or has dispensed some of it."""
        return any(hold.pharmacy == pharmacy and hold.lets_read(now) for hold in self.holds.values())
