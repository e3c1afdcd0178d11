"""The patient chooses a pharmacy after the release: for every instalment that is not over, and those to come."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any
from uuid import UUID

from services.dispatch.application.registers import admitted_pharmacy, pharmacy_ref
from services.dispatch.application.views import hold_view
from services.dispatch.domain.fulfilment import nomination
from services.dispatch.domain.fulfilment.aggregate import FULFILMENTS, fulfilment_id
from services.dispatch.domain.fulfilment.nomination import NominatePharmacy
from services.dispatch.domain.fulfilment.state import FulfilmentState
from services.dispatch.domain.prescription_content import CONTENTS, ContentState, NominationKnown, content_id
from services.seedwork.model import DomainEvent, Loaded, Refusal
from services.seedwork.reference import EntryState
from services.seedwork.usecase import Answer, Decision, Load, Moment, UseCase

Thinking = Generator[Load, Any, Decision]


def nominate_pharmacy(about: UUID, command: NominatePharmacy) -> UseCase:
    """The patient's choice. A pharmacy that holds already goes on; the answer says what still runs."""

    def decide(moment: Moment, fulfilment: Loaded[FulfilmentState], *pharmacy: Loaded[EntryState]) -> Thinking:
        state = fulfilment.state
        if not fulfilment.exists:
            return Decision.refused(Refusal("fulfilment.unknown", {"fulfilment_id": str(about)}))
        refused = nomination.refuses_nomination(state, moment.actor.patient_ref) or _not_admitted(pharmacy, moment)
        if refused:
            return Decision.refused(refused)
        content: Loaded[ContentState]
        (content,) = yield Load.of(CONTENTS.ref(content_id(state.prescription_id)))
        numbers = [number for number in content.state.instalments if number != state.instalment]
        refs = tuple(FULFILMENTS.ref(fulfilment_id(state.prescription_id, number)) for number in numbers)
        others: tuple[Loaded[FulfilmentState], ...] = (yield Load(refs)) if refs else ()
        decision = Decision(answer=_answer(state, command))
        for one in (fulfilment, *others):
            decision = _with(decision, one, nomination.nominate(one.state, command))
        changed = content.state.nominated_pharmacy != command.pharmacy
        return _with(decision, content, [NominationKnown(pharmacy=command.pharmacy)] if changed else [])

    chosen = () if command.pharmacy is None else (pharmacy_ref(command.pharmacy),)
    return UseCase((FULFILMENTS.ref(about),), decide, relaxed=chosen)


def _not_admitted(pharmacy: tuple[Loaded[EntryState], ...], moment: Moment) -> Refusal | None:
    for each in pharmacy:
        found = admitted_pharmacy(each.state, moment)
        if isinstance(found, Refusal):
            return found
    return None


def _with(decision: Decision, loaded: Loaded[Any], events: Sequence[DomainEvent]) -> Decision:
    return decision.and_also(loaded, events) if events else decision


def _answer(state: FulfilmentState, command: NominatePharmacy) -> Answer:
    running = [hold_view(hold) for hold in state.running_holds()]
    body = {"fulfilment_id": str(state.fulfilment_id), "nominated_pharmacy": command.pharmacy, "holds": running}
    return Answer(body=body)
