"""What insurance is made of."""

from __future__ import annotations

from services.insurance.adapters.in_house import InHouseInsurer
from services.insurance.adapters.national.gateway import NationalGateway
from services.insurance.adapters.simulated_payments import CHANNEL, SimulatedPayments
from services.insurance.application.audits import end_audit_appeal
from services.insurance.application.claim_inquiries import inquire
from services.insurance.application.claim_work import Outside
from services.insurance.application.payments import expire_payment, inquire_payment
from services.insurance.application.reactions import reactions
from services.insurance.application.rebillings import end_rebill
from services.insurance.application.registers import (
    AUDIT_RULES,
    BENEFIT_POLICIES,
    CATALOGUE,
    DELIVERY_TARIFFS,
    INSURANCE_REGISTER,
)
from services.insurance.application.translation import TRANSLATE
from services.insurance.application.webhooks import SETTLEMENTS
from services.insurance.domain.accumulator import ACCUMULATOR
from services.insurance.domain.audit.case import APPEAL_DEADLINE, AUDIT
from services.insurance.domain.audit.history import HISTORY
from services.insurance.domain.audit.prescription import PRESCRIPTION
from services.insurance.domain.claim import CLAIM, INQUIRIES, REBILL_EXPIRY
from services.insurance.domain.clearing import CLEARING
from services.insurance.domain.kept_receipt import KEPT_RECEIPT
from services.insurance.domain.member import MEMBER
from services.insurance.domain.payment import EXPIRY, INQUIRY, PAYMENT
from services.insurance.domain.policy import POLICIES
from services.insurance.domain.recalled_lots import RECALLED_LOTS
from services.insurance.domain.reconciliation import RECONCILIATION
from services.insurance.domain.standing_authorisation import STANDING_AUTHORISATION
from services.insurance.domain.trace_alarm import TRACE_ALARM
from services.insurance.projections import (
    METADATA,
    audits,
    claims,
    clearing,
    ledger,
    payer_items,
    payment_tasks,
    payments,
    provider_items,
    reconciliations,
    registers,
    trace_alarms,
    webhooks,
)
from services.seedwork.composition import Service
from services.seedwork.forgotten import FORGOTTEN
from services.seedwork.model import PersonalClass
from services.seedwork.representation import REPRESENTATIONS, representations_of
from services.seedwork.webhooks.endpoint import ENDPOINT

OUTSIDE = Outside(
    gateway=InHouseInsurer(),
    provider=SimulatedPayments(),
    policies=POLICIES,
    remote={"national": NationalGateway()},
    channels=frozenset({CHANNEL}),
)

SERVICE = Service(
    name="insurance",
    port=8104,
    aggregates=(
        CLAIM,
        PAYMENT,
        MEMBER,
        ACCUMULATOR,
        STANDING_AUTHORISATION,
        INSURANCE_REGISTER,
        CATALOGUE,
        BENEFIT_POLICIES,
        DELIVERY_TARIFFS,
        AUDIT_RULES,
        AUDIT,
        HISTORY,
        PRESCRIPTION,
        TRACE_ALARM,
        RECALLED_LOTS,
        KEPT_RECEIPT,
        RECONCILIATION,
        CLEARING,
        FORGOTTEN,
        REPRESENTATIONS,
        ENDPOINT,
    ),
    translate=TRANSLATE,
    react=reactions(OUTSIDE),
    timers={
        **{(CLAIM.name, kind): lambda claim_id: inquire(claim_id, OUTSIDE) for kind in INQUIRIES.values()},
        (CLAIM.name, REBILL_EXPIRY): lambda claim_id: end_rebill(claim_id, OUTSIDE),
        (PAYMENT.name, EXPIRY): lambda payment_id: expire_payment(payment_id, OUTSIDE),
        (PAYMENT.name, INQUIRY): lambda payment_id: inquire_payment(payment_id, OUTSIDE),
        (AUDIT.name, APPEAL_DEADLINE): lambda audit_id: end_audit_appeal(audit_id, OUTSIDE),
    },
    projections=(
        claims.PROJECTION,
        payments.PROJECTION,
        ledger.PROJECTION,
        registers.PROJECTION,
        trace_alarms.PROJECTION,
        audits.PROJECTION,
        payer_items.PROJECTION,
        provider_items.PROJECTION,
        reconciliations.PROJECTION,
        clearing.PROJECTION,
        payment_tasks.PROJECTION,
        webhooks.PROJECTION,
    ),
    webhooks=SETTLEMENTS,
    rights=frozenset({PersonalClass.IDENTITY, PersonalClass.FINANCIAL, PersonalClass.CLINICAL}),
    jurisdictions=POLICIES.names,
    represented=representations_of,
    metadata=METADATA,
)
