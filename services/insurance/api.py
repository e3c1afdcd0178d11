"""Insurance over HTTP."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response
from pydantic import Field

from contracts.roles import Role
from services.insurance.application.access import concerns, sees
from services.insurance.application.claims import (
    authorise_claim,
    choose_self_pay_for_claim,
    decide_disputed_claim,
    give_credit_on_claim,
    order_reversal,
)
from services.insurance.application.members import (
    give_standing_authorisation,
    load_member,
    withdraw_standing_authorisation,
)
from services.insurance.application.payments import pay, payment_view
from services.insurance.application.previews import Question, answered, first_streams, preview_view, then_streams
from services.insurance.application.registers import KINDS
from services.insurance.application.views import balanced, claim_view, receipt_view
from services.insurance.composition import OUTSIDE
from services.insurance.domain.accumulator import YearFigures
from services.insurance.domain.claim import (
    CLAIM,
    AuthoriseClaim,
    ChooseSelfPay,
    ClaimState,
    DecideDispute,
    GiveCredit,
    OrderReversal,
)
from services.insurance.domain.claim_values import Bearer, Decision
from services.insurance.domain.member import ImportMember, MemberFacts
from services.insurance.domain.payment import PAYMENT, PayShare
from services.insurance.domain.preview import WantedLine
from services.seedwork.api import Body, Paging, Read, Refused, Run, allowed, answer, problems, register_routes
from services.seedwork.calendar import civil_day
from services.seedwork.clock import from_micros
from services.seedwork.usecase import Actor

FEED_LIMIT_MAX = 200
POSITION_MAX = 2**63 - 1
"""What a column of 64 bits holds."""

FEN_MAX = 10**12
"""Of one person: more is a slip of the pen."""
PREVIEW_LINE = r"^[A-Z0-9]{1,30}:[1-9]\d{0,7}:[1-9]\d{0,5}(:\d{1,10})?$"
Code = Annotated[str, Field(min_length=1, max_length=30)]
Reason = Annotated[str, Field(min_length=4, max_length=500)]

router = APIRouter()
router.routes.extend(register_routes(KINDS, read_right="insurance_register.read").routes)


class AuthoriseBody(Body):
    credential: Annotated[str, Field(min_length=4, max_length=64)] | None = Field(
        default=None, description="医保电子凭证; not needed with a standing authorisation"
    )


class SelfPayBody(Body):
    consent: str = Field(min_length=4, max_length=128, description="reference of the patient's written consent")


class CreditBody(Body):
    reason: Reason = Field(description="why the patient needs it now")
    patient_consent: Annotated[str, Field(min_length=4, max_length=128)] | None = Field(
        default=None, description="reference of the patient's written consent to pay should the insurer not"
    )


class ReversalBody(Body):
    reason: Reason


class DecisionBody(Body):
    decision: Decision
    bearer: Bearer
    reason: Reason


class PayBody(Body):
    reference: str = Field(min_length=4, max_length=64, description="the provider's reference of this payment")


class MemberBody(Body):
    patient_ref: UUID
    as_of: date = Field(description="day of the insurer's figures")
    insurer: Code
    insutype: Code = Field(description="310 employees, 390 residents")
    psn_type: Code = Field(description="在职, 退休, 居民")
    assistance: Code | None = Field(default=None, description="特困, 低保, 返贫")
    account_balance: int = Field(default=0, ge=0, le=FEN_MAX, description="fen")
    deductible_used: int = Field(default=0, ge=0, le=FEN_MAX, description="fen, in the year of as_of")
    pooled_paid: int = Field(default=0, ge=0, le=FEN_MAX, description="fen, in the year of as_of")
    insured_from: date
    insured_until: date | None = None


@router.get("/claims/{claim_id}", responses=problems("claim.unknown", "claim.not_yours"))
async def get_claim(claim_id: UUID, actor: Annotated[Actor, Depends(allowed("claim.read"))], read: Read) -> Response:
    """A claim with every amount and its rule."""
    (claim,) = await read.load(CLAIM.ref(claim_id))
    if claim.state.opened is None:
        raise Refused("claim.unknown", claim_id=str(claim_id))
    if not sees(actor, claim.state):
        raise Refused("claim.not_yours", claim_id=str(claim_id))
    return answer(claim_view(claim.state), version=claim.version)


@router.get("/claims/{claim_id}/receipt", responses=problems("claim.unknown", "claim.not_yours", "claim.not_settled"))
async def get_receipt(claim_id: UUID, actor: Annotated[Actor, Depends(allowed("claim.read"))], read: Read) -> Response:
    """The receipt of a settled claim: by line and payer the amount and its rule, and the digest it is known by."""
    return answer(receipt_view(await _settled(claim_id, actor, read)))


async def _settled(claim_id: UUID, actor: Actor, read: Read) -> ClaimState:
    (claim,) = await read.load(CLAIM.ref(claim_id))
    if claim.state.opened is None:
        raise Refused("claim.unknown", claim_id=str(claim_id))
    if not sees(actor, claim.state):
        raise Refused("claim.not_yours", claim_id=str(claim_id))
    if claim.state.receipt_sha256 is None:
        raise Refused("claim.not_settled", claim_id=str(claim_id), state=claim.state.state)
    settled: ClaimState = claim.state
    return settled


@router.get("/claims")
async def claims_of_supply(
    supply_id: UUID, actor: Annotated[Actor, Depends(allowed("claim.read"))], read: Read
) -> Response:
    """The claims for a supply, by attempt; only those that concern the caller."""
    rows = await read.find("claims_of_supply", supply_id=supply_id)
    return answer({"items": [dict(row) for row in rows if _concerns(actor, row)]})


@router.get("/share-previews", responses=problems("share.not_yours"))
async def share_preview(
    actor: Annotated[Actor, Depends(allowed("share.preview"))],
    read: Read,
    patient_ref: UUID,
    insurance_intent: Annotated[str, Query(min_length=1, max_length=30, examples=["pooled_outpatient"])],
    lines: Annotated[
        list[Annotated[str, Field(pattern=PREVIEW_LINE)]],
        Query(
            min_length=1,
            max_length=50,
            description="product:quantity:pack size[:fen per pack]; numbered as they come, quantities in base units",
        ),
    ],
    pharmacy: Annotated[str | None, Query(max_length=30, pattern=r"^[A-Z0-9]+$")] = None,
) -> Response:
    """What the patient would pay today, by line and payer with the rule of each amount. Nothing is kept, no claim made.

    `id` names this answer for the record of what was shown. The personal account is shown to the patient alone.
    `concerns` are codes of the error catalogue.
    """
    if actor.role == Role.PATIENT and actor.patient_ref != patient_ref:
        raise Refused("share.not_yours")
    question = Question(patient_ref, insurance_intent, pharmacy, tuple(_wanted(lines)))
    now = await read.now()
    first = await read.load(*first_streams(question, civil_day(now)))
    then = await read.load(*then_streams(question, first[0].state))
    found = answered(question, tuple(first), tuple(then), now, read.jurisdiction)
    return answer(preview_view(question, found, now, to_the_patient=actor.role == Role.PATIENT))


def _wanted(lines: list[str]) -> Iterator[WantedLine]:
    for number, line in enumerate(lines, 1):
        product, quantity, pack_size, *price = line.split(":")
        unit_price = int(price[0]) if price else None
        yield WantedLine(
            line=number, product=product, quantity=int(quantity), pack_size=int(pack_size), unit_price=unit_price
        )


def _concerns(actor: Actor, row: Mapping[str, Any]) -> bool:
    return concerns(actor, patient_ref=row["patient_ref"], pharmacy=row["pharmacy"], insurer=row["insurer"])


@router.post(
    "/claims/{claim_id}/authorise",
    responses=problems("claim.unknown", "claim.not_yours", "claim.wrong_state", "claim.credential_missing"),
)
async def authorise(
    claim_id: UUID, body: AuthoriseBody, _actor: Annotated[Actor, Depends(allowed("claim.authorise"))], run: Run
) -> Response:
    """Ask the insurer. The answer's `state` is authorised(cleared), authorised (the share is to be paid) or refused."""
    return await run(authorise_claim(AuthoriseClaim(claim_id=claim_id, credential=body.credential), OUTSIDE))


