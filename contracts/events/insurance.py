"""Integration events of insurance: claims, payments of the patient's share, and its register.

Amounts are fen; each names the rule it follows from. Claims carry the random `patient_ref` and sums, and neither name
nor credential, so that the books stay countable after a patient is forgotten.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, ClassVar, Literal
from uuid import UUID

from pydantic import Field

from contracts.envelope import IntegrationEvent
from contracts.events.insurance_audit import AuditFindingTold
from contracts.values import ContractValue

Sha256 = str
PayerCode = Literal["hifp", "cvlserv", "hifes", "hifmi", "hifob", "maf", "commercial", "hosp", "acct", "patient"]


class RuledAmount(ContractValue):
    """Fen and the rule they follow from."""

    amount: int = Field(ge=0)
    rule: str


class PayerAmount(ContractValue):
    """What one payer bears. Funds by their national names, `hosp` the pharmacy where a dispute was decided so, `acct`
    the personal account, `patient` the patient."""

    payer: PayerCode
    amount: int = Field(ge=0)
    rule: str


class LineAmounts(ContractValue):
    """One dispensed line. `total` = own_pay + over_limit + first_self_pay + in_scope = sum of the payers.

    A prescription line that was filled at two prices, or from two products, appears once for each.
    """

    line: int = Field(ge=1)
    total: int = Field(ge=0)
    own_pay: RuledAmount = Field(description="全自费 fulamt_ownpay_amt")
    over_limit: RuledAmount = Field(description="超限价 overlmt_selfpay")
    first_self_pay: RuledAmount = Field(description="先行自付 preselfpay_amt")
    in_scope: RuledAmount = Field(description="符合政策范围 inscp_scp_amt")
    deductible: RuledAmount = Field(description="起付线 act_pay_dedc, the part of what is in scope that it takes")
    payers: tuple[PayerAmount, ...] = Field(description="who bears more than nothing, in the order in which they pay")


class ClaimEvent(IntegrationEvent):
    """What every event of a claim names. `attempt` counts the claims for one supply; the highest is the one to obey."""

    FAMILY: ClassVar[str] = "claim"

    claim_id: UUID
    supply_id: UUID
    prescription_id: UUID
    fulfilment_id: UUID
    attempt: int = Field(ge=1)
    patient_ref: UUID
    pharmacy: str
    insurer: str | None = Field(description="None: the patient pays alone")


class ClaimAmountsEvent(ClaimEvent):
    """A claim's event that tells its amounts."""

    policy: str = Field(description="the row of the policy table, or self-pay")
    policy_date: date
    self_pay_reason: (
        Literal["intent", "not_designated", "not_a_member", "insurer_not_in_force", "no_filing", "no_policy", "chosen"]
        | None
    ) = None
    total: int = Field(ge=0)
    fund: int = Field(ge=0, description="what the funds bear together")
    account: int = Field(ge=0, description="what the personal account bears")
    patient_share: int = Field(ge=0, description="what the patient pays in money")
    payers: tuple[PayerAmount, ...]
    lines: tuple[LineAmounts, ...]
    at_home: tuple[PayerAmount, ...] = Field(
        default=(), description="what payers beyond the one stop would bear; the patient pays it and claims it at home"
    )


class ClaimQuoted(ClaimAmountsEvent):
    """What a claim for a dispensed supply would come to; nothing is booked."""

    TYPE: ClassVar[str] = "insurance.claim_quoted.v1"

    delivery_fee: int = Field(default=0, ge=0, description="fen for bringing it, apart from the claim and its total")

    audit_hints: tuple[AuditFindingTold, ...] = Field(default=(), description="what the audit finds in it (智能审核)")


class ClaimAuthorised(ClaimAmountsEvent):
    """All payers of the one stop have accepted, or the patient pays alone; the yearly limits are reserved."""

    TYPE: ClassVar[str] = "insurance.claim_authorised.v1"

    reference: str | None = Field(default=None, description="the insurer's")


class ClaimRefused(ClaimEvent):
    """The insurer refused. At `authorise` the supply waits for the patient's choice: pay alone, or give it up. At
    `late` the patient already has it (it refuses what was handed out on credit, or to book what it had reserved), at
    `reverse` it is settled: a named officer decides who bears it."""

    TYPE: ClassVar[str] = "insurance.claim_refused.v1"

    stage: Literal["authorise", "late", "reverse"]
    reasons: tuple[str, ...]
    may_self_pay: bool


