"""RecallJob: a lot is called back (药品召回), pharmacy by pharmacy, supply by supply, until nothing is left to do.

What is still to be done is the job's own state: a step does one piece and says how far it came, so the job goes on
where it was, whatever happens. It goes round again after a while, because a read model or a save on its way may have
hidden something, and ends with a round that found nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import Field

from services.dispatch.domain.values import CODE_LENGTH_MAX, LOT_LENGTH_MAX
from services.seedwork.model import Aggregate, Command, DomainEvent, Outcome, Refusal, StreamRef, derived_id
from services.seedwork.transitions import NOT_YET, Transition, Transitions

LOTS_MAX = 50
REASON_LENGTH_MAX = 500
FIRST = UUID(int=0)
ROUND_AGAIN = timedelta(minutes=10)
RecallClass = Literal["1", "2", "3"]
Phase = Literal["shelves", "holds", "supplies"]
PHASES: tuple[Phase, ...] = ("shelves", "holds", "supplies")
Found = Literal["shelf", "hold_revoked", "supply_undone", "with_courier", "patient_told", "nothing"]

TRANSITIONS = Transitions(
    (
        Transition(NOT_YET, "LoadRecall", "regulator or the maker; product registered", "running", "lot_recalled"),
        Transition("running", "clock: step", "one shelf, hold or supply with the lot", "running", "as what it does"),
        Transition("running", "clock: step", "nothing found in a round, the second at least", "done", "-"),
        Transition("running", "clock: due", "not done within the days of its class", "running, late", "-"),
    )
)


class LoadRecall(Command):
    """A recall decided by the maker or ordered by the authority. `recall_id` is the caller's."""

    recall_id: UUID
    product: str = Field(max_length=CODE_LENGTH_MAX)
    lots: tuple[Annotated[str, Field(min_length=1, max_length=LOT_LENGTH_MAX)], ...] = Field(
        min_length=1, max_length=LOTS_MAX
    )
    recall_class: RecallClass
    reason: str = Field(min_length=1, max_length=REASON_LENGTH_MAX)
    instruction: str = Field(min_length=1, max_length=REASON_LENGTH_MAX)
    loaded_by: str
    organisation: str


class RecallLoaded(DomainEvent):
    """From now on nothing of these lots is received, prepared or dispensed anywhere."""

    TOPIC: ClassVar[str] = "dispatch.recall.loaded"

    recall_id: UUID
    product: str
    drug_key: str
    lots: tuple[str, ...]
    recall_class: RecallClass
    reason: str
    instruction: str
    """What patients who have it are told to do."""
    loaded_by: str
    organisation: str
    loaded_at: datetime
    due_at: datetime


class RecallStepped(DomainEvent):
    """One piece of the work was done, or looked for in vain; `after` is the last one of its phase and lot."""

    TOPIC: ClassVar[str] = "dispatch.recall.stepped"

    phase: Phase
    lot: str
    after: UUID
    found: Found
    of: UUID | None = None
    """The stock item, hold, supply or delivery it was about."""
    ended: bool = False
    """Nothing more in this phase and lot."""
    stepped_at: datetime


class RecallLate(DomainEvent):
    """The days of its class are over and it is not done."""

    TOPIC: ClassVar[str] = "dispatch.recall.late"


class RecallDone(DomainEvent):
    """A round found nothing any more."""

    TOPIC: ClassVar[str] = "dispatch.recall.done"

    done_at: datetime


