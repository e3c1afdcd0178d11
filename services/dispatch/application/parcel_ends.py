"""How a parcel ends: delivered, in part, lost, back and looked at; and what its logger says meanwhile.

Each takes the supply with it. A delivery of before the packs were kept in it reads them from its supply.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from services.dispatch.application.deliveries import answer_of, joined, limits, step_of
from services.dispatch.application.owners import fates_told
from services.dispatch.application.parcel_goods import found_again, out_of_quarantine, packs_of, undone_packs
from services.dispatch.application.registers import admitted_courier, courier_ref, not_serving, person_ref, pharmacy_ref
from services.dispatch.application.set_apart import one_each, set_apart
from services.dispatch.application.shelf import Circumstances, settle
from services.dispatch.application.stop_use import told
from services.dispatch.application.work import Broken, Work, perform_all
from services.dispatch.domain import secrets
from services.dispatch.domain.delivery import door, excursions, returning, way
from services.dispatch.domain.delivery.commands import (
    AssessExcursion,
    DecideQuarantine,
    InspectReturn,
    LogTemperatures,
    Proof,
    ReceiveReturn,
)
from services.dispatch.domain.delivery.events import DeliveryLost, ReturnInspected
from services.dispatch.domain.delivery.state import DELIVERIES, DeliveryState
from services.dispatch.domain.delivery.values import InspectedPack
from services.dispatch.domain.fulfilment import courier
from services.dispatch.domain.fulfilment.aggregate import FULFILMENTS
from services.dispatch.domain.fulfilment.commands import DeliverSupply
from services.dispatch.domain.fulfilment.state import FulfilmentState, Supply
from services.dispatch.domain.values import UndoneWhy
from services.seedwork.model import DomainEvent, Loaded, Outcome, Refusal
from services.seedwork.reference import EntryState
from services.seedwork.usecase import Decision, Load, Moment, UseCase

Thinking = Generator[Load, Any, Decision]
QUALITY = {"quality_manager"}
"""The profession that decides about excursions and quarantine (质量负责人)."""


class Deliver(Proof):
    """The courier's word that it is in the patient's hands, with proof."""

    courier: str


def deliver(delivery_id: UUID, command: Deliver, pickup_key: bytes) -> UseCase:
    """Recorded whenever the parcel was out: a failed guard makes it an exception, never undoes it."""

    def decide(moment: Moment, parcel: Loaded[DeliveryState]) -> Thinking:
        refused = way.answers(parcel.state, "Deliver", courier=command.courier)
        if refused or parcel.state.proof_sha256 is not None:
            return Decision.on(parcel, refused or [], answer_of(parcel.state))
        return (yield from delivered(moment, parcel, command, pickup_key))

    return UseCase((DELIVERIES.ref(delivery_id),), decide)


def delivered(
    moment: Moment,
    parcel: Loaded[DeliveryState],
    command: Deliver,
    pickup_key: bytes,
    before: Iterable[DomainEvent] = (),
    at: datetime | None = None,
) -> Thinking:
    """What a proof means for parcel and supply.

    `before`: what has happened to the parcel in the same breath; `at`: when it was delivered, where that is not now.
    """
    events = list(before)
    state = parcel.after(events)
    created = state.created
    if created is None:  # pragma: no cover - who calls has asked the table
        return Decision.refused(Refusal("delivery.unknown", {}))
    fulfilment, carrier = yield Load.of(FULFILMENTS.ref(created.fulfilment_id), courier_ref(created.courier))
    supply = fulfilment.state.supplies[created.supply_id]
    taken = door.split({line: supply.quantity(line) for line in supply.line_numbers}, command.rejected_lines)
    if isinstance(taken, Refusal):
        return Decision.refused(taken)
    expected = secrets.pickup_code(pickup_key, created.supply_id)
    right = secrets.same(secrets.read_token(command.code or ""), expected)
    broken = tuple(door.broken_rules(state, command, code_right=right))
    admitted = admitted_courier(carrier.state, moment, storage=state.storage)
    if isinstance(admitted, Refusal):
        broken = (*broken, admitted.code)
    said = DeliverSupply(
        supply_id=created.supply_id,
        courier=command.courier,
        collector_kind=command.collector_kind,
        identity_checked=command.identity_checked,
        proof_sha256=command.proof_sha256,
        accepted=taken.accepted,
        rejected=taken.rejected,
        irregularities=broken,
    )
    received = courier.deliver(fulfilment.state, said)
    irregular = bool(broken) or not supply.cleared
    events += door.delivered(command, taken, at or moment.now, limits(moment), irregular=irregular)
    decision = yield from settle(fulfilment, received, Circumstances.at(moment))
    with_patient = [row.line for row in taken.accepted]
    return (yield from _and_told(moment, joined(parcel, events, decision), _known(parcel, supply), with_patient))


def _and_told(moment: Moment, decision: Decision, state: DeliveryState, with_patient: Iterable[int]) -> Thinking:
    """With the stop-use notices of what is with the patient and was rejected."""
    if decision.refusal:
        return decision
    notices = yield from told(state, with_patient, moment)
    return replace(decision, changes=(*decision.changes, *notices))


def _known(parcel: Loaded[DeliveryState], supply: Supply) -> DeliveryState:
    created = parcel.state.created
    if created is None or created.packs:
        return parcel.state
    return replace(parcel.state, created=created.model_copy(update={"packs": packs_of(supply)}))


Step = Callable[[DeliveryState, Moment], Outcome]


def _with_goods(
    delivery_id: UUID,
    step: Step,
    *,
    by: str | None = None,
    professions: frozenset[str] = frozenset(),
    pharmacy: str = "",
    assessed: AssessExcursion | None = None,
) -> UseCase:
    """A step after which goods may be somewhere else: supply, shelf and codes follow what it says.

    `by`: the person who must be known in one of the professions at the pharmacy today; `assessed`: what is decided
    about an excursion, where that is the step.
    """

    def decide(moment: Moment, parcel: Loaded[DeliveryState], *entries: Loaded[EntryState]) -> Thinking:
        created = parcel.state.created
        if created is None:
            return Decision.refused(Refusal("delivery.unknown", {}))
        if by is not None:
            place, person = entries
            refused = not_serving(place.state, person.state, moment, pharmacy, set(professions))
            if refused:
                return Decision.refused(refused)
        (fulfilment,) = yield Load.of(FULFILMENTS.ref(created.fulfilment_id))
        state = _known(parcel, fulfilment.state.supplies[created.supply_id])
        outcome = step(state, moment)
        if isinstance(outcome, Refusal):
            return Decision.refused(outcome)
        decision = yield from with_goods(moment, parcel, fulfilment, state, outcome)
        if assessed is None or decision.refusal:
            return decision
        supply = fulfilment.state.supplies[created.supply_id]
        after = DELIVERIES.fold(outcome, state)
        if after.spoilt_itself and not state.spoilt_itself:
            apart = yield from set_apart(after, supply.elsewhere, assessed, moment)
            if isinstance(apart, Refusal):
                return Decision.refused(apart)
            decision = replace(decision, changes=one_each([*decision.changes, *apart]))
        return (yield from _and_told(moment, decision, after, supply.with_patient))

    entries = () if by is None else (pharmacy_ref(pharmacy), person_ref(by))
    return UseCase((DELIVERIES.ref(delivery_id),), decide, relaxed=entries)


def with_goods(
    moment: Moment,
    parcel: Loaded[DeliveryState],
    fulfilment: Loaded[FulfilmentState],
    state: DeliveryState,
    outcome: list[DomainEvent],
) -> Thinking:
    """The parcel's events and what they mean for the goods in it."""
    supply_id = state.created.supply_id if state.created else fulfilment.stream_id
    ended: Outcome = []
    works: list[Work] = []
    about = Circumstances.at(moment)
    for event in outcome:
        match event:
            case DeliveryLost():
                gone = [InspectedPack(pack=number, verdict="missing") for number in returning.expected(state)]
                ended = _undone(fulfilment.state, supply_id, "lost", state, gone, about)
            case ReturnInspected(found_again=True, verdicts=verdicts):
                works += found_again(state, supply_id, verdicts, moment.now)
            case ReturnInspected(verdicts=verdicts):
                damaged = state.return_reason == "damaged" or state.doubtful
                why: UndoneWhy = "damaged" if damaged else "returned"
                ended = _undone(fulfilment.state, supply_id, why, state, verdicts, about)
    if works:
        return (yield from _moved(parcel, outcome, works))
    decision = yield from settle(fulfilment, ended, about)
    return joined(parcel, outcome, decision)


