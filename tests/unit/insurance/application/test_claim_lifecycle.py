"""A claim from the dispensed supply to its settlement or its voiding."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import pytest

from services.insurance.adapters.in_house import InHouseInsurer
from services.insurance.adapters.simulated_payments import SimulatedPayments
from services.insurance.application.claim_inquiries import inquire
from services.insurance.application.claim_work import Outside
from services.insurance.application.claims import authorise_claim, choose_self_pay_for_claim
from services.insurance.application.members import (
    give_standing_authorisation,
    load_member,
    withdraw_standing_authorisation,
)
from services.insurance.application.payments import pay
from services.insurance.application.views import claim_view
from services.insurance.domain.accumulator import YearFigures, accumulator_of
from services.insurance.domain.claim import CLAIM as CLAIM_AGGREGATE
from services.insurance.domain.claim import AuthoriseClaim, ChooseSelfPay, claim_id_of
from services.insurance.domain.gateway import BenefitRequest, GatewayOutcome, OutcomeKind
from services.insurance.domain.member import member_of
from services.insurance.domain.payment import PayShare, payment_of
from services.insurance.domain.policy import POLICIES, InsurancePolicy
from services.seedwork.policies import Jurisdictions, Policies
from services.seedwork.usecase import Actor
from tests.unit.insurance.memory import (
    ADMIN,
    INSURER,
    NOW,
    OFFICER,
    PATIENT,
    PATIENT_ACTOR,
    PHARMACIST,
    PHARMACY,
    SUPPLY,
    Memory,
    dispensed,
    golden_member,
    insured_world,
    received,
    recorded,
    undone,
)

CLAIM = claim_id_of(SUPPLY, 1)
PAYMENT = payment_of(CLAIM).stream_id
CN = POLICIES.of("cn").versions[-1]
VOID_INQUIRY = CN.void_inquiry
ASK = AuthoriseClaim(claim_id=CLAIM, credential="token-4711")


def authorised_world() -> Memory:
    memory = insured_world()
    memory.run(give_standing_authorisation(PATIENT_ACTOR), PATIENT_ACTOR)
    memory.hear(dispensed())
    return memory


def paid_world() -> Memory:
    memory = authorised_world()
    memory.run(pay(PayShare(payment_id=PAYMENT, reference="WX-0001"), memory.outside), PATIENT_ACTOR)
    return memory


def used(memory: Memory) -> YearFigures:
    figures: YearFigures = memory.loaded(accumulator_of(PATIENT, 2026)).state.used
    return figures


def account(memory: Memory) -> int:
    available: int = memory.loaded(member_of(PATIENT)).state.account_available
    return available


# opened


def test_a_dispensed_supply_is_quoted_and_waits_for_the_patient() -> None:
    memory = insured_world()
    memory.hear(dispensed())
    assert memory.claim().state == "quoted"
    assert memory.claim().insurer == INSURER
    assert memory.claim().patient_share == 4200
    assert memory.names_told() == ["insurance.claim_quoted.v1"]
    assert used(memory).deductible_used == 15000


def test_the_same_supply_again_opens_no_second_claim() -> None:
    memory = insured_world()
    memory.hear(dispensed())
    memory.hear(dispensed())
    assert memory.names_told() == ["insurance.claim_quoted.v1"]


def test_a_standing_authorisation_authorises_at_once() -> None:
    memory = authorised_world()
    assert memory.claim().state == "authorised"
    assert memory.payment().state == "requested"
    assert memory.names_told() == [
        "insurance.claim_quoted.v1",
        "insurance.claim_authorised.v1",
        "insurance.payment_changed.v1",
    ]
    assert used(memory) == YearFigures(deductible_used=20000, pooled_paid=7350, burden=9900, funds={"maf": 4950})
    assert account(memory) == 0


@pytest.mark.parametrize(
    ("changed", "member", "reason"),
    [
        ({"insurance_intent": "self_pay"}, {}, "intent"),
        ({"self_pay_only": True, "designations": ()}, {}, "not_designated"),
        ({"designations": ({"insurer": "I330100", "channels": ("门诊统筹",)},)}, {}, "not_designated"),
        ({"designations": ({"insurer": INSURER, "channels": ("定点",)},)}, {}, "not_designated"),
        ({"insurance_intent": "unheard_of"}, {}, "not_designated"),
        ({"patient_ref": UUID(int=99)}, {}, "not_a_member"),
        ({}, {"insured_until": "2026-03-01"}, "not_a_member"),
        ({}, {"psn_type": "离休"}, "no_policy"),
    ],
)
def test_where_no_insurer_pays_the_patients_share_is_due_at_once(
    changed: dict[str, object], member: dict[str, object], reason: str
) -> None:
    memory = insured_world(**member)
    memory.hear(dispensed(**changed))
    claim = memory.claim()
    assert (claim.state, claim.insurer, claim.self_pay_reason) == ("authorised", None, reason)
    assert claim.adjudication is not None
    assert {share.payer: share.amount for share in claim.adjudication.payers} == {"patient": 22500}
    assert memory.payment().state == "requested"


def test_a_suspended_insurer_pays_nothing() -> None:
    memory = insured_world()
    content = {"name": "x", "region": "310100"}
    memory.run(recorded("insurer", INSURER, content, NOW.date(), suspended=True), ADMIN)
    memory.hear(dispensed())
    assert memory.claim().self_pay_reason == "insurer_not_in_force"


def test_lots_of_one_product_are_one_claim_line() -> None:
    memory = insured_world()
    first, second, third = dispensed().lines
    halves = (first.model_copy(update={"quantity": 10, "amount": 2550, "lot": "A"}),) * 2
    memory.hear(dispensed(lines=(*halves, second, third)))
    opened = memory.claim().opened
    assert opened is not None
    assert [(line.line, line.quantity, line.amount) for line in opened.lines] == [
        (1, 20, 5100),
        (2, 30, 14400),
        (3, 10, 3000),
    ]


# authorised


@pytest.mark.parametrize("actor", [PATIENT_ACTOR, PHARMACIST])
def test_the_patients_credential_authorises_and_goes_into_no_event(actor: Actor) -> None:
    memory = insured_world()
    memory.hear(dispensed())
    answer = memory.run(authorise_claim(ASK, memory.outside), actor)
    assert answer.body["state"] == "authorised"
    assert answer.body["patient_share"] == 4200
    assert answer.body["payment_id"] == str(PAYMENT)
    assert not any("token-4711" in recorded.event.model_dump_json() for recorded in memory.log)


def test_without_credential_or_standing_authorisation_the_insurer_is_not_asked() -> None:
    memory = insured_world()
    memory.run(give_standing_authorisation(PATIENT_ACTOR), PATIENT_ACTOR)
    memory.run(withdraw_standing_authorisation(PATIENT_ACTOR), PATIENT_ACTOR)
    memory.hear(dispensed())
    refusal = memory.refused(authorise_claim(AuthoriseClaim(claim_id=CLAIM), memory.outside), PATIENT_ACTOR)
    assert refusal.code == "claim.credential_missing"


def test_a_standing_authorisation_given_later_is_enough_for_the_command() -> None:
    memory = insured_world()
    memory.hear(dispensed())
    memory.run(give_standing_authorisation(PATIENT_ACTOR), PATIENT_ACTOR)
    answer = memory.run(authorise_claim(AuthoriseClaim(claim_id=CLAIM), memory.outside), PATIENT_ACTOR)
    assert answer.body["state"] == "authorised"


@pytest.mark.parametrize(
    "actor",
    [
        Actor("patient-2", "patient", patient_ref=UUID(int=77)),
        Actor("pharmacist-2", "pharmacist", organisation="P31010100002"),
        Actor("regulator-1", "regulator"),
    ],
)
def test_somebody_elses_claim_is_refused(actor: Actor) -> None:
    memory = insured_world()
    memory.hear(dispensed())
    assert memory.refused(authorise_claim(ASK, memory.outside), actor).code == "claim.not_yours"
    choice = ChooseSelfPay(claim_id=CLAIM, consent="paper-1")
    assert memory.refused(choose_self_pay_for_claim(choice, memory.outside), actor).code == "claim.not_yours"


def test_an_unknown_claim_is_refused() -> None:
    memory = insured_world()
    assert memory.refused(authorise_claim(ASK, memory.outside), OFFICER).code == "claim.unknown"
    choice = ChooseSelfPay(claim_id=CLAIM, consent="paper-1")
    assert memory.refused(choose_self_pay_for_claim(choice, memory.outside), OFFICER).code == "claim.unknown"


def test_an_authorised_claim_is_not_authorised_again() -> None:
    memory = authorised_world()
    refusal = memory.refused(authorise_claim(ASK, memory.outside), PATIENT_ACTOR)
    assert (refusal.code, refusal.facts["state"]) == ("claim.wrong_state", "authorised")
    choice = ChooseSelfPay(claim_id=CLAIM, consent="paper-1")
    assert memory.refused(choose_self_pay_for_claim(choice, memory.outside), PATIENT_ACTOR).code == "claim.wrong_state"


def test_who_is_no_longer_insured_is_refused_and_may_pay_alone() -> None:
    # given a quote, and an import since that ends the membership
    memory = insured_world()
    memory.hear(dispensed())
    memory.run(load_member(golden_member(as_of=NOW.date(), insured_until="2026-03-01")), ADMIN)
    # when the claim is authorised
    answer = memory.run(authorise_claim(ASK, memory.outside), PATIENT_ACTOR)
    # then it is refused with the reason, and the patient may choose to pay alone
    assert (answer.body["state"], answer.body["reasons"]) == ("refused", ["not_a_member"])
    choice = ChooseSelfPay(claim_id=CLAIM, consent="paper-1")
    answer = memory.run(choose_self_pay_for_claim(choice, memory.outside), PHARMACIST)
    assert (answer.body["state"], answer.body["patient_share"]) == ("authorised", 22500)
    assert memory.names_told()[-3:] == [
        "insurance.claim_refused.v1",
        "insurance.claim_authorised.v1",
        "insurance.payment_changed.v1",
    ]


def test_two_claims_never_use_the_same_room_of_the_year() -> None:
    # given one authorised claim that used up deductible and account
    memory = authorised_world()
    second = UUID(int=20)
    # when the next supply of the same patient is dispensed
    memory.hear(dispensed(supply_id=second))
    # then its claim starts where the first left
    claim = memory.claim(supply=second)
    assert claim.adjudication is not None
    assert claim.adjudication.deductible == 0
    assert claim.adjudication.paid_by("acct") == 0
    assert used(memory).deductible_used == 20000


def test_a_share_of_zero_is_cleared_at_once() -> None:
    memory = insured_world(account_balance=10_000_000)
    memory.run(give_standing_authorisation(PATIENT_ACTOR), PATIENT_ACTOR)
    memory.hear(dispensed())
    assert memory.claim().state == "authorised(cleared)"
    assert memory.claim().cleared == "insured"
    assert memory.payment().state == "-"
    assert memory.names_told()[-1] == "insurance.supply_cleared.v1"


# paid and settled


def test_a_paid_share_clears_the_supply() -> None:
    memory = paid_world()
    assert memory.claim().state == "authorised(cleared)"
    assert memory.claim().cleared == "mixed"
    assert memory.names_told()[-2:] == ["insurance.payment_changed.v1", "insurance.supply_cleared.v1"]


def test_who_pays_alone_is_cleared_as_self_pay() -> None:
    memory = insured_world()
    memory.hear(dispensed(insurance_intent="self_pay"))
    memory.run(pay(PayShare(payment_id=PAYMENT, reference="WX-0001"), memory.outside), PATIENT_ACTOR)
    assert memory.claim().cleared == "self_pay"


def test_a_received_supply_settles_and_its_figures_become_final() -> None:
    memory = paid_world()
    memory.hear(received())
    assert memory.claim().state == "settled"
    assert memory.names_told()[-1] == "insurance.claim_settled.v1"
    accumulator = memory.loaded(accumulator_of(PATIENT, 2026)).state
    assert accumulator.final == YearFigures(deductible_used=20000, pooled_paid=7350, burden=9900, funds={"maf": 4950})
    assert accumulator.reserved == {}
    assert account(memory) == 0
    balances: dict[str, int] = {}
    for posting in memory.claim().postings:
        balances[posting.account] = balances.get(posting.account, 0) + posting.amount
    assert {name: amount for name, amount in balances.items() if amount} == {
        f"receivable.hifp.{INSURER}": 7350,
        f"receivable.maf.{INSURER}": 4950,
        f"receivable.acct.{INSURER}": 6000,
        "provider.simulated": 4200,
        f"payable.{PHARMACY}": -22500,
    }


def test_a_received_supply_that_was_paid_alone_settles_without_touching_the_year() -> None:
    memory = insured_world()
    memory.hear(dispensed(insurance_intent="self_pay"))
    memory.run(pay(PayShare(payment_id=PAYMENT, reference="WX-0001"), memory.outside), PATIENT_ACTOR)
    memory.hear(received())
    assert memory.claim().state == "settled"
    assert used(memory).deductible_used == 15000


def test_a_product_that_is_not_listed_is_the_patients_own() -> None:
    memory = insured_world()
    first, *others = dispensed().lines
    memory.hear(dispensed(lines=(first.model_copy(update={"product": "XZ99ZZZ999Z001010199999"}), *others)))
    claim = memory.claim()
    assert claim.adjudication is not None
    assert claim.adjudication.lines[0].own_pay.rule == "catalogue/not-listed"


def test_the_claims_view_shows_what_is_booked() -> None:
    memory = authorised_world()
    view = claim_view(memory.claim())
    assert (view["state"], view["payment_id"], view["fund"]) == ("authorised", PAYMENT, 12300)
    assert sum(posting["amount"] for posting in view["postings"]) == 0
    memory = insured_world()
    memory.hear(dispensed())
    assert claim_view(memory.claim())["payment_id"] is None


def test_a_repeated_receipt_changes_nothing() -> None:
    memory = paid_world()
    memory.hear(received())
    said = len(memory.told)
    memory.hear(received())
    assert len(memory.told) == said


def test_a_receipt_before_the_payment_is_kept_and_settles_with_it() -> None:
    memory = authorised_world()
    memory.hear(received())
    assert memory.claim().state == "authorised"
    memory.run(pay(PayShare(payment_id=PAYMENT, reference="WX-0001"), memory.outside), PATIENT_ACTOR)
    assert memory.claim().state == "settled"


def test_a_receipt_before_the_authorisation_is_kept_and_settles_when_cleared() -> None:
    memory = insured_world(account_balance=10_000_000)
    memory.hear(dispensed())
    memory.hear(received())
    assert memory.claim().state == "quoted"
    memory.run(authorise_claim(ASK, memory.outside), PATIENT_ACTOR)
    assert memory.claim().state == "settled"


def test_a_receipt_before_the_supply_is_known_is_kept() -> None:
    memory = insured_world(account_balance=10_000_000)
    memory.run(give_standing_authorisation(PATIENT_ACTOR), PATIENT_ACTOR)
    memory.hear(received())
    assert memory.claim().state == "-"
    memory.hear(dispensed())
    assert memory.claim().state == "settled"


def test_nothing_settles_beyond_what_was_handed_over() -> None:
    memory = paid_world()
    memory.hear(received(((1, 20), (2, 29), (3, 10))))
    assert memory.claim().state == "authorised(cleared)"


# voided


@pytest.mark.parametrize("world", [authorised_world, paid_world])
def test_an_undone_supply_voids_frees_and_negates(world: object) -> None:
    memory = world()  # type: ignore[operator]
    memory.hear(undone())
    assert memory.claim().state == "voided"
    assert used(memory) == YearFigures(deductible_used=15000, pooled_paid=0)
    assert account(memory) == 6000
    balances: dict[str, int] = {}
    for posting in memory.claim().postings:
        balances[posting.account] = balances.get(posting.account, 0) + posting.amount
    assert not any(balances.values())
    assert memory.names_told()[-2:] == ["insurance.claim_voided.v1", "insurance.payment_changed.v1"]


def test_a_paid_share_is_refunded_and_an_unpaid_one_dropped() -> None:
    memory = paid_world()
    memory.hear(undone())
    assert memory.payment().state == "refunded"
    assert memory.payment().refund_reference == f"refund/{PAYMENT}/WX-0001"
    memory = authorised_world()
    memory.hear(undone())
    assert memory.payment().state == "failed"
    assert memory.told[-1].reason == "claim_voided"  # type: ignore[attr-defined]


def test_an_undone_supply_drops_a_quote() -> None:
    memory = insured_world()
    memory.hear(dispensed())
    memory.hear(undone())
    memory.hear(undone())
    assert memory.claim().state == "voided"
    assert memory.names_told() == ["insurance.claim_quoted.v1", "insurance.claim_voided.v1"]


def test_a_self_pay_claim_is_voided_without_asking_an_insurer() -> None:
    memory = insured_world()
    memory.hear(dispensed(insurance_intent="self_pay"))
    memory.run(pay(PayShare(payment_id=PAYMENT, reference="WX-0001"), memory.outside), PATIENT_ACTOR)
    memory.hear(undone())
    assert memory.claim().state == "voided"
    assert memory.payment().state == "refunded"


def test_an_undone_part_is_kept_as_a_fact() -> None:
    memory = paid_world()
    memory.hear(undone(((1, 20),)))
    assert memory.claim().state == "authorised(cleared)"
    assert memory.claim().facts.of("undone") == {1: 20}


# payments


def test_only_the_patient_pays_and_only_a_payment_that_exists() -> None:
    memory = authorised_world()
    share = PayShare(payment_id=PAYMENT, reference="WX-0001")
    other = Actor("patient-2", "patient", patient_ref=UUID(int=77))
    assert memory.refused(pay(share, memory.outside), other).code == "payment.not_yours"
    unknown = PayShare(payment_id=UUID(int=123), reference="WX-0001")
    assert memory.refused(pay(unknown, memory.outside), PATIENT_ACTOR).code == "payment.unknown"


def test_the_same_reference_is_the_first_answer_again_even_after_settlement() -> None:
    memory = paid_world()
    memory.hear(received())
    said = len(memory.told)
    answer = memory.run(pay(PayShare(payment_id=PAYMENT, reference="WX-0001"), memory.outside), PATIENT_ACTOR)
    assert answer.body["status"] == "paid"
    assert len(memory.told) == said


def test_a_paid_share_is_not_paid_twice() -> None:
    memory = paid_world()
    again = PayShare(payment_id=PAYMENT, reference="WX-0002")
    refusal = memory.refused(pay(again, memory.outside), PATIENT_ACTOR)
    assert (refusal.code, refusal.facts["state"]) == ("payment.wrong_state", "paid")


def test_a_declined_payment_voids_the_claim_and_a_new_attempt_takes_its_place() -> None:
    memory = authorised_world()
    # when the provider declines
    answer = memory.run(pay(PayShare(payment_id=PAYMENT, reference="DECLINE-1"), memory.outside), PATIENT_ACTOR)
    # then the claim is voided, and the next attempt is authorised with a payment of its own
    assert answer.body["status"] == "failed"
    assert (memory.claim().state, memory.claim().replaced_by) == ("voided", 2)
    assert memory.claim(2).state == "authorised"
    assert memory.payment(2).state == "requested"
    assert used(memory) == YearFigures(deductible_used=20000, pooled_paid=7350, burden=9900, funds={"maf": 4950})
    # and paying that one clears the same supply
    following = payment_of(claim_id_of(SUPPLY, 2)).stream_id
    memory.run(pay(PayShare(payment_id=following, reference="WX-0002"), memory.outside), PATIENT_ACTOR)
    memory.hear(received())
    assert memory.claim(2).state == "settled"
    cleared = [event for event in memory.told if event.TYPE == "insurance.supply_cleared.v1"]
    assert [event.attempt for event in cleared] == [2]  # type: ignore[attr-defined]
    # and the failed one stays failed
    again = PayShare(payment_id=PAYMENT, reference="WX-0003")
    assert memory.refused(pay(again, memory.outside), PATIENT_ACTOR).code == "payment.wrong_state"


def test_who_chose_to_pay_alone_is_not_asked_again_after_a_declined_payment() -> None:
    memory = insured_world()
    memory.hear(dispensed())
    choice = ChooseSelfPay(claim_id=CLAIM, consent="paper-1")
    memory.run(choose_self_pay_for_claim(choice, memory.outside), PATIENT_ACTOR)
    memory.run(pay(PayShare(payment_id=PAYMENT, reference="DECLINE-1"), memory.outside), PATIENT_ACTOR)
    assert (memory.claim(2).state, memory.claim(2).self_pay_reason) == ("authorised", "chosen")


def test_after_the_last_attempt_the_supply_has_no_claim() -> None:
    memory = authorised_world()
    once = Policies[InsurancePolicy](jurisdiction="cn", versions=(CN.model_copy(update={"attempts_max": 1}),))
    memory.outside = replace(memory.outside, policies=Jurisdictions({"cn": once}))
    memory.run(pay(PayShare(payment_id=PAYMENT, reference="DECLINE-1"), memory.outside), PATIENT_ACTOR)
    assert (memory.claim().state, memory.claim().replaced_by) == ("voided", None)
    memory.hear(undone())
    assert memory.claim().state == "voided"


def test_a_declined_payment_for_goods_already_in_hand_may_be_paid_again() -> None:
    memory = authorised_world()
    memory.hear(received())
    memory.run(pay(PayShare(payment_id=PAYMENT, reference="DECLINE-1"), memory.outside), PATIENT_ACTOR)
    assert (memory.claim().state, memory.payment().state) == ("authorised", "failed")
    memory.run(pay(PayShare(payment_id=PAYMENT, reference="WX-0001"), memory.outside), PATIENT_ACTOR)
    assert memory.claim().state == "settled"


# outcomes of a gateway that is not in-house


class Wire:
    """An insurer whose answers are given."""

    def __init__(self, *kinds: OutcomeKind) -> None:
        self.kinds = list(kinds)
        self.messages: list[UUID] = []
        self.asked: BenefitRequest | None = None
        self.inner = InHouseInsurer()
        self.quote = self.inner.quote

    def authorise(self, request: BenefitRequest) -> GatewayOutcome:
        self.messages.append(request.message_id)
        self.asked = request
        kind = self.kinds.pop(0)
        if kind in {OutcomeKind.ACCEPTED, OutcomeKind.DUPLICATE}:
            return replace(self.inner.authorise(request), kind=kind)
        return GatewayOutcome(kind, reasons=("83",) if kind is OutcomeKind.REFUSED else ())

    def inquire(self, message_id: UUID) -> GatewayOutcome:
        kind = self.kinds.pop(0)
        return GatewayOutcome(kind) if kind is not OutcomeKind.ACCEPTED else self.booked(message_id)

    def booked(self, message_id: UUID) -> GatewayOutcome:
        assert self.asked is not None
        assert self.asked.message_id == message_id
        return self.inner.authorise(self.asked)

    def void(self, message_id: UUID, original: UUID) -> GatewayOutcome:
        self.messages.append(message_id)
        return GatewayOutcome(self.kinds.pop(0))


def wired(*kinds: OutcomeKind) -> tuple[Memory, Wire]:
    wire = Wire(*kinds)
    memory = insured_world(Outside(wire, SimulatedPayments(), POLICIES))
    memory.hear(dispensed())
    return memory, wire


def test_an_unknown_outcome_is_asked_again_under_the_same_message_id() -> None:
    memory, wire = wired(OutcomeKind.UNKNOWN, OutcomeKind.DUPLICATE)
    answer = memory.run(authorise_claim(ASK, memory.outside), PATIENT_ACTOR)
    assert answer.body["state"] == "authorising"
    assert used(memory).deductible_used == 15000
    memory.run(authorise_claim(ASK, memory.outside), PATIENT_ACTOR)
    assert memory.claim().state == "authorised"
    assert wire.messages[0] == wire.messages[1]


def test_a_refused_claim_of_an_undone_supply_is_voided() -> None:
    memory, _ = wired(OutcomeKind.REFUSED)
    memory.run(authorise_claim(ASK, memory.outside), PATIENT_ACTOR)
    assert memory.claim().refusals == ("83",)
    memory.hear(undone())
    assert memory.claim().state == "voided"


def test_an_unknown_voiding_books_nothing_back() -> None:
    memory, _ = wired(OutcomeKind.ACCEPTED, OutcomeKind.UNKNOWN)
    memory.run(authorise_claim(ASK, memory.outside), PATIENT_ACTOR)
    memory.hear(undone())
    assert memory.claim().state == "voiding"
    assert used(memory) == YearFigures(deductible_used=20000, pooled_paid=7350, burden=9900, funds={"maf": 4950})
    assert memory.payment().state == "requested"


@pytest.mark.parametrize("silence", [OutcomeKind.UNKNOWN, OutcomeKind.REFUSED])
def test_a_voiding_without_an_answer_is_asked_again_under_the_same_message_id(silence: OutcomeKind) -> None:
    memory, wire = wired(OutcomeKind.ACCEPTED, silence, silence, OutcomeKind.DUPLICATE)
    memory.run(authorise_claim(ASK, memory.outside), PATIENT_ACTOR)
    memory.hear(undone())
    first = CLAIM_AGGREGATE.next_due(memory.claim())["void_inquiry"]
    assert first == NOW + VOID_INQUIRY

    memory.run(inquire(CLAIM, memory.outside))  # too early: nobody is asked
    assert len(wire.messages) == 2
    memory.time = first
    memory.run(inquire(CLAIM, memory.outside))
    assert memory.claim().state == "voiding"
    memory.time = CLAIM_AGGREGATE.next_due(memory.claim())["void_inquiry"]
    assert memory.time == first + VOID_INQUIRY
    memory.run(inquire(CLAIM, memory.outside))

    assert len(wire.messages) == 4
    assert len(set(wire.messages[1:])) == 1
    assert memory.claim().state == "voided"
    assert not CLAIM_AGGREGATE.next_due(memory.claim())
    assert used(memory) == YearFigures(deductible_used=15000, pooled_paid=0)
    assert memory.payment().state == "failed"


def test_the_clock_asks_again() -> None:
    memory, _ = wired(OutcomeKind.ACCEPTED, OutcomeKind.UNKNOWN)
    memory.run(authorise_claim(ASK, memory.outside), PATIENT_ACTOR)
    memory.hear(undone())

    memory.move_clock(VOID_INQUIRY)

    assert memory.claim().state == "voided"


def declined_in_silence(*kinds: OutcomeKind) -> Memory:
    memory, _ = wired(OutcomeKind.ACCEPTED, OutcomeKind.UNKNOWN, *kinds)
    memory.run(authorise_claim(ASK, memory.outside), PATIENT_ACTOR)
    memory.run(pay(PayShare(payment_id=PAYMENT, reference="DECLINE-1"), memory.outside), PATIENT_ACTOR)
    assert (memory.claim().state, memory.claim(2).state) == ("voiding", "-")
    memory.time += VOID_INQUIRY
    return memory


def test_the_next_attempt_waits_until_it_is_known_that_the_last_is_taken_back() -> None:
    memory = declined_in_silence(OutcomeKind.ACCEPTED)
    memory.run(inquire(CLAIM, memory.outside))
    assert (memory.claim().state, memory.claim(2).state) == ("voided", "quoted")
    assert memory.claim().replaced_by == 2


def test_no_attempt_follows_for_a_supply_undone_meanwhile() -> None:
    memory = declined_in_silence(OutcomeKind.ACCEPTED)
    memory.hear(undone())
    memory.run(inquire(CLAIM, memory.outside))
    assert (memory.claim().state, memory.claim(2).state) == ("voided", "-")
    assert memory.claim().replaced_by is None