class SupplyCleared(ClaimEvent):
    """Authorised and the patient's share paid: the supply may leave the pharmacy."""

    TYPE: ClassVar[str] = "insurance.supply_cleared.v1"

    how: Literal["insured", "mixed", "self_pay", "credit"] = Field(
        description="`credit`: a named person of the pharmacy answers for it"
    )


class ClaimSettled(ClaimAmountsEvent):
    """The patient has it: amounts and yearly limits are final."""

    TYPE: ClassVar[str] = "insurance.claim_settled.v1"

    receipt_sha256: Sha256 = Field(pattern=r"^[0-9a-f]{64}$")
    decided: Literal["accepted_by_insurer", "pharmacy_bears", "patient_billed"] | None = Field(
        default=None, description="how a dispute about it was decided"
    )


class ClaimVoided(ClaimEvent):
    """A claim was taken back before it settled; all it had booked is negated and a paid share refunded."""

    TYPE: ClassVar[str] = "insurance.claim_voided.v1"

    reason: Literal["supply_undone", "payment_failed", "payment_expired", "part_accepted", "self_pay_chosen"]
    replaced_by: int | None = Field(default=None, description="the attempt that follows; None: the supply has no claim")


class ClaimOutcomeUnknown(ClaimEvent):
    """The insurer has not answered. Nothing is assumed; it is asked again, and nothing is handed out on it."""

    TYPE: ClassVar[str] = "insurance.claim_outcome_unknown.v1"

    stage: Literal["authorise", "settle", "void", "reverse"]
    next_inquiry_at: datetime | None = None


class ClearanceWithdrawn(ClaimEvent):
    """What was cleared may not leave the pharmacy any more."""

    TYPE: ClassVar[str] = "insurance.clearance_withdrawn.v1"

    reason: Literal["claim_refused"]


class ClaimReversed(ClaimAmountsEvent):
    """A settled claim was taken back: each of these amounts is negated exactly, last payer first; a paid share goes
    back to the patient."""

    TYPE: ClassVar[str] = "insurance.claim_reversed.v1"

    reason: Literal["supply_undone", "taken_back", "ordered", "decided"]
    replaced_by: int | None = Field(default=None, description="the attempt that bills what stays the patient's")


class PaymentChanged(IntegrationEvent):
    """The patient's share of a claim, or the fee of a delivery, was asked for, paid, has failed or was refunded.

    The two are apart; a fee belongs to the supply, and `claim_id` is the attempt with which it was asked for."""

    TYPE: ClassVar[str] = "insurance.payment_changed.v1"
    FAMILY: ClassVar[str] = "payment"

    payment_id: UUID
    claim_id: UUID
    supply_id: UUID
    prescription_id: UUID
    fulfilment_id: UUID
    patient_ref: UUID
    item: Literal["share", "delivery_fee"]
    status: Literal["requested", "paid", "failed", "refunded", "expired", "carried_over"] = Field(
        description="`carried_over`: another claim took the place of this one's, and what was paid counts there"
    )
    amount: int = Field(gt=0, description="fen")
    channel: str | None = None
    reference: str | None = Field(default=None, description="the provider's, of the payment or of its refund")
    reason: Literal["declined", "claim_voided", "not_owed"] | None = Field(default=None, description="why it failed")
    refunded: int | None = Field(
        default=None,
        ge=0,
        description="fen that went back, where not all was paid or a part was carried over; none at `refunded`: all",
    )
    carried_to: UUID | None = Field(default=None, description="the payment it counts for now")
    covered: int = Field(default=0, ge=0, description="fen of the amount that had been paid for the claim before")
    borne_by: Literal["pharmacy", "courier", "nobody"] | None = Field(
        default=None, description="of a fee that went back: who is left with what the carriage cost"
    )


class RegisterEntryRecorded(IntegrationEvent):
    """An insurer or a designation was admitted, changed, suspended or ended (定点); obeyed at once."""

    TYPE: ClassVar[str] = "insurance.register_entry_recorded.v1"
    FAMILY: ClassVar[str] = "insurance_register"

    kind: Literal["insurer", "designation"]
    code: str
    content: dict[str, Any] = Field(description="`contracts.registers.CONTENT[kind]`")
    valid_from: date
    valid_until: date | None = None
    suspended: bool = False
