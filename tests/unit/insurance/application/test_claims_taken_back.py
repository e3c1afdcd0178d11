"""What is taken back, handed over in part, given on credit, disputed: money follows the goods, named people decide."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from contracts.envelope import GENESIS, Envelope
from contracts.events.dispatch import SupplyReceived
from contracts.values import LineQuantity as ToldQuantity
from services.insurance.application.claim_inquiries import inquire
from services.insurance.application.claims import (
    authorise_claim,
    choose_self_pay_for_claim,
    decide_disputed_claim,
    give_credit_on_claim,
    order_reversal,
)
from services.insurance.application.payments import pay
from services.insurance.application.reactions import reactions
from services.insurance.application.views import claim_view
from services.insurance.domain.accumulator import YearFigures, accumulator_of
from services.insurance.domain.claim import (
    AuthoriseClaim,
    ChooseSelfPay,
    ClaimState,
    DecideDispute,
    GiveCredit,
    OrderReversal,
    claim_id_of,
    next_due,
)
from services.insurance.domain.gateway import OutcomeKind
from services.insurance.domain.member import member_of
from services.insurance.domain.payment import PayShare, payment_of
from services.insurance.domain.policy import POLICIES, InsurancePolicy
from services.seedwork.policies import Jurisdictions, Policies
from services.seedwork.usecase import Actor
from tests.unit.insurance.application.test_claim_lifecycle import ASK, Wire, account, paid_world, used, wired
from tests.unit.insurance.memory import (
    OFFICER,
    PATIENT,
    PATIENT_ACTOR,
    PHARMACIST,
    PHARMACY,
    SUPPLY,
    Memory,
    dispensed,
    insured_world,
    received,
    taken_back,
    undone,
)

FIRST, SECOND = claim_id_of(SUPPLY, 1), claim_id_of(SUPPLY, 2)
GOLDEN = YearFigures(deductible_used=20000, pooled_paid=7350, burden=9900, funds={"maf": 4950})
BEFORE = YearFigures(deductible_used=15000, pooled_paid=0)
POLICY = POLICIES.of("cn").versions[-1]
REJECTED = ((2, 10), (3, 10))


def limited(**changed: int) -> Jurisdictions[InsurancePolicy]:
    """The policies of cn, with other limits."""
    one = Policies[InsurancePolicy](jurisdiction="cn", versions=(POLICY.model_copy(update=changed),))
    return Jurisdictions({"cn": one})


def accounts(claim: ClaimState) -> dict[str, int]:
    sums: Counter[str] = Counter()
    for posting in claim.postings:
        sums[posting.account] += posting.amount
    return {name: amount for name, amount in sums.items() if amount}


def settled_world() -> Memory:
    memory = paid_world()
    memory.hear(received())
    assert memory.claim().state == "settled"
    return memory


def hear(memory: Memory, event: Any, number: int) -> None:
    """Dispatch tells something in a message of its own."""
    envelope = Envelope("dispatch", event.FAMILY, event.TYPE, UUID(int=1), number, GENESIS, GENESIS, 1, 1, "{}")
    memory.run(reactions(memory.outside)[type(event)](event, envelope))


def in_part() -> SupplyReceived:
    """Line 1 in full, two of three packs of line 2, nothing of line 3."""
    rejected = tuple(ToldQuantity(line=line, quantity=quantity) for line, quantity in REJECTED)
    return received(((1, 20), (2, 20))).model_copy(update={"rejected": rejected})


def pay_share(memory: Memory, attempt: int = 1, reference: str = "WX-0001") -> None:
    payment_id = payment_of(claim_id_of(SUPPLY, attempt)).stream_id
    memory.run(pay(PayShare(payment_id=payment_id, reference=reference), memory.outside), PATIENT_ACTOR)


def refuse_voids(memory: Memory, *kinds: OutcomeKind) -> Wire:
    """From now on the insurer answers so."""
    wire = Wire(*kinds)
    memory.outside = replace(memory.outside, gateway=wire)
    return wire


# reversal


def test_goods_that_come_back_after_settlement_are_reversed_to_the_fen() -> None:
    memory = settled_world()
    booked = memory.claim().postings
    memory.hear(undone())
    claim = memory.claim()
    # exact negation, last payer first
    taken = claim.postings[len(booked) :]
    assert [(each.account, -each.amount) for each in reversed(taken)] == [
        (each.account, each.amount) for each in booked
    ]
    assert [each.account.split(".")[1] for each in taken[-4:]] == ["patient", "acct", "maf", "hifp"]
    assert (claim.state, accounts(claim), claim.replaced_by) == ("reversed", {}, None)
    # what it had taken of the year and of the account is free again, the share refunded
    assert used(memory) == BEFORE
    assert account(memory) == 6000
    assert memory.payment().state == "refunded"
    assert memory.names_told()[-2:] == ["insurance.claim_reversed.v1", "insurance.payment_changed.v1"]


def test_a_reversal_happens_once() -> None:
    memory = settled_world()
    memory.hear(undone())
    said = len(memory.told)
    hear(memory, undone(), 7)
    order = OrderReversal(claim_id=FIRST, reason="suspected fraud")
    assert memory.refused(order_reversal(order, memory.outside), OFFICER).code == "claim.wrong_state"
    assert len(memory.told) == said


def test_what_is_taken_back_in_part_is_reversed_and_the_rest_billed_anew() -> None:
    memory = settled_world()
    hear(memory, taken_back(((2, 10), (3, 10))), 70)
    assert (memory.claim().state, memory.claim().replaced_by) == ("reversed", 2)
    second = memory.claim(2)
    # R-01 of the golden examples: the account pays all of the person's share, so it is settled at once
    assert second.state == "settled"
    assert second.adjudication is not None
    assert {each.payer: each.amount for each in second.adjudication.payers} == {"hifp": 4920, "maf": 4140, "acct": 5640}
    assert account(memory) == 360
    assert used(memory).pooled_paid == 4920


def test_an_officer_orders_a_reversal_and_the_patient_keeps_a_claim() -> None:
    memory = settled_world()
    order = OrderReversal(claim_id=FIRST, reason="entry of the wrong scheme")
    stranger = Actor("officer-2", "insurance_officer", organisation="I330100")
    assert memory.refused(order_reversal(order, memory.outside), stranger).code == "claim.not_yours"
    answer = memory.run(order_reversal(order, memory.outside), OFFICER)
    assert answer.body["state"] == "reversed"
    assert memory.claim().reverse is not None
    assert memory.claim().reverse.ordered_by == "officer-1"
    assert memory.claim().reverse.order_reason == "entry of the wrong scheme"


def test_an_unknown_reversal_books_nothing_back_until_it_is_known() -> None:
    memory = settled_world()
    wire = refuse_voids(memory, OutcomeKind.UNKNOWN, OutcomeKind.UNKNOWN, OutcomeKind.DUPLICATE)
    memory.hear(undone())
    assert (memory.claim().state, used(memory)) == ("reversing", GOLDEN)
    assert memory.payment().state == "paid"
    assert memory.names_told()[-1] == "insurance.claim_outcome_unknown.v1"
    for _ in range(2):
        memory.time = next_due(memory.claim())["reverse_inquiry"]
        memory.run(inquire(FIRST, memory.outside))
    assert len(set(wire.messages)) == 1
    assert (memory.claim().state, accounts(memory.claim())) == ("reversed", {})
    assert used(memory) == BEFORE


def test_a_reversal_of_what_the_patient_paid_alone_asks_no_insurer() -> None:
    memory = insured_world()
    memory.hear(dispensed(insurance_intent="self_pay"))
    pay_share(memory)
    memory.hear(received())
    refuse_voids(memory)
    memory.time += timedelta(days=POLICY.reversal_days_max + 1)
    memory.hear(undone())
    assert (memory.claim().state, accounts(memory.claim())) == ("reversed", {})
    assert memory.payment().state == "refunded"


# disputes about a reversal


@pytest.mark.parametrize("how", ["too_late", "refused"])
def test_a_reversal_that_the_insurer_will_not_have_is_disputed(how: str) -> None:
    memory = settled_world()
    if how == "too_late":
        memory.time += timedelta(days=POLICY.reversal_days_max + 1)
    else:
        refuse_voids(memory, OutcomeKind.REFUSED)
    before = memory.claim().postings
    memory.hear(undone())
    claim = memory.claim()
    assert (claim.state, claim.postings, used(memory)) == ("disputed", before, GOLDEN)
    refusal: Any = memory.told[-1]
    assert (refusal.TYPE, refusal.stage, refusal.may_self_pay) == ("insurance.claim_refused.v1", "reverse", False)


def disputed_reversal() -> Memory:
    memory = settled_world()
    memory.time += timedelta(days=POLICY.reversal_days_max + 1)
    memory.hear(undone())
    return memory


def decision(memory: Memory, what: Any, bearer: Any) -> Any:
    command = DecideDispute(claim_id=FIRST, decision=what, bearer=bearer, reason="as agreed by telephone")
    return memory.attempt(decide_disputed_claim(command, memory.outside), OFFICER)


def test_the_last_day_of_the_window_is_inside() -> None:
    memory = settled_world()
    memory.time += timedelta(days=POLICY.reversal_days_max)
    memory.hear(undone())
    assert memory.claim().state == "reversed"


def test_an_officer_has_it_reversed_after_all_and_is_named() -> None:
    memory = disputed_reversal()
    assert decision(memory, "reversed", "insurer").body["state"] == "reversed"
    claim = memory.claim()
    assert accounts(claim) == {}
    assert claim.decided is not None
    assert (claim.decided.decided_by, claim.decided.bearer) == ("officer-1", "insurer")
    assert memory.payment().state == "refunded"
    assert used(memory) == BEFORE
    assert claim_view(claim)["dispute"]["decided"]["decided_by"] == "officer-1"


def test_a_settlement_may_stand() -> None:
    memory = disputed_reversal()
    assert claim_view(memory.claim())["dispute"]["decided"] is None
    assert decision(memory, "stands", "pharmacy").body["state"] == "settled"
    assert used(memory) == GOLDEN
    assert accounts(memory.claim())[f"payable.{PHARMACY}"] == -22500


def test_a_decision_fits_what_is_disputed() -> None:
    memory = disputed_reversal()
    assert decision(memory, "patient_billed", "patient").refusal.code == "claim.decision_not_possible"
    assert decision(memory, "reversed", "patient").refusal.code == "claim.decision_not_possible"
    assert decision(settled_world(), "stands", "pharmacy").refusal.code == "claim.wrong_state"


# a part


def test_a_part_that_is_accepted_is_billed_anew_and_the_rest_taken_back() -> None:
    memory = paid_world()
    hear(memory, in_part(), 5)
    assert (memory.claim().state, memory.claim().replaced_by, accounts(memory.claim())) == ("voided", 2, {})
    assert memory.payment().state == "refunded"
    second = memory.claim(2)
    assert (second.state, second.adjudication.total if second.adjudication else 0) == ("settled", 14700)
    assert second.opened is not None
    assert [(line.line, line.quantity, line.amount) for line in second.opened.lines] == [(1, 20, 5100), (2, 20, 9600)]
    # and the rejected rest that is inspected later changes nothing any more
    hear(memory, undone(REJECTED), 6)
    hear(memory, in_part(), 5)
    assert (memory.claim(2).state, memory.claim(3).state) == ("settled", "-")


def test_a_part_whose_rest_is_still_on_its_way_waits() -> None:
    memory = paid_world()
    hear(memory, received(((1, 20),)), 5)
    assert memory.claim().state == "authorised(cleared)"
    hear(memory, undone(((2, 30), (3, 10))), 6)
    assert (memory.claim().state, memory.claim(2).state) == ("voided", "settled")


def test_the_next_claim_of_a_part_waits_until_the_first_is_known_to_be_taken_back() -> None:
    memory = paid_world()
    refuse_voids(memory, OutcomeKind.UNKNOWN, OutcomeKind.ACCEPTED, OutcomeKind.ACCEPTED)
    hear(memory, in_part(), 5)
    assert (memory.claim().state, memory.claim(2).state) == ("voiding", "-")
    memory.time = next_due(memory.claim())["void_inquiry"]
    memory.run(inquire(FIRST, memory.outside))
    assert (memory.claim().state, memory.claim(2).state) == ("voided", "settled")


def test_an_accepted_part_without_standing_consent_is_quoted_and_waits() -> None:
    memory = insured_world()
    memory.hear(dispensed())
    memory.run(authorise_claim(ASK, memory.outside), PATIENT_ACTOR)
    hear(memory, in_part(), 5)
    assert (memory.claim().state, memory.claim(2).state) == ("voided", "quoted")
    again = AuthoriseClaim(claim_id=SECOND, credential="token-2")
    memory.run(authorise_claim(again, memory.outside), PATIENT_ACTOR)
    assert memory.claim(2).state == "settled"


def test_a_supply_has_only_so_many_claims() -> None:
    memory = paid_world()
    memory.outside = replace(memory.outside, policies=limited(attempts_max=1, rebillings_max=0))
    hear(memory, in_part(), 5)
    assert (memory.claim().state, memory.claim().replaced_by) == ("voided", None)


# unknown outcomes


def test_an_unknown_authorisation_of_an_undone_supply_is_taken_back() -> None:
    memory, wire = wired(OutcomeKind.UNKNOWN, OutcomeKind.ACCEPTED)
    memory.run(authorise_claim(ASK, memory.outside), PATIENT_ACTOR)
    memory.hear(undone())
    assert memory.claim().state == "voided"
    assert len(wire.messages) == 2


@pytest.mark.parametrize(
    ("answer", "state"),
    [(OutcomeKind.ACCEPTED, "authorised"), (OutcomeKind.REFUSED, "quoted"), (OutcomeKind.UNKNOWN, "authorising")],
)
def test_the_clock_asks_what_became_of_a_lost_authorisation(answer: OutcomeKind, state: str) -> None:
    memory, _ = wired(OutcomeKind.UNKNOWN, answer)
    memory.run(authorise_claim(ASK, memory.outside), PATIENT_ACTOR)
    assert memory.names_told()[-1] == "insurance.claim_outcome_unknown.v1"
    memory.run(inquire(FIRST, memory.outside))  # too early
    assert memory.claim().state == "authorising"
    memory.time = next_due(memory.claim())["authorise_inquiry"]
    memory.run(inquire(FIRST, memory.outside))
    assert memory.claim().state == state
    assert bool(next_due(memory.claim())) is (answer is OutcomeKind.UNKNOWN)


def test_who_pays_alone_after_an_unknown_outcome_has_the_lost_one_taken_back() -> None:
    memory, _ = wired(OutcomeKind.UNKNOWN, OutcomeKind.UNKNOWN, OutcomeKind.ACCEPTED)
    memory.run(authorise_claim(ASK, memory.outside), PATIENT_ACTOR)
    choice = ChooseSelfPay(claim_id=FIRST, consent="paper-1")
    memory.run(choose_self_pay_for_claim(choice, memory.outside), PATIENT_ACTOR)
    # the patient pays at once, what was lost is asked for until it is known to be taken back
    assert (memory.claim().state, memory.claim(2).state) == ("voiding", "authorised")
    assert memory.claim(2).patient_share == 22500
    pay_share(memory, 2)
    memory.hear(received())
    assert memory.claim(2).state == "settled"
    memory.time = next_due(memory.claim())["void_inquiry"]
    memory.run(inquire(FIRST, memory.outside))
    assert (memory.claim().state, memory.claim(2).state, memory.claim(3).state) == ("voided", "settled", "-")


# credit


def credit(memory: Memory, consent: str | None = None, actor: Actor = PHARMACIST) -> Any:
    command = GiveCredit(claim_id=FIRST, reason="insulin, the patient has none left", patient_consent=consent)
    return memory.attempt(give_credit_on_claim(command, memory.outside), actor)


def authorised() -> Memory:
    memory = insured_world()
    memory.hear(dispensed())
    memory.run(authorise_claim(ASK, memory.outside), PATIENT_ACTOR)
    return memory


def test_a_named_person_hands_out_on_credit_and_the_share_is_paid_later() -> None:
    memory = authorised()
    assert credit(memory).body["state"] == "authorised(cleared)"
    told: Any = memory.told[-1]
    assert (told.TYPE, told.how) == ("insurance.supply_cleared.v1", "credit")
    assert claim_view(memory.claim())["credit"] == {
        "given_by": "pharmacist-1",
        "reason": "insulin, the patient has none left",
    }
    memory.hear(received())
    assert memory.claim().state == "settled"
    assert accounts(memory.claim())["receivable.patient"] == 4200
    pay_share(memory)
    assert (memory.claim().state, memory.payment().state) == ("settled", "paid")
    assert "receivable.patient" not in accounts(memory.claim())


def test_a_declined_payment_after_a_credit_leaves_the_claim() -> None:
    memory = authorised()
    credit(memory)
    pay_share(memory, reference="DECLINE-1")
    assert (memory.claim().state, memory.payment().state) == ("authorised(cleared)", "failed")
    pay_share(memory)
    assert memory.payment().state == "paid"


def test_no_credit_is_given_twice_too_high_or_by_others() -> None:
    memory = authorised()
    low = replace(memory.outside, policies=limited(credit_share_max=22499))
    command = GiveCredit(claim_id=FIRST, reason="x")
    assert memory.refused(give_credit_on_claim(command, low), PHARMACIST).code == "claim.credit_not_allowed"
    other = Actor("pharmacist-2", "pharmacist", organisation="P31010100002")
    assert credit(memory, actor=other).refusal.code == "claim.not_yours"
    credit(memory)
    assert credit(memory).refusal.code == "claim.wrong_state"


def on_credit_before_the_answer(*kinds: OutcomeKind, consent: str | None = None) -> tuple[Memory, Wire]:
    memory, wire = wired(OutcomeKind.UNKNOWN, *kinds)
    memory.run(authorise_claim(ASK, memory.outside), PATIENT_ACTOR)
    assert credit(memory, consent).body["state"] == "authorising"
    return memory, wire


def test_an_outcome_that_is_found_after_a_credit_settles_what_is_in_hands() -> None:
    memory, _ = on_credit_before_the_answer(OutcomeKind.ACCEPTED)
    memory.hear(received())
    assert memory.claim().state == "authorising"
    memory.time = next_due(memory.claim())["authorise_inquiry"]
    memory.run(inquire(FIRST, memory.outside))
    assert (memory.claim().state, memory.payment().state) == ("settled", "requested")
    assert used(memory) == GOLDEN


def test_a_refusal_before_the_hand_out_withdraws_the_credit() -> None:
    memory, _ = on_credit_before_the_answer(OutcomeKind.REFUSED)
    memory.run(authorise_claim(ASK, memory.outside), PATIENT_ACTOR)
    assert (memory.claim().state, memory.claim().cleared) == ("refused", None)
    assert memory.names_told()[-2:] == ["insurance.claim_refused.v1", "insurance.clearance_withdrawn.v1"]


def refused_late(consent: str | None = None) -> Memory:
    memory, _ = on_credit_before_the_answer(OutcomeKind.REFUSED, consent=consent)
    memory.hear(received())
    memory.run(authorise_claim(ASK, memory.outside), PATIENT_ACTOR)
    assert (memory.claim().state, memory.claim().postings) == ("disputed", ())
    return memory


def test_a_refusal_after_the_hand_out_is_disputed() -> None:
    memory = refused_late()
    told: Any = memory.told[-1]
    assert (told.TYPE, told.stage, told.may_self_pay) == ("insurance.claim_refused.v1", "late", False)


@pytest.mark.parametrize(
    ("what", "bearer", "booked", "share"),
    [
        (
            "accepted_by_insurer",
            "insurer",
            {"receivable.hifp.I310100": 7350, "receivable.maf.I310100": 4950, "receivable.acct.I310100": 6000},
            4200,
        ),
        ("pharmacy_bears", "pharmacy", {f"borne.{PHARMACY}": 18300}, 4200),
        ("patient_billed", "patient", {}, 22500),
    ],
)
def test_the_bearer_of_a_late_refusal_is_decided_by_a_named_person(
    what: str, bearer: str, booked: dict[str, int], share: int
) -> None:
    memory = refused_late(consent="paper-9")
    assert decision(memory, what, bearer).body["state"] == "settled"
    claim = memory.claim()
    assert accounts(claim) == {**booked, "receivable.patient": share, f"payable.{PHARMACY}": -22500}
    assert (memory.payment().state, claim.patient_share) == ("requested", share)
    assert used(memory) == (GOLDEN if what == "accepted_by_insurer" else BEFORE)
    told = {event.TYPE: event for event in memory.told}["insurance.claim_settled.v1"]
    assert told.decided == what  # type: ignore[attr-defined]
    pay_share(memory)
    assert "receivable.patient" not in accounts(memory.claim())


def test_a_patient_who_has_not_agreed_is_not_billed() -> None:
    assert decision(refused_late(), "patient_billed", "patient").refusal.code == "claim.consent_missing"


def test_the_member_of_a_reversed_claim_has_the_account_back_after_an_import_too() -> None:
    memory = settled_world()
    member = memory.loaded(member_of(PATIENT)).state
    assert member.payments == {FIRST: 6000}
    assert memory.loaded(accumulator_of(PATIENT, 2026)).state.settled == {FIRST: GOLDEN.minus(BEFORE)}
    memory.hear(undone())
    assert memory.loaded(member_of(PATIENT)).state.payments == {}
