"""What insurance tells the others: its domain events and their public twins."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from contracts.envelope import IntegrationEvent
from contracts.events import insurance as public
from contracts.events.insurance_audit import AuditFlagged
from contracts.registers import OWNER
from services.insurance.application.translation_reconciliation import RECONCILIATION_TOLD
from services.insurance.domain import claim_events, insurer_events
from services.insurance.domain import payment_events as payment
from services.insurance.domain.adjudication import Adjudication
from services.insurance.domain.audit.case import AUDIT, AuditState
from services.insurance.domain.claim import ClaimState
from services.insurance.domain.claim_values import DisputeAbout
from services.insurance.domain.payment import PaymentState
from services.seedwork.composition import Happened, Translation
from services.seedwork.model import DomainEvent
from services.seedwork.reference import EntryRecorded


def claim_identity(state: ClaimState) -> dict[str, Any]:
    """The names every public event of a claim carries."""
    opened = state.opened
    if opened is None:
        return {}
    return {
        "claim_id": opened.claim_id,
        "supply_id": opened.supply.supply_id,
        "prescription_id": opened.supply.prescription_id,
        "fulfilment_id": opened.supply.fulfilment_id,
        "attempt": opened.attempt,
        "patient_ref": opened.patient_ref,
        "pharmacy": opened.supply.pharmacy,
        "insurer": state.insurer,
    }


def claim_amounts(state: ClaimState, amounts: Adjudication) -> dict[str, Any]:
    """The amounts of a claim, by payer and by line."""
    return {
        "policy": amounts.policy,
        "policy_date": state.policy_date,
        "self_pay_reason": state.self_pay_reason,
        "total": amounts.total,
        "fund": amounts.fund,
        "account": amounts.paid_by("acct"),
        "patient_share": amounts.paid_by("patient"),
        "payers": [share.model_dump() for share in amounts.payers],
        "lines": [line.model_dump() for line in amounts.lines],
        "at_home": [share.model_dump() for share in amounts.at_home],
    }


def _claim_told(
    twin: type[IntegrationEvent], more: Callable[[Any], Mapping[str, Any]] = lambda _event: {}
) -> Translation:
    """Identity, amounts where the twin has them, and what only this event knows."""

    def translate(happened: Happened) -> list[IntegrationEvent]:
        state: ClaimState = happened.after
        fields = claim_identity(state)
        if issubclass(twin, public.ClaimAmountsEvent) and state.adjudication is not None:
            fields |= claim_amounts(state, state.adjudication)
        return [twin.model_validate({**fields, **more(happened.event)})]

    return translate


DISPUTED_AT: Mapping[DisputeAbout, str] = {
    "authorisation": "late",
    "settlement": "late",
    "reversal": "reverse",
}
"""The stage at which the insurer refused."""


def _decided(happened: Happened) -> list[IntegrationEvent]:
    """A decision that settles the claim tells its amounts; any other leaves them, or is told as a reversal."""
    event = happened.event
    if not isinstance(event, claim_events.DisputeDecided) or event.adjudication is None:
        return []
    told = {"receipt_sha256": event.receipt_sha256, "decided": event.decision}
    return [*_claim_told(public.ClaimSettled, lambda _event: told)(happened)]


def _unknown(stage: str) -> Translation:
    """No answer. A refused voiding is not told: it is asked again, and nothing has changed."""

    def translate(happened: Happened) -> list[IntegrationEvent]:
        event: Any = happened.event
        if getattr(event, "outcome", "unknown") != "unknown":
            return []
        fields = {"stage": stage, "next_inquiry_at": event.next_inquiry_at}
        return [public.ClaimOutcomeUnknown.model_validate({**claim_identity(happened.after), **fields})]

    return translate


PAYMENT_NAMES = {
    "payment_id",
    "claim_id",
    "supply_id",
    "prescription_id",
    "fulfilment_id",
    "patient_ref",
    "amount",
    "item",
}


def _payment_changed(happened: Happened) -> list[IntegrationEvent]:
    state: PaymentState = happened.after
    requested = state.requested
    if requested is None:
        return []
    event = happened.event
    reason = event.reason if isinstance(event, payment.PaymentFailed) else None
    carried = event if isinstance(event, payment.PaymentCarriedOver) else None
    borne_by, refunded = None, carried.refunded if carried else None
    if isinstance(event, payment.PaymentRefunded):
        borne_by, held = event.borne_by, happened.before.held
        refunded = held if held != requested.amount else None
    return [
        public.PaymentChanged.model_validate(
            {
                **requested.model_dump(include=PAYMENT_NAMES),
                "status": state.state,
                "channel": state.channel,
                "reference": state.refund_reference or state.reference,
                "reason": reason,
                "borne_by": borne_by,
                "refunded": refunded,
                "carried_to": state.carried_to,
                "covered": state.covered,
            }
        )
    ]


def _entry_recorded(happened: Happened) -> list[IntegrationEvent]:
    """Only what the others obey; the drug catalogue is insurance's own."""
    event = happened.event
    if not isinstance(event, EntryRecorded) or event.kind not in OWNER:
        return []
    return [public.RegisterEntryRecorded.model_validate(event.model_dump())]


