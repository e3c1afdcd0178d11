"""What must hold of reviews and of what circulates: who may decide, what was passed, what is blocked; see
`invariants`."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from contracts.registers import Person
from rxflow.simulation.books import AllBooks, Books, Stream
from services.dispatch.domain.fulfilment import events as fulfilled
from services.dispatch.domain.fulfilment.aggregate import FULFILMENTS
from services.dispatch.domain.fulfilment.state import FulfilmentState
from services.dispatch.domain.prescription_content import CONTENTS
from services.prescribe.domain.prescription import PRESCRIPTION, PrescriptionState
from services.prescribe.domain.prescription_events import PrescriptionReleased
from services.review.application.licences import REFERENCE, agreement_ref
from services.review.domain import events as reviewed
from services.review.domain.authority import REVIEWER, SUPERVISOR
from services.review.domain.case import CASE, CaseState, case_id
from services.review.domain.values import Severity
from services.seedwork.reference import entry

PASSES = (reviewed.CasePassed, reviewed.CaseFirstPassed)
DECISIONS = (*PASSES, reviewed.CaseReturned, reviewed.CaseRefused)


def reviews_are_lawful(review: Books) -> Iterator[str]:
    """Nobody reviews without licence, role and lease, nor an own prescription; the second reviewer is another person;
    nothing that blocks is passed."""
    for stream in review.of(CASE):
        state: CaseState = CASE.initial
        for event, moment in zip(stream.events, stream.moments, strict=True):
            if isinstance(event, (*DECISIONS, reviewed.CaseTaken)):
                for wrong in _wrong_with(review, state, event, moment):
                    yield f"case {stream.stream_id}: {type(event).__name__} by {event.reviewer.person}: {wrong}"
            state = CASE.evolve(state, event)


def _wrong_with(review: Books, state: CaseState, event: Any, moment: datetime) -> Iterator[str]:
    person = event.reviewer.person
    if state.opened is None or person == state.opened.prescriber:
        yield "the prescriber's own"
        return
    professions = _licensed_for(review, person, state.opened.institution)
    if REVIEWER not in professions:
        yield f"licensed here as {sorted(professions)}"
    if isinstance(event, reviewed.CaseTaken):
        leased = state.holder is not None and not state.lease_over(moment)
        if event.taken_over_from is not None and SUPERVISOR not in professions:
            yield "took over and is no supervisor"
        if event.taken_over_from is None and leased:
            yield f"took it while {state.holder} held it"
        return
    yield from _wrong_decision(state, event, person, moment)


def _wrong_decision(state: CaseState, event: Any, person: str, moment: datetime) -> Iterator[str]:
    if state.status == "second_wanted":
        if person in {first.person for first in state.reviewers}:
            yield "the first reviewer again"
    elif state.status == "taken":
        if state.holder is None or state.holder.person != person or state.lease_over(moment):
            yield f"the lease is {state.holder}'s until {state.lease_until}"
    elif (
        not isinstance(event, PASSES) or state.degraded or any(each.severity > Severity.INFO for each in state.findings)
    ):
        yield f"nobody held it, and it was {state.status} with {len(state.findings)} findings"
    if isinstance(event, PASSES):
        if any(each.severity is Severity.BLOCKING for each in state.findings):
            yield "a finding blocks it"
        if event.reviewer.signed_sha256 is None:
            yield "not signed"
        confirmed = [each for each in state.findings if each.number in state.confirmed]
        serious = any(each.severity >= Severity.SERIOUS for each in confirmed)
        if serious and isinstance(event, reviewed.CasePassed) and state.second_wanted is None:
            yield "one pass is not enough for what the prescriber insisted on"


def _licensed_for(review: Books, person: str, institution: str) -> frozenset[str]:
    """As what the registers know the person, at this institution or one that reviews for it."""
    known = review.streams.get(entry(REFERENCE, "person", person).stream_id)
    content = known.state.read(Person) if known else None
    if content is None:
        return frozenset()
    delegated = agreement_ref(institution, content.organisation).stream_id in review.streams
    return frozenset(content.professions) if content.organisation == institution or delegated else frozenset()


def released_was_passed(books: AllBooks) -> Iterator[str]:
    """Nothing circulates that was not passed by review in exactly this form, once."""
    for stream in books["prescribe"].of(PRESCRIPTION):
        state: PrescriptionState = PRESCRIPTION.initial
        for event in stream.events:
            if isinstance(event, PrescriptionReleased):
                current = state.signed
                case = books["review"].streams.get(
                    case_id(current.prescription_id, current.revision, current.confirmation_no)
                )
                passed = case is not None and case.state.status == "passed"
                if not passed or case.state.opened.signed_sha256 != current.signature.sha256:  # type: ignore[union-attr]
                    yield f"prescription {current.prescription_id} was released; its case is {case and case.state}"
                break
            state = PRESCRIPTION.evolve(state, event)


def blocked_stays_in_the_shop(stream: Stream) -> Iterator[str]:
    """A blocked line is never held, passed, prepared or dispensed while it is blocked."""
    state: FulfilmentState = FULFILMENTS.initial
    for event in stream.events:
        blocked = {line for lines in state.blocks.values() for line in lines}
        touched = blocked & _lines_of(state, event) if blocked else ()
        if touched:
            yield f"{type(event).__name__} of blocked lines {sorted(touched)} of fulfilment {state.fulfilment_id}"
        state = FULFILMENTS.evolve(state, event)
    blocked = {line for lines in state.blocks.values() for line in lines}
    for hold in state.running_holds():
        if blocked & {row.line for row in hold.lines}:
            yield f"hold {hold.hold_id} holds blocked lines {sorted(blocked)} of fulfilment {state.fulfilment_id}"


def _lines_of(state: FulfilmentState, event: Any) -> set[int]:
    match event:
        case fulfilled.QuantityHeld() | fulfilled.SupplyPrepared() | fulfilled.SupplyDispensed():
            return {row.line for row in event.lines}
        case fulfilled.HoldAccepted():
            return {row.line for row in state.holds[event.hold_id].lines}
    return set()


def blocked_everywhere(dispatch: Books) -> Iterator[str]:
    """What waits for the prescriber's answer is blocked in every instalment that can still be had."""
    fulfilments = {(state.prescription_id, state.instalment): state for state in dispatch.states(FULFILMENTS)}
    for content in dispatch.states(CONTENTS):
        for asked in content.open_questions:
            for number in content.instalments:
                found = fulfilments[content.content.prescription_id, number]
                lines = set(asked.lines or found.lines) & set(found.lines)
                blocked = {line for each in found.blocks.values() for line in each}
                if found.status != "closed" and not lines <= blocked:
                    name = found.prescription_id
                    yield f"prescription {name} instalment {number}: {sorted(lines)} are asked about, {blocked} blocked"


def both_ask_the_same(prescription: PrescriptionState, books: AllBooks) -> Iterator[str]:
    """prescribe and dispatch wait for the same answers of the prescriber, and know of the same notices to stop use."""
    name = prescription.signed.prescription_id
    content = next(
        (c for c in books["dispatch"].states(CONTENTS) if c.content and c.content.prescription_id == name), None
    )
    if content is None:
        return
    asked = {each.raised.block_id for each in prescription.blocks if each.answered_by is None}
    known = {each.block_id for each in content.open_questions}
    if asked != known and not prescription.ended:
        yield f"prescription {name}: the prescriber is asked {asked}, pharmacies wait for {known}"
    told = {each.request_id for each in content.stop_use}
    if told != set(prescription.stop_use):
        yield f"prescription {name}: pharmacies know of the notices {told}, the patient of {set(prescription.stop_use)}"
