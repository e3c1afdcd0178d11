"""What insurance is made of."""

from __future__ import annotations

from services.insurance.adapters.in_house import InHouseInsurer
from services.insurance.adapters.simulated_payments import SimulatedPayments
from services.insurance.application.claim_work import Outside
from services.insurance.application.claims import inquire
from services.insurance.application.reactions import reactions
from services.insurance.application.registers import BENEFIT_POLICIES, CATALOGUE, INSURANCE_REGISTER
from services.insurance.application.translation import TRANSLATE
from services.insurance.domain.accumulator import ACCUMULATOR
from services.insurance.domain.claim import CLAIM, INQUIRIES
from services.insurance.domain.member import MEMBER
from services.insurance.domain.payment import PAYMENT
from services.insurance.domain.policy import POLICIES
from services.insurance.domain.recalled_lots import RECALLED_LOTS
from services.insurance.domain.standing_authorisation import STANDING_AUTHORISATION
from services.insurance.domain.trace_alarm import TRACE_ALARM
from services.insurance.projections import METADATA, claims, ledger, payments, registers, trace_alarms
from services.seedwork.composition import Service
from services.seedwork.forgotten import FORGOTTEN
from services.seedwork.model import PersonalClass

OUTSIDE = Outside(gateway=InHouseInsurer(), provider=SimulatedPayments(), policies=POLICIES)

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
        TRACE_ALARM,
        RECALLED_LOTS,
        FORGOTTEN,
    ),
    translate=TRANSLATE,
    react=reactions(OUTSIDE),
    timers={(CLAIM.name, kind): lambda claim_id: inquire(claim_id, OUTSIDE) for kind in INQUIRIES.values()},
    projections=(
        claims.PROJECTION,
        payments.PROJECTION,
        ledger.PROJECTION,
        registers.PROJECTION,
        trace_alarms.PROJECTION,
    ),
    rights=frozenset({PersonalClass.IDENTITY, PersonalClass.FINANCIAL, PersonalClass.CLINICAL}),
    jurisdictions=POLICIES.names,
    metadata=METADATA,
)