def _undone(
    fulfilment: FulfilmentState,
    supply_id: UUID,
    why: UndoneWhy,
    state: DeliveryState,
    verdicts: Iterable[InspectedPack],
    about: Circumstances,
) -> Outcome:
    packs, road = undone_packs(state.packs, verdicts), state.road(lost=why == "lost")
    return courier.came_back_from_courier(fulfilment, supply_id, why, packs, about.now, about.policy, road)


def _moved(parcel: Loaded[DeliveryState], events: list[DomainEvent], works: list[Work]) -> Thinking:
    """Goods that move without the supply: its end was told before."""
    refs = {work.ref.stream_id: work.ref for work in works}
    loaded = yield Load(tuple(refs.values()))
    changes = perform_all(works, loaded)
    if isinstance(changes, Broken):
        return Decision.refused(changes.refusal)
    return joined(parcel, events, Decision(changes))


def report_lost(delivery_id: UUID, **party: str) -> UseCase:
    return _with_goods(delivery_id, lambda state, moment: way.lose(state, moment.now, **party))


def silence(delivery_id: UUID) -> UseCase:
    """The clock: no word for so long that it counts as lost."""
    return _with_goods(delivery_id, lambda state, moment: way.silence(state, moment.now))


def receive_return(delivery_id: UUID, command: ReceiveReturn) -> UseCase:
    return _with_goods(delivery_id, lambda state, moment: returning.receive_return(state, command, moment.now))


