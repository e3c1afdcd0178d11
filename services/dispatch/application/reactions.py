"""What dispatch does when others tell it something. A repeated event changes nothing, even without the inbox."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from functools import partial
from typing import Any

from contracts.envelope import Envelope, IntegrationEvent
from contracts.events import insurance, insurance_audit, prescribe, prescribe_later, shortage, shortage_responses
from contracts.events.insurance_reconciliation import DifferenceClosed, DifferenceFound
from contracts.events.shortage_reporters import ReporterAlert
from services.dispatch.application import pharmacy_notices
from services.dispatch.application.allocations import forget_allocation, know_allocation
from services.dispatch.application.blocks import block, note_stop_use, unblock
from services.dispatch.application.money import clear, note_payment, note_quote, note_void, note_withdrawal
from services.dispatch.application.registers import REFERENCE
from services.dispatch.application.shelf import Circumstances, settle
from services.dispatch.application.shortages import end_reserve, forget_shortage, know_reserve, know_shortage
from services.dispatch.application.substitutions import (
    check_substitution,
    confirm_substitution,
    decline_substitution,
    end_protocol,
    know_protocol,
)
from services.dispatch.application.transfers import offer_transfer
from services.dispatch.domain.fulfilment import blocking, cancelling, ending, holds
from services.dispatch.domain.fulfilment.aggregate import FULFILMENTS, fulfilment_id
from services.dispatch.domain.fulfilment.commands import CancelQuantities, OpenFulfilment, RequestedLine
from services.dispatch.domain.fulfilment.state import FulfilmentState
from services.dispatch.domain.locator import LocatorState, TokenIssued, tokens_beside
from services.dispatch.domain.policy import POLICIES
from services.dispatch.domain.prescription_content import (
    CONTENTS,
    ContentLine,
    ContentState,
    ContentStored,
    InstalmentKnown,
    PrescriptionEnded,
    content_id,
)
from services.dispatch.domain.values import OpenedLine
from services.seedwork.calendar import civil_day
from services.seedwork.composition import Reaction
from services.seedwork.model import DomainEvent, Loaded, Refusal
from services.seedwork.register_loading import copy_entry
from services.seedwork.representation_copies import OF_PATIENTS_AND_REPRESENTATIVES
from services.seedwork.usecase import Decision, Load, Moment, UseCase

Thinking = Generator[Load, Any, Decision]


_KNOWN = set(ContentLine.model_fields)
"""Of a line; what a later release tells beside it is ignored."""


def store_content(event: prescribe.PrescriptionReleased) -> UseCase:
    """Keep what a pharmacy may see."""

    def decide(_moment: Moment, content: Loaded[ContentState]) -> Decision:
        known = content.state.content
        if known is not None and known.revision >= event.revision:
            return Decision.nothing()
        restricted = {use.line: use.met for use in event.insurance_intent.restricted_use}
        stored = ContentStored(
            prescription_id=event.prescription_id,
            patient_ref=event.patient_ref,
            revision=event.revision,
            prescriber=event.prescriber,
            institution=event.institution,
            patient_name=event.patient_name,
            diagnoses=None if event.diagnoses is None else tuple(row.model_dump() for row in event.diagnoses),
            disease_code=event.insurance_disease_code,
            lines=tuple(_content_line(row, restricted) for row in event.lines),
            reviewers=tuple(row.model_dump(mode="json") for row in event.reviewers),
            findings=tuple(row.model_dump(mode="json") for row in event.findings),
            confirmed=None if event.confirmed is None else tuple(row.model_dump() for row in event.confirmed),
            insurance_intent=event.insurance_intent.kind,
            signed_sha256=event.signed_sha256,
            signature=event.signature.model_dump(mode="json"),
            instalments=event.instalments,
            valid_until=event.valid_until,
            nominated_pharmacy=event.nominated_pharmacy,
        )
        return Decision.on(content, [stored])

    return UseCase((CONTENTS.ref(content_id(event.prescription_id)),), decide)


def _content_line(row: prescribe.ReleasedLine, restricted: Mapping[int, bool]) -> ContentLine:
    stated = {"restricted_use_met": restricted.get(row.line)}
    return ContentLine.model_validate({**row.model_dump(mode="json", include=_KNOWN), **stated})


def open_instalment(event: prescribe.InstalmentOpened) -> UseCase:
    """The instalment can be served: the fulfilment exists, and with it the patient's token."""

    def decide(
        _moment: Moment,
        content: Loaded[ContentState],
        fulfilment: Loaded[FulfilmentState],
        tokens: Loaded[LocatorState],
    ) -> Decision:
        stored = content.state.content
        if stored is None:
            facts = {"prescription_id": str(event.prescription_id)}
            return Decision.refused(Refusal("fulfilment.content_unknown", facts))
        lines = {row.line: row for row in stored.lines}
        command = OpenFulfilment(
            fulfilment_id=fulfilment.stream_id,
            prescription_id=event.prescription_id,
            patient_ref=event.patient_ref,
            instalment=event.instalment,
            instalments=event.of,
            prescription_revision=stored.revision,
            insurance_intent=stored.insurance_intent,
            opens_at=event.opens_at,
            closes_at=event.closes_at,
            lines=tuple(_opened(lines[row.line], row.quantity) for row in event.lines),
            nominated_pharmacy=content.state.nominated_pharmacy,
        )
        opened = holds.open_fulfilment(fulfilment.state, command)
        if isinstance(opened, Refusal) or not opened:
            return Decision.nothing()
        still_blocked = _still_blocked(fulfilment.after(opened), content.state)
        opened = [*opened, *still_blocked]
        decision = Decision.on(fulfilment, opened).and_also(content, [InstalmentKnown(instalment=event.instalment)])
        issued = TokenIssued(fulfilment_id=fulfilment.stream_id, issue=fulfilment.after(opened).token_issue)
        return decision.and_also(tokens, [issued])

    opening = fulfilment_id(event.prescription_id, event.instalment)
    streams = (
        CONTENTS.ref(content_id(event.prescription_id)),
        FULFILMENTS.ref(opening),
        tokens_beside(opening),
    )
    return UseCase(streams, decide)


