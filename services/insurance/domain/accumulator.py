"""Accumulators: what one member has used of the year's deductible (起付线) and cap (封顶线).

Reserved at authorise, final at settle, freed at void and reverse. The year is that of the authorisation. Across the
claims of one member and year the order of authorisation counts; nothing is calculated again afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from functools import reduce
from typing import Annotated, ClassVar, assert_never
from uuid import UUID

from pydantic import Field

from services.insurance.domain.amounts import Adjudication
from services.insurance.domain.payers import counted
from services.seedwork.model import (
    Aggregate,
    DomainEvent,
    Immutable,
    Personal,
    PersonalClass,
    StreamRef,
    derived_id,
)
from services.seedwork.transitions import NOT_YET, Transition, Transitions

Fen = Annotated[int, Field(ge=0)]
COUNTS_MAX = 20
"""Further funds, or counters, of one year."""


class Counted(Immutable):
    """Deductible and pooled fund of one counter, in fen."""

    deductible_used: Fen = 0
    pooled_paid: Fen = 0


class YearFigures(Immutable):
    """What counts towards the yearly limits, in fen.

    `deductible_used` and `pooled_paid` are those of ordinary visits, `counters` those that a policy counts apart
    (门诊慢特病). `burden`: what was in scope and stayed unpaid before serious illness. `funds`: paid by further funds.
    """

    deductible_used: Fen
    pooled_paid: Fen
    burden: Fen = 0
    funds: dict[str, Fen] = Field(default={}, max_length=COUNTS_MAX)
    counters: dict[str, Counted] = Field(default={}, max_length=COUNTS_MAX)

    def of(self, counter: str) -> Counted:
        """Deductible and pooled fund of one counter; the empty name is that of ordinary visits."""
        if not counter:
            return Counted(deductible_used=self.deductible_used, pooled_paid=self.pooled_paid)
        return self.counters.get(counter, Counted())

    def plus(self, other: YearFigures) -> YearFigures:
        return self._combined(other, lambda mine, theirs: mine + theirs)

    def minus(self, other: YearFigures) -> YearFigures:
        """Never below nothing: an import may have told less than was settled here."""
        return self._combined(other, lambda mine, theirs: max(0, mine - theirs))

    def _combined(self, other: YearFigures, by: Callable[[int, int], int]) -> YearFigures:
        funds = {name: by(self.funds.get(name, 0), other.funds.get(name, 0)) for name in {**self.funds, **other.funds}}
        counters = {
            name: Counted(
                deductible_used=by(self.of(name).deductible_used, other.of(name).deductible_used),
                pooled_paid=by(self.of(name).pooled_paid, other.of(name).pooled_paid),
            )
            for name in {**self.counters, **other.counters}
        }
        return YearFigures(
            deductible_used=by(self.deductible_used, other.deductible_used),
            pooled_paid=by(self.pooled_paid, other.pooled_paid),
            burden=by(self.burden, other.burden),
            funds={name: amount for name, amount in funds.items() if amount},
            counters={name: counted for name, counted in counters.items() if counted != Counted()},
        )


def figures_of(amounts: Adjudication) -> YearFigures:
    """What a claim adds to the year."""
    taken = Counted(deductible_used=amounts.deductible, pooled_paid=amounts.paid_by("hifp"))
    apart = amounts.counter and taken != Counted()
    return YearFigures(
        **(Counted() if amounts.counter else taken).model_dump(),
        burden=amounts.burden,
        funds=counted(amounts),
        counters={amounts.counter: taken} if apart else {},
    )


NOTHING_USED = YearFigures(deductible_used=0, pooled_paid=0)


class FiguresImported(DomainEvent):
    """The insurer told what counts towards the limits of the year so far."""

    TOPIC: ClassVar[str] = "insurance.accumulator.figures_imported"

    patient_ref: UUID
    year: int
    figures: Annotated[YearFigures | None, Personal(PersonalClass.FINANCIAL)]
    as_of: date | None = None


class FiguresReserved(DomainEvent):
    """A claim was authorised: what it adds to the year is reserved."""

    TOPIC: ClassVar[str] = "insurance.accumulator.figures_reserved"

    patient_ref: UUID
    year: int
    claim_id: UUID
    figures: Annotated[YearFigures | None, Personal(PersonalClass.FINANCIAL)]


class FiguresFinal(DomainEvent):
    """The claim was settled: what it added counts for good."""

    TOPIC: ClassVar[str] = "insurance.accumulator.figures_final"

    patient_ref: UUID
    claim_id: UUID
    day: date | None = None


class FiguresFreed(DomainEvent):
    """The claim was voided: what it had reserved counts no more."""

    TOPIC: ClassVar[str] = "insurance.accumulator.figures_freed"

    patient_ref: UUID
    claim_id: UUID


class FiguresReversed(DomainEvent):
    """The settled claim was reversed: what it had added counts no more."""

    TOPIC: ClassVar[str] = "insurance.accumulator.figures_reversed"

    patient_ref: UUID
    claim_id: UUID
    day: date | None = None


@dataclass(frozen=True)
class Moved:
    """What a claim added (`back`: took off again) here, and on which day; None: before days were kept."""

    day: date | None
    figures: YearFigures
    back: bool = False

    def after(self, as_of: date | None) -> bool:
        """Whether the insurer's word of this day cannot contain it yet."""
        return self.day is not None and as_of is not None and self.day > as_of

    def applied(self, figures: YearFigures) -> YearFigures:
        return figures.minus(self.figures) if self.back else figures.plus(self.figures)


