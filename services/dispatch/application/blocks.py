"""Refused at a counter, blocked and freed: over all instalments of a prescription, with the question and its answer."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

from contracts.events import prescribe_later as prescribe
from services.dispatch.application.holds import wrong_secret
from services.dispatch.application.registers import not_serving, person_ref, pharmacy_ref
from services.dispatch.application.shelf import Circumstances, settle
from services.dispatch.application.views import hold_view
from services.dispatch.domain.fulfilment import blocking
from services.dispatch.domain.fulfilment.aggregate import FULFILMENTS, fulfilment_id
from services.dispatch.domain.fulfilment.commands import RefuseAtPharmacy
from services.dispatch.domain.fulfilment.events import LinesBlocked
from services.dispatch.domain.fulfilment.state import FulfilmentState
from services.dispatch.domain.policy import POLICIES
from services.dispatch.domain.prescription_content import (
    CONTENTS,
    ContentState,
    QuestionAnswered,
    QuestionAsked,
    StopUseKnown,
    content_id,
)
from services.seedwork.calendar import civil_day
from services.seedwork.model import DomainEvent, Loaded, Refusal
from services.seedwork.reference import EntryState
from services.seedwork.usecase import Answer, Decision, Load, Moment, UseCase

Thinking = Generator[Load, Any, Decision]
Step = Callable[[FulfilmentState], list[DomainEvent]]


def refuse_at_pharmacy(fulfilment_id: Any, command: RefuseAtPharmacy, secret: str, hold_key: bytes) -> UseCase:
    """The hold ends as refused; the lines are blocked everywhere, and the prescriber is asked."""

    def decide(
        moment: Moment, fulfilment: Loaded[FulfilmentState], pharmacy: Loaded[EntryState], person: Loaded[EntryState]
    ) -> Thinking:
        refused = wrong_secret(hold_key, command.hold_id, command.pharmacy, secret)
        refused = refused or not_serving(pharmacy.state, person.state, moment, command.pharmacy, {"pharmacist"})
        if refused:
            return Decision.refused(refused)
        policy = POLICIES.on(civil_day(moment.now), moment.jurisdiction)
        outcome = blocking.refuse_at_pharmacy(fulfilment.state, command, moment.now, moment.ids, policy)
        if isinstance(outcome, Refusal):
            return Decision.refused(outcome)
        blocked = next(event for event in outcome if isinstance(event, LinesBlocked))
        asked = QuestionAsked(
            block_id=blocked.block_id,
            patient_ref=fulfilment.state.patient_ref,
            lines=blocked.lines,
            source="pharmacy",
            codes=(command.code,),
            asked_by=command.pharmacy,
            reason=command.reason,
        )
        decision = yield from settle(fulfilment, outcome, Circumstances.at(moment), _refused(command))
        (content,) = yield Load.of(CONTENTS.ref(content_id(fulfilment.state.prescription_id)))
        block = _blocking(asked)
        also = yield from _everywhere(moment, content, block, except_for=fulfilment.state.instalment)
        return Decision((*decision.changes, *also.changes), decision.answer).and_also(content, [asked])

    entries = (pharmacy_ref(command.pharmacy), person_ref(command.pharmacist))
    return UseCase((FULFILMENTS.ref(fulfilment_id),), decide, relaxed=entries)


def _refused(command: RefuseAtPharmacy) -> Callable[[FulfilmentState], Answer]:
    def show(state: FulfilmentState) -> Answer:
        hold = hold_view(state.holds[command.hold_id])
        return Answer(200, {**hold, "blocked_lines": sorted(state.blocked_lines)})

    return show


def block(event: prescribe.LinesBlocked) -> UseCase:
    """The rescreen, an authority or the register stopped lines."""
    asked = QuestionAsked(
        block_id=event.block_id,
        patient_ref=event.patient_ref,
        lines=event.lines,
        source=event.source,
        codes=event.codes,
        asked_by=event.asked_by,
        reason=event.reason,
    )

    def decide(moment: Moment, content: Loaded[ContentState]) -> Thinking:
        if event.block_id in content.state.questions:
            return Decision.nothing()
        decision = yield from _everywhere(moment, content, _blocking(asked))
        return decision.and_also(content, [asked])

    return UseCase((CONTENTS.ref(content_id(event.prescription_id)),), decide)


def unblock(event: prescribe.LinesUnblocked) -> UseCase:
    """The prescriber signed again: the lines are free of this block, and pharmacies see the whole dialogue."""
    answered = QuestionAnswered(
        block_id=event.block_id,
        patient_ref=event.patient_ref,
        answer=event.answer,
        signed_sha256=event.signed_sha256,
    )

    def decide(moment: Moment, content: Loaded[ContentState]) -> Thinking:
        if event.block_id in content.state.answers:
            return Decision.nothing()
        free: Step = lambda state: blocking.unblock_lines(state, event.block_id)  # noqa: E731
        decision = yield from _everywhere(moment, content, free)
        return decision.and_also(content, [answered])

    return UseCase((CONTENTS.ref(content_id(event.prescription_id)),), decide)


def note_stop_use(event: prescribe.StopUseNotified) -> UseCase:
    """Pharmacies that gave it hear what must not be used any more, and see it in the prescription."""
    lines = tuple(row.line for row in event.lines)

    def decide(_moment: Moment, content: Loaded[ContentState]) -> Decision:
        if any(each.request_id == event.request_id for each in content.state.stop_use):
            return Decision.nothing()
        known = StopUseKnown(
            request_id=event.request_id,
            reason_code=event.reason_code,
            lines=lines,
            fulfilments=tuple(fulfilment_id(event.prescription_id, each) for each in content.state.instalments),
        )
        return Decision.on(content, [known])

    return UseCase((CONTENTS.ref(content_id(event.prescription_id)),), decide)


def _blocking(asked: QuestionAsked) -> Step:
    return lambda state: blocking.block_lines(state, asked.block_id, asked.lines)


def _everywhere(
    moment: Moment, content: Loaded[ContentState], step: Step, except_for: int | None = None
) -> Generator[Load, Any, Decision]:
    """The step on every instalment that is known, saved together."""
    prescription_id = content.state.content.prescription_id if content.state.content else None
    numbers = [number for number in content.state.instalments if number != except_for]
    refs = tuple(FULFILMENTS.ref(fulfilment_id(prescription_id, number)) for number in numbers if prescription_id)
    fulfilments: tuple[Loaded[FulfilmentState], ...] = (yield Load(refs)) if refs else ()
    decision = Decision()
    for fulfilment in fulfilments:
        own = yield from settle(fulfilment, step(fulfilment.state), Circumstances.at(moment))
        decision = Decision((*decision.changes, *own.changes))
    return decision