def find_again(delivery_id: UUID, command: ReceiveReturn) -> UseCase:
    return _with_goods(delivery_id, lambda state, moment: returning.find_again(state, command, moment.now))


def inspect_return(delivery_id: UUID, command: InspectReturn) -> UseCase:
    """By a pharmacist or the quality manager of the pharmacy."""
    return _with_goods(
        delivery_id,
        lambda state, moment: returning.inspect_return(state, command, moment.now, limits(moment)),
        by=command.inspected_by,
        professions=frozenset({"pharmacist", *QUALITY}),
        pharmacy=command.pharmacy,
    )


def assess_excursion(delivery_id: UUID, command: AssessExcursion) -> UseCase:
    return _with_goods(
        delivery_id,
        lambda state, moment: excursions.assess(state, command, moment.now, limits(moment)),
        by=command.assessed_by,
        professions=frozenset(QUALITY),
        pharmacy=command.pharmacy,
        assessed=command,
    )


def log_temperatures(delivery_id: UUID, command: LogTemperatures) -> UseCase:
    return step_of(
        delivery_id, lambda state, moment: excursions.log_temperatures(state, command, moment.now, limits(moment))
    )


def decide_quarantine(delivery_id: UUID, command: DecideQuarantine) -> UseCase:
    """On the shelf again, or destroyed; money and quantity were decided at the inspection."""

    def decide(
        moment: Moment, parcel: Loaded[DeliveryState], place: Loaded[EntryState], person: Loaded[EntryState]
    ) -> Thinking:
        created = parcel.state.created
        refused = not_serving(place.state, person.state, moment, command.pharmacy, QUALITY)
        if refused or created is None:
            return Decision.refused(refused or Refusal("delivery.unknown", {}))
        (fulfilment,) = yield Load.of(FULFILMENTS.ref(created.fulfilment_id))
        state = _known(parcel, fulfilment.state.supplies[created.supply_id])
        outcome = returning.decide_quarantine(state, command, moment.now, limits(moment))
        if isinstance(outcome, Refusal):
            return Decision.refused(outcome)
        packs = [number for event in outcome for number in getattr(event, "packs", ())]
        works = list(out_of_quarantine(state, created.supply_id, packs, command, moment.now))
        fates = [(state.packs[number].trace_code, command.to) for number in packs]
        works += fates_told(fulfilment.state.supplies[created.supply_id], fates, moment.now)
        return (yield from _moved(parcel, outcome, works))

    entries = (pharmacy_ref(command.pharmacy), person_ref(command.decided_by))
    return UseCase((DELIVERIES.ref(delivery_id),), decide, relaxed=entries)