@dataclass(frozen=True)
class AccumulatorState:
    """Final figures, of them what each settled claim added, and what authorised claims reserve; forgotten figures
    count as nothing. `imported` is the insurer's last word, `moved` what happened here since."""

    final: YearFigures = NOTHING_USED
    imported: tuple[date | None, YearFigures] = (None, NOTHING_USED)
    moved: tuple[Moved, ...] = ()
    settled: Mapping[UUID, YearFigures] = field(default_factory=dict)
    reserved: Mapping[UUID, YearFigures] = field(default_factory=dict)

    @property
    def used(self) -> YearFigures:
        """What counts now, reservations included: no two claims use the same room."""
        used = self.final
        for figures in self.reserved.values():
            used = used.plus(figures)
        return used


ACCUMULATOR_TRANSITIONS = Transitions(
    (
        Transition(NOT_YET, "ImportMember", "", "counting", "-"),
        Transition("counting", "ImportMember", "not older than the last import", "counting, final replaced", "-"),
        Transition("counting", "claim authorised", "by an insurer", "counting, reserved", "-"),
        Transition("counting, reserved", "claim settled", "reserved for this claim", "counting, final", "-"),
        Transition("counting, reserved", "claim voided", "reserved for this claim", "counting, freed", "-"),
        Transition("counting, final", "claim reversed", "settled here", "counting", "-"),
    )
)


def _claim_may(state: AccumulatorState, claim_id: UUID, trigger: str) -> bool:
    return ACCUMULATOR_TRANSITIONS.allows("counting, reserved" if claim_id in state.reserved else "counting", trigger)


def import_figures(state: AccumulatorState, patient_ref: UUID, as_of: date, figures: YearFigures) -> list[DomainEvent]:
    """The insurer's figures replace what was final here until that day; what was settled since is added, and what is
    reserved stays reserved. The same word again changes nothing, whatever was settled since."""
    if state.imported == (as_of, figures):
        return []
    return [FiguresImported(patient_ref=patient_ref, year=as_of.year, figures=figures, as_of=as_of)]


def reserve_figures(
    state: AccumulatorState, patient_ref: UUID, year: int, claim_id: UUID, figures: YearFigures
) -> list[DomainEvent]:
    if figures == NOTHING_USED or not _claim_may(state, claim_id, "claim authorised"):
        return []
    return [FiguresReserved(patient_ref=patient_ref, year=year, claim_id=claim_id, figures=figures)]


def finalise_figures(
    state: AccumulatorState, patient_ref: UUID, claim_id: UUID, day: date | None = None
) -> list[DomainEvent]:
    if not _claim_may(state, claim_id, "claim settled"):
        return []
    return [FiguresFinal(patient_ref=patient_ref, claim_id=claim_id, day=day)]


def free_figures(state: AccumulatorState, patient_ref: UUID, claim_id: UUID) -> list[DomainEvent]:
    if not _claim_may(state, claim_id, "claim voided"):
        return []
    return [FiguresFreed(patient_ref=patient_ref, claim_id=claim_id)]


def reverse_figures(
    state: AccumulatorState, patient_ref: UUID, claim_id: UUID, day: date | None = None
) -> list[DomainEvent]:
    """What the claim had added is taken off; the insurer's own figures, imported since, contained it."""
    known = "counting, final" if claim_id in state.settled else "counting"
    if not ACCUMULATOR_TRANSITIONS.allows(known, "claim reversed"):
        return []
    return [FiguresReversed(patient_ref=patient_ref, claim_id=claim_id, day=day)]


AccumulatorEvent = FiguresImported | FiguresReserved | FiguresFinal | FiguresFreed | FiguresReversed


def evolve_accumulator(state: AccumulatorState, event: AccumulatorEvent) -> AccumulatorState:
    match event:
        case FiguresImported():
            figures = event.figures or NOTHING_USED
            later = tuple(each for each in state.moved if each.after(event.as_of))
            final = reduce(lambda so_far, each: each.applied(so_far), later, figures)
            return replace(state, final=final, imported=(event.as_of, figures), moved=later)
        case FiguresReserved():
            return replace(state, reserved={**state.reserved, event.claim_id: event.figures or NOTHING_USED})
        case FiguresFinal():
            added = state.reserved[event.claim_id]
            settled = {**state.settled, event.claim_id: added}
            left = _without(state.reserved, event.claim_id)
            moved = Moved(event.day, added)
            return replace(
                state,
                final=moved.applied(state.final),
                moved=(*state.moved, moved),
                settled=settled,
                reserved=left,
            )
        case FiguresFreed():
            return replace(state, reserved=_without(state.reserved, event.claim_id))
        case FiguresReversed():
            back = Moved(event.day, state.settled[event.claim_id], back=True)
            return replace(
                state,
                final=back.applied(state.final),
                moved=(*state.moved, back),
                settled=_without(state.settled, event.claim_id),
            )
        case _:
            assert_never(event)


def _without(reserved: Mapping[UUID, YearFigures], claim_id: UUID) -> dict[UUID, YearFigures]:
    return {claim: figures for claim, figures in reserved.items() if claim != claim_id}


ACCUMULATOR: Aggregate[AccumulatorState] = Aggregate(
    name="accumulator",
    events=(FiguresImported, FiguresReserved, FiguresFinal, FiguresFreed, FiguresReversed),
    initial=AccumulatorState(),
    evolve=evolve_accumulator,
)


def accumulator_of(patient_ref: UUID, year: int) -> StreamRef[AccumulatorState]:
    """The limits of one person in one calendar year."""
    return ACCUMULATOR.ref(derived_id("accumulator", patient_ref, year))