@router.post("/claims/{claim_id}/self-pay", responses=problems("claim.unknown", "claim.not_yours", "claim.wrong_state"))
async def self_pay(
    claim_id: UUID, body: SelfPayBody, _actor: Annotated[Actor, Depends(allowed("claim.authorise"))], run: Run
) -> Response:
    """The patient pays alone, with written consent."""
    return await run(choose_self_pay_for_claim(ChooseSelfPay(claim_id=claim_id, consent=body.consent), OUTSIDE))


@router.post(
    "/claims/{claim_id}/credit",
    responses=problems("claim.unknown", "claim.not_yours", "claim.wrong_state", "claim.credit_not_allowed"),
)
async def credit(
    claim_id: UUID, body: CreditBody, _actor: Annotated[Actor, Depends(allowed("claim.credit"))], run: Run
) -> Response:
    """Hand out before the money is certain; the token's person answers for it."""
    command = GiveCredit(claim_id=claim_id, reason=body.reason, patient_consent=body.patient_consent)
    return await run(give_credit_on_claim(command, OUTSIDE))


@router.post("/claims/{claim_id}/reversal", responses=problems("claim.unknown", "claim.not_yours", "claim.wrong_state"))
async def reversal(
    claim_id: UUID, body: ReversalBody, _actor: Annotated[Actor, Depends(allowed("claim.decide"))], run: Run
) -> Response:
    """The insurer orders that a settled claim be taken back, once."""
    return await run(order_reversal(OrderReversal(claim_id=claim_id, reason=body.reason), OUTSIDE))


