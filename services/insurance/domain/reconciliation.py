"""ReconciliationDay: one payer's day, closed at zero or with a booked answer to every difference (对账).

Totals are compared first (3201), items only where they differ (3202), in parts that ascend by message id. What differs
is a difference with an owner, an age and an answer by a named person; the answer books what it moves, and the books
stay at zero. A payer's call that succeeded proves nothing: only the payer's file does. A payment provider's day is the
same with what patients paid and got back, its items known by payment and refund.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import ClassVar, Literal, NamedTuple, assert_never, get_args
from uuid import UUID

from services.insurance.domain.ledger import Posting
from services.insurance.domain.payer_items import Figures
from services.seedwork.model import Aggregate, DomainEvent, Immutable, StreamRef, derived_id
from services.seedwork.transitions import NOT_YET, Transition, Transitions

Kind = Literal["only_ours", "amount", "unanswered", "refused", "other_day", "unknown", "doubled"]
Side = Literal["insurer", "provider"]
"""Whose file it is: an insurer's of what it pays, or a payment provider's of what patients pay (its channel)."""
Owner = Literal["insurer", "provider", "clearing"]
AnswerKind = Literal[
    "insurer_books",
    "insurer_corrects",
    "insurer_takes_back",
    "provider_books",
    "provider_corrects",
    "provider_takes_back",
    "pharmacy_bears",
    "agreed_since",
]
ClosedHow = Literal["zero", "accepted"]


class KindRow(NamedTuple):
    """What a difference is, who has to act first, and how it may be answered, by whose file it is found in."""

    kind: Kind
    meaning: str
    first: Literal["payer", "clearing"]
    insurer: tuple[AnswerKind, ...]
    provider: tuple[AnswerKind, ...]

    def owner(self, side: Side) -> Owner:
        """Who has to act first."""
        return "clearing" if self.first == "clearing" else side

    def answers(self, side: Side) -> tuple[AnswerKind, ...]:
        """How it may be answered."""
        return self.insurer if side == "insurer" else self.provider


KINDS: Mapping[Kind, KindRow] = {
    row.kind: row
    for row in (
        KindRow(
            "only_ours",
            "booked here, not in the payer's file",
            "payer",
            ("insurer_books", "pharmacy_bears"),
            ("provider_books", "pharmacy_bears"),
        ),
        KindRow(
            "amount",
            "booked on both sides, with other amounts",
            "payer",
            ("insurer_corrects", "pharmacy_bears"),
            ("provider_corrects", "pharmacy_bears"),
        ),
        KindRow(
            "unanswered",
            "in the payer's file; our request was not answered (结果未知)",
            "clearing",
            ("agreed_since", "insurer_takes_back"),
            ("agreed_since", "provider_takes_back"),
        ),
        KindRow(
            "refused",
            "in the payer's file, which refused it to us",
            "payer",
            ("insurer_takes_back",),
            ("provider_takes_back",),
        ),
        KindRow(
            "other_day",
            "in the payer's file, booked here on another day",
            "payer",
            ("agreed_since", "insurer_takes_back"),
            ("agreed_since", "provider_takes_back"),
        ),
        KindRow(
            "unknown",
            "in the payer's file; we never sent it",
            "payer",
            ("insurer_takes_back",),
            ("provider_takes_back",),
        ),
        KindRow(
            "doubled",
            "in the payer's file more than once",
            "payer",
            ("insurer_takes_back",),
            ("provider_takes_back",),
        ),
    )
}


class AnswerRow(NamedTuple):
    """What an answer means and what it books."""

    answer: AnswerKind
    meaning: str
    books: str


ANSWERS: Mapping[AnswerKind, AnswerRow] = {
    row.answer: row
    for row in (
        AnswerRow("insurer_books", "the payer will book it; it stands in a later file", "-"),
        AnswerRow("insurer_corrects", "ours stands; the payer corrects its own", "-"),
        AnswerRow("insurer_takes_back", "the payer takes its booking back; it stands in a later file", "-"),
        AnswerRow("provider_books", "the provider will book it; it stands in a later file", "-"),
        AnswerRow("provider_corrects", "ours stands; the provider corrects its own", "-"),
        AnswerRow("provider_takes_back", "the provider takes its booking back; it stands in a later file", "-"),
        AnswerRow("pharmacy_bears", "the payer's stands", "`borne.<pharmacy>` against `difference.<insurer>`"),
        AnswerRow("agreed_since", "both sides have it with the same amounts by now, which is looked at", "-"),
    )
}


class Difference(Immutable):
    """One message about which the two sides do not agree. Amounts in fen; None: that side has no such booking."""

    key: UUID
    kind: Kind
    ours: Figures | None
    theirs: Figures | None
    claim_id: UUID | None = None
    pharmacy: str | None = None

    @property
    def missing(self) -> Figures:
        """What the payer's side is short of."""
        return (self.ours or Figures()).minus(self.theirs or Figures())


class TotalsCompared(DomainEvent):
    """The payer's totals of the day stand beside ours. `insurer`: its code, or the provider's channel."""

    TOPIC: ClassVar[str] = "insurance.reconciliation.totals_compared"

    insurer: str
    day: date
    ours: Figures
    theirs: Figures
    told_by: str
    side: Side = "insurer"