def _quoted(happened: Happened) -> Iterable[IntegrationEvent]:
    """With what the audit finds in it, and what bringing it costs."""
    audited, opened = happened.after.audit, happened.after.opened
    hints = [finding.model_dump() for finding in audited.findings] if audited else []
    fee = opened.delivery_fee.amount if opened is not None and opened.delivery_fee else 0
    return _claim_told(public.ClaimQuoted, lambda _event: {"audit_hints": hints, "delivery_fee": fee})(happened)


def _audit_flagged(happened: Happened) -> list[IntegrationEvent]:
    """The case as it stands now, whatever has just happened to it; what people wrote is not told."""
    state: AuditState = happened.after
    flagged = state.flagged
    if flagged is None or state.grade is None:
        return []
    told = {
        **flagged.model_dump(include=AUDIT_NAMES),
        "stage": state.stage,
        "status": state.state,
        "grade": state.grade,
        "findings": [finding.model_dump() for finding in state.findings],
        "about_prescribing": any(finding.about == "prescribing" for finding in state.findings),
        "appeal_until": state.appeal_until,
    }
    return [AuditFlagged.model_validate(told)]


AUDIT_NAMES = {
    "audit_id",
    "claim_id",
    "supply_id",
    "prescription_id",
    "fulfilment_id",
    "patient_ref",
    "pharmacy",
    "insurer",
}


TRANSLATE: dict[type[DomainEvent], Translation] = {
    claim_events.ClaimQuoted: _quoted,
    **dict.fromkeys(AUDIT.events, _audit_flagged),
    claim_events.ClaimAuthorised: _claim_told(public.ClaimAuthorised, lambda event: {"reference": event.reference}),
    claim_events.ClaimRefused: _claim_told(
        public.ClaimRefused, lambda event: {"stage": "authorise", "reasons": event.reasons, "may_self_pay": True}
    ),
    claim_events.ClaimDisputed: _claim_told(
        public.ClaimRefused,
        lambda event: {"stage": DISPUTED_AT[event.about], "reasons": event.reasons, "may_self_pay": False},
    ),
    claim_events.DisputeDecided: _decided,
    claim_events.CreditGiven: _claim_told(public.SupplyCleared, lambda _event: {"how": "credit"}),
    claim_events.ClearanceWithdrawn: _claim_told(public.ClearanceWithdrawn, lambda event: {"reason": event.reason}),
    claim_events.AuthorisationOutcomeUnknown: _unknown("authorise"),
    insurer_events.SettlementNotConfirmed: _unknown("settle"),
    claim_events.VoidNotConfirmed: _unknown("void"),
    claim_events.ReverseNotConfirmed: _unknown("reverse"),
    claim_events.ClaimReversed: _claim_told(
        public.ClaimReversed, lambda event: {"reason": event.reason, "replaced_by": event.replaced_by}
    ),
    claim_events.ClaimCleared: _claim_told(public.SupplyCleared, lambda event: {"how": event.how}),
    claim_events.ClaimSettled: _claim_told(public.ClaimSettled, lambda event: {"receipt_sha256": event.receipt_sha256}),
    claim_events.ClaimVoided: _claim_told(
        public.ClaimVoided, lambda event: {"reason": event.reason, "replaced_by": event.replaced_by}
    ),
    payment.PaymentRequested: _payment_changed,
    payment.PaymentPaid: _payment_changed,
    payment.PaymentFailed: _payment_changed,
    payment.PaymentRefunded: _payment_changed,
    payment.PaymentExpired: _payment_changed,
    payment.PaymentCarriedOver: _payment_changed,
    payment.PaymentCovered: _payment_changed,
    EntryRecorded: _entry_recorded,
    **RECONCILIATION_TOLD,
}