@router.post(
    "/claims/{claim_id}/decision",
    responses=problems(
        "claim.unknown",
        "claim.not_yours",
        "claim.wrong_state",
        "claim.decision_not_possible",
        "claim.consent_missing",
    ),
)
async def decision(
    claim_id: UUID, body: DecisionBody, _actor: Annotated[Actor, Depends(allowed("claim.decide"))], run: Run
) -> Response:
    """A disputed claim is decided, with the bearer of the loss; the token's person is named."""
    return await run(decide_disputed_claim(DecideDispute(claim_id=claim_id, **body.model_dump()), OUTSIDE))


@router.post("/authorisations", responses=problems("authorisation.not_a_patient", "authorisation.wrong_state"))
async def give_authorisation(actor: Annotated[Actor, Depends(allowed("authorisation.give"))], run: Run) -> Response:
    """The patient's standing authorisation: claims are authorised when their supply is dispensed."""
    return await run(give_standing_authorisation(actor))


@router.post(
    "/authorisations/withdrawals", responses=problems("authorisation.not_a_patient", "authorisation.wrong_state")
)
async def withdraw_authorisation(actor: Annotated[Actor, Depends(allowed("authorisation.give"))], run: Run) -> Response:
    """The patient takes the standing authorisation back; what is authorised stays so."""
    return await run(withdraw_standing_authorisation(actor))


@router.get("/payments/{payment_id}", responses=problems("payment.unknown", "payment.not_yours"))
async def get_payment(
    payment_id: UUID, actor: Annotated[Actor, Depends(allowed("payment.read"))], read: Read
) -> Response:
    """A payment of the patient's share."""
    (payment,) = await read.load(PAYMENT.ref(payment_id))
    if payment.state.requested is None:
        raise Refused("payment.unknown", payment_id=str(payment_id))
    if payment.state.requested.patient_ref != actor.patient_ref:
        raise Refused("payment.not_yours", payment_id=str(payment_id))
    return answer(payment_view(payment.state), version=payment.version)