class PartCompared(DomainEvent):
    """A stretch of the payer's items stands beside ours; `upto` is None for the last."""

    TOPIC: ClassVar[str] = "insurance.reconciliation.part_compared"

    upto: UUID | None
    ours: Figures
    theirs: Figures
    differences: tuple[Difference, ...]


class DifferencesFound(DomainEvent):
    """All items are compared. Differences of one claim that cancel each other out are none."""

    TOPIC: ClassVar[str] = "insurance.reconciliation.differences_found"

    differences: tuple[Difference, ...]
    netted: int


class DifferenceTaken(DomainEvent):
    """A named person looks after it from now on."""

    TOPIC: ClassVar[str] = "insurance.reconciliation.difference_taken"

    key: UUID
    person: str


class DifferenceAnswered(DomainEvent):
    """A named person decided what becomes of it; what that moves is booked."""

    TOPIC: ClassVar[str] = "insurance.reconciliation.difference_answered"

    key: UUID
    answer: AnswerKind
    answered_by: str
    reason: str
    claim_id: UUID | None
    pharmacy: str | None
    insurer: str
    postings: tuple[Posting, ...]


class DayClosed(DomainEvent):
    """Nothing of the day is open: both sides are equal, or every difference has its answer."""

    TOPIC: ClassVar[str] = "insurance.reconciliation.day_closed"

    how: ClosedHow


ReconciliationEvent = (
    TotalsCompared | PartCompared | DifferencesFound | DifferenceTaken | DifferenceAnswered | DayClosed
)

DIFFERING, OPEN, CLOSED = "differing", "open", "closed"
COMPARE_TOTALS, COMPARE_ITEMS = "CompareTotals", "CompareItems"
TAKE, ANSWER = "TakeDifference", "AnswerDifference"

RECONCILIATION_TRANSITIONS = Transitions(
    (
        Transition(NOT_YET, COMPARE_TOTALS, "the day is over; totals are equal", CLOSED, "-"),
        Transition(NOT_YET, COMPARE_TOTALS, "the day is over; totals differ", DIFFERING, "-"),
        Transition(NOT_YET, COMPARE_TOTALS, "the payer has compared the items itself (3202)", "open, closed", "-"),
        Transition(DIFFERING, COMPARE_TOTALS, "told anew; items start again", "differing, open, closed", "-"),
        Transition(DIFFERING, COMPARE_ITEMS, "ascending from the part before; not the last", DIFFERING, "-"),
        Transition(DIFFERING, COMPARE_ITEMS, "the last; items come to their totals; something differs", OPEN, "-"),
        Transition(DIFFERING, COMPARE_ITEMS, "the last; all cancels out by claim", CLOSED, "-"),
        Transition(OPEN, TAKE, "not answered yet", OPEN, "-"),
        Transition(OPEN, ANSWER, "one that its kind allows; named person; others are open", OPEN, "-"),
        Transition(OPEN, ANSWER, "the last that was open", CLOSED, "-"),
    )
)


@dataclass(frozen=True)
class ReconciliationState:
    """A payer's day as it stands. `compared` counts the items of the parts so far, `upto` is where they end."""

    state: str = NOT_YET
    told: TotalsCompared | None = None
    upto: UUID | None = None
    ours: Figures = field(default_factory=Figures)
    theirs: Figures = field(default_factory=Figures)
    found: tuple[Difference, ...] = ()
    differences: Mapping[UUID, Difference] = field(default_factory=dict)
    netted: int = 0
    taken: Mapping[UUID, str] = field(default_factory=dict)
    answers: Mapping[UUID, DifferenceAnswered] = field(default_factory=dict)
    closed: ClosedHow | None = None

    @property
    def open_differences(self) -> tuple[Difference, ...]:
        return tuple(each for key, each in self.differences.items() if key not in self.answers)


def evolve(state: ReconciliationState, event: ReconciliationEvent) -> ReconciliationState:
    match event:
        case TotalsCompared():
            return ReconciliationState(state=DIFFERING, told=event)
        case PartCompared():
            return replace(
                state,
                upto=event.upto,
                ours=state.ours.plus(event.ours),
                theirs=state.theirs.plus(event.theirs),
                found=state.found + event.differences,
            )
        case DifferencesFound():
            known = {each.key: each for each in event.differences}
            return replace(state, state=OPEN, differences=known, netted=event.netted, found=())
        case DifferenceTaken():
            return replace(state, taken={**state.taken, event.key: event.person})
        case DifferenceAnswered():
            return replace(state, answers={**state.answers, event.key: event})
        case DayClosed():
            return replace(state, state=CLOSED, closed=event.how)
        case _:
            assert_never(event)


RECONCILIATION: Aggregate[ReconciliationState] = Aggregate(
    name="reconciliation",
    events=get_args(ReconciliationEvent),
    initial=ReconciliationState(),
    evolve=evolve,
    cached=True,
)
"""Kept in the process while its parts come: a day of a million items has some five hundred."""


def day_of(insurer: str, day: date) -> StreamRef[ReconciliationState]:
    """The day of an insurer, or of a payment provider by its channel."""
    return RECONCILIATION.ref(derived_id("reconciliation", insurer, day))