def _still_blocked(fulfilment: FulfilmentState, content: ContentState) -> list[DomainEvent]:
    """What was asked about an earlier instalment and is not answered yet blocks this one as well."""
    events: list[DomainEvent] = []
    for asked in content.open_questions:
        events += blocking.block_lines(fulfilment, asked.block_id, asked.lines)
    return events


def _opened(row: ContentLine, quantity: int) -> OpenedLine:
    return OpenedLine(
        line=row.line,
        product=row.product,
        generic_name=row.generic_name,
        drug_key=row.drug_key,
        quantity=quantity,
        deliverable=row.deliverable and not row.counter_only,
        cold_chain=row.cold_chain,
        substitution_consent=row.substitution_consent,
        restricted_use_met=row.restricted_use_met,
        days=None if row.days is None else -(-row.days * quantity // row.quantity),
    )


def expire(event: prescribe.PrescriptionExpired) -> UseCase:
    """No new holds; what is free lapses, what runs goes on to its end."""

    def decide(moment: Moment, content: Loaded[ContentState]) -> Thinking:
        known = content.state.instalments
        refs = tuple(FULFILMENTS.ref(fulfilment_id(event.prescription_id, number)) for number in known)
        fulfilments = yield Load(refs)
        decision = _ended(content, "expired")
        for fulfilment in fulfilments:
            lapsed = ending.lapse(fulfilment.state)
            own = yield from settle(fulfilment, lapsed, Circumstances.at(moment))
            decision = Decision((*decision.changes, *own.changes))
        return decision

    return UseCase((CONTENTS.ref(content_id(event.prescription_id)),), decide)


def lapse_instalment(event: prescribe_later.InstalmentLapsed) -> UseCase:
    """The window of one instalment has closed: what is free of it lapses, what a hold frees later as well."""

    def decide(moment: Moment, fulfilment: Loaded[FulfilmentState]) -> Thinking:
        return (yield from settle(fulfilment, ending.lapse(fulfilment.state), Circumstances.at(moment)))

    return UseCase((FULFILMENTS.ref(fulfilment_id(event.prescription_id, event.instalment)),), decide)


def _ended(content: Loaded[ContentState], ended_as: str) -> Decision:
    """A prescription that never was in circulation leaves no trace here."""
    if content.state.content is None or content.state.ended_as == ended_as:
        return Decision.nothing()
    return Decision.on(content, [PrescriptionEnded.model_validate({"ended_as": ended_as})])


def _note_end(ended_as: str) -> Callable[[Any], UseCase]:
    def react(event: prescribe.PrescriptionCancelled | prescribe.PrescriptionCompleted) -> UseCase:
        def decide(_moment: Moment, content: Loaded[ContentState]) -> Decision:
            return _ended(content, ended_as)

        return UseCase((CONTENTS.ref(content_id(event.prescription_id)),), decide)

    return react


def decide_cancellation(event: prescribe.CancellationRequested) -> UseCase:
    """By the cancel table, once per request and fulfilment."""
    scope = None
    if event.scope is not None:
        scope = tuple(RequestedLine(line=row.line, quantity=row.quantity) for row in event.scope)
    command = CancelQuantities(request_id=event.request_id, scope=scope)

    def decide(moment: Moment, *fulfilments: Loaded[FulfilmentState]) -> Thinking:
        decision, wanted = Decision(), command
        policy = POLICIES.on(civil_day(moment.now), moment.jurisdiction)
        for fulfilment in fulfilments:
            answered = cancelling.decide_cancellation(fulfilment.state, wanted, moment.now, policy)
            wanted = cancelling.left_to_cancel(wanted, fulfilment.after(answered))
            own = yield from settle(fulfilment, answered, Circumstances.at(moment))
            decision = Decision((*decision.changes, *own.changes))
        return decision

    return UseCase(tuple(FULFILMENTS.ref(each) for each in event.fulfilments), decide)


def _reaction(react: Callable[[Any], UseCase]) -> Reaction:
    def of_event(event: Any, _envelope: Envelope) -> UseCase:
        return react(event)

    return of_event


_BY_EVENT: Mapping[type[IntegrationEvent], Callable[[Any], UseCase]] = {
    prescribe.PrescriptionReleased: store_content,
    prescribe.InstalmentOpened: open_instalment,
    prescribe.PrescriptionExpired: expire,
    prescribe.PrescriptionCancelled: _note_end("cancelled"),
    prescribe.PrescriptionCompleted: _note_end("completed"),
    prescribe.CancellationRequested: decide_cancellation,
    prescribe_later.InstalmentLapsed: lapse_instalment,
    prescribe_later.StopUseNotified: note_stop_use,
    prescribe_later.LinesBlocked: block,
    prescribe_later.LinesUnblocked: unblock,
    prescribe.RegisterEntryRecorded: partial(copy_entry, REFERENCE),
    insurance.RegisterEntryRecorded: partial(copy_entry, REFERENCE),
    insurance.ClaimQuoted: note_quote,
    insurance.ClaimRefused: pharmacy_notices.claim_refused,
    insurance.ClaimSettled: pharmacy_notices.claim_settled,
    insurance.ClaimReversed: pharmacy_notices.claim_reversed,
    insurance_audit.AuditFlagged: pharmacy_notices.audit_flagged,
    DifferenceFound: pharmacy_notices.difference_found,
    DifferenceClosed: pharmacy_notices.difference_closed,
    insurance.ClaimVoided: note_void,
    insurance.SupplyCleared: clear,
    insurance.ClearanceWithdrawn: note_withdrawal,
    insurance.PaymentChanged: note_payment,
    shortage.ShortageCaseConfirmed: know_shortage,
    shortage.ShortageCaseEnded: forget_shortage,
    shortage.ProtocolIssued: know_protocol,
    shortage.ProtocolEnded: end_protocol,
    shortage_responses.AllocationSet: know_allocation,
    shortage_responses.AllocationEnded: forget_allocation,
    shortage_responses.TransferProposed: offer_transfer,
    shortage_responses.ReserveReleased: know_reserve,
    shortage_responses.ReserveEnded: end_reserve,
    ReporterAlert: pharmacy_notices.reporter_alert,
    prescribe_later.SubstitutionConfirmed: confirm_substitution,
    prescribe_later.SubstitutionDeclined: decline_substitution,
    prescribe_later.SubstitutionChecked: check_substitution,
}

REACTIONS: dict[type[IntegrationEvent], Reaction] = {
    **OF_PATIENTS_AND_REPRESENTATIVES,
    **{event: _reaction(react) for event, react in _BY_EVENT.items()},
}