@dataclass(frozen=True)
class RecallState:
    """Where a recall stands: the phase and lot it is at, and how far it came in it."""

    status: str = NOT_YET
    loaded: RecallLoaded | None = None
    place: int = 0
    """Of the phases by lots, in order."""
    after: UUID = FIRST
    round: int = 1
    found: int = 0
    """In this round."""
    step_at: datetime | None = None
    late: bool = False
    counts: Mapping[str, int] = field(default_factory=dict)
    with_courier: frozenset[UUID] = frozenset()

    @property
    def at(self) -> tuple[Phase, str]:
        assert self.loaded is not None  # noqa: S101 - only of a recall that was loaded
        lots = self.loaded.lots
        return PHASES[self.place // len(lots)], lots[self.place % len(lots)]


def evolve(state: RecallState, event: DomainEvent) -> RecallState:
    match event:
        case RecallLoaded():
            return replace(state, status="running", loaded=event, step_at=event.loaded_at)
        case RecallStepped():
            return _stepped(state, event)
        case RecallLate():
            return replace(state, late=True)
        case RecallDone():
            return replace(state, status="done", step_at=None)
    return state  # pragma: no cover - the aggregate names no other event


def _stepped(state: RecallState, event: RecallStepped) -> RecallState:
    counts, found = state.counts, state.found
    carried = {event.of} if event.found == "with_courier" and event.of else set()
    if event.found != "nothing":
        new = not carried & state.with_courier
        counts, found = {**counts, event.found: counts.get(event.found, 0) + new}, found + 1
    state = replace(
        state,
        counts=counts,
        found=found,
        with_courier=state.with_courier | carried,
        after=event.after,
        step_at=event.stepped_at,
    )
    if not event.ended:
        return state
    place = state.place + 1
    if state.loaded is None or place < len(PHASES) * len(state.loaded.lots):
        return replace(state, place=place, after=FIRST)
    again = event.stepped_at + ROUND_AGAIN
    return replace(state, place=0, after=FIRST, round=state.round + 1, found=0, step_at=again)


def load(state: RecallState, command: LoadRecall, drug_key: str, now: datetime, due_at: datetime) -> Outcome:
    """The recall begins; the same one again is nothing new."""
    if state.loaded is not None:
        same = (state.loaded.product, state.loaded.lots) == (command.product, command.lots)
        return [] if same else Refusal("recall.differs", {"recall_id": str(command.recall_id)})
    return [RecallLoaded(drug_key=drug_key, loaded_at=now, due_at=due_at, **dict(command))]


def step(state: RecallState, now: datetime, found: Found, of: UUID | None, after: UUID | None) -> list[DomainEvent]:
    """What one step says: `after` None, where there is nothing more in this phase and lot.

    A round that found nothing ends the job, when it is not the first.
    """
    phase, lot = state.at
    stepped = RecallStepped(
        phase=phase,
        lot=lot,
        after=after or state.after,
        found=found,
        of=of,
        ended=after is None,
        stepped_at=now,
    )
    events: list[DomainEvent] = [stepped]
    if evolve(state, stepped).round > state.round > 1 and not _found_in(state, stepped):
        events.append(RecallDone(done_at=now))
    return events


def _found_in(state: RecallState, stepped: RecallStepped) -> int:
    return state.found + (stepped.found != "nothing")


def next_due(state: RecallState) -> Mapping[str, datetime]:
    """The next step, and the end of the days of its class."""
    due: dict[str, datetime] = {}
    if state.step_at is not None:
        due["step"] = state.step_at
    if state.status == "running" and state.loaded and not state.late:
        due["due"] = state.loaded.due_at
    return due


RECALLS: Aggregate[RecallState] = Aggregate(
    name="recall",
    events=(RecallLoaded, RecallStepped, RecallLate, RecallDone),
    initial=RecallState(),
    evolve=evolve,
    next_due=next_due,
)


class LotsNamed(DomainEvent):
    """These lots of the product are recalled."""

    TOPIC: ClassVar[str] = "dispatch.recalled_lots.named"

    recall_id: UUID
    lots: tuple[str, ...]


@dataclass(frozen=True)
class RecalledState:
    """The recalled lots of one product, each with the recall that named it first."""

    by_lot: Mapping[str, UUID] = field(default_factory=dict)

    @property
    def lots(self) -> frozenset[str]:
        return frozenset(self.by_lot)


def evolve_lots(state: RecalledState, event: LotsNamed) -> RecalledState:
    return RecalledState({**dict.fromkeys(event.lots, event.recall_id), **state.by_lot})


RECALLED_LOTS: Aggregate[RecalledState] = Aggregate(
    name="recalled_lots", events=(LotsNamed,), initial=RecalledState(), evolve=evolve_lots
)


def recalled_ref(product: str) -> StreamRef[RecalledState]:
    return RECALLED_LOTS.ref(derived_id("recalled_lots", product))


def none_recalled(state: RecalledState, lots: frozenset[str]) -> Outcome:
    """Refused where one of the lots is; otherwise nothing happens."""
    called = sorted(lots & state.lots)
    return Refusal("stock.lot_recalled", {"lot": called[0]}) if called else []