@router.get("/payments")
async def payments_of_claim(
    claim_id: UUID, actor: Annotated[Actor, Depends(allowed("payment.read"))], read: Read
) -> Response:
    """The payment of a claim, if it is the caller's."""
    rows = await read.find("payments_of_claim", claim_id=claim_id)
    return answer({"items": [dict(row) for row in rows if row["patient_ref"] == actor.patient_ref]})


@router.post(
    "/payments/{payment_id}/pay",
    responses=problems("payment.unknown", "payment.not_yours", "payment.wrong_state", "payment.outcome_unknown"),
)
async def pay_payment(
    payment_id: UUID, body: PayBody, _actor: Annotated[Actor, Depends(allowed("payment.pay"))], run: Run
) -> Response:
    """Pay the share under the provider's reference; the same reference again is the first answer again."""
    return await run(pay(PayShare(payment_id=payment_id, reference=body.reference), OUTSIDE))


@router.post("/members", status_code=201, responses=problems("member.unknown_insurer", "member.import_outdated"))
async def import_one_member(
    body: MemberBody, _actor: Annotated[Actor, Depends(allowed("member.load"))], run: Run
) -> Response:
    """The insurer's word on one person as of a day; the same again changes nothing."""
    imported = ImportMember(
        patient_ref=body.patient_ref,
        as_of=body.as_of,
        facts=MemberFacts(**body.model_dump(include=set(MemberFacts.model_fields))),
        figures=YearFigures(deductible_used=body.deductible_used, pooled_paid=body.pooled_paid),
    )
    return await run(load_member(imported))


@router.get("/settlements")
async def settlements(
    actor: Annotated[Actor, Depends(allowed("settlement.feed"))],
    read: Read,
    after: Annotated[
        int, Query(ge=0, le=POSITION_MAX, description="`next` of the answer before; 0: from the beginning")
    ] = 0,
    limit: Annotated[int, Query(ge=1, le=FEED_LIMIT_MAX)] = FEED_LIMIT_MAX,
) -> Response:
    """What the officer's insurer is told, in order: claims of own members settled or taken back.

    `next` is always there: ask again with it for what comes later.
    """
    insurer = actor.organisation or ""
    rows = await read.find("settlements_of_insurer", insurer=insurer, after=after, limit=limit)
    items = [dict(row) for row in rows]
    return answer({"items": items, "next": items[-1]["position"] if items else after})


@router.get("/trace-alarms")
async def trace_alarms(
    actor: Annotated[Actor, Depends(allowed("trace_alarm.read"))], read: Read, page: Paging
) -> Response:
    """Trace codes met a second time, whose first sale the officer's insurer paid; newest first. Codes as hashes."""
    before = page.after[0] if page.after else POSITION_MAX
    insurer = actor.organisation or ""
    rows = await read.find("trace_alarms_of_insurer", insurer=insurer, before=before, limit=page.fetch)
    return page.answer(rows, key=lambda row: [row["position"]], item=_alarm)


def _alarm(row: Mapping[str, Any]) -> dict[str, Any]:
    shown = ("code_sha256", "product", "kind", "found", "first", "second")
    claim_id = str(row["claim_id"]) if row["claim_id"] else None
    return {**{name: row[name] for name in shown}, "claim_id": claim_id, "recorded_at": from_micros(row["recorded_at"])}


@router.get("/ledger/trial-balance")
async def trial_balance(actor: Annotated[Actor, Depends(allowed("ledger.read"))], read: Read) -> Response:
    """Debits and credits by account over the claims of the officer's insurer, or of the pharmacist's pharmacy: pending
    until a claim is settled, posted from then on. Their balances sum to zero."""
    own = actor.organisation or ""
    if actor.role == Role.PHARMACIST:
        rows = await read.find("trial_balance_of_pharmacy", pharmacy=own)
    else:
        rows = await read.find("trial_balance", insurer=own)
    return answer(balanced(rows))
