"""What is billed anew for what stays with the patient, and nobody authorises or pays: the deadline names a bearer."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from contracts.events.insurance import ClaimRefused
from services.insurance.adapters.in_house import InHouseInsurer
from services.insurance.application.claim_work import Outside
from services.insurance.application.claims import (
    authorise_claim,
    choose_self_pay_for_claim,
    decide_disputed_claim,
)
from services.insurance.application.payments import pay
from services.insurance.application.rebillings import end_rebill
from services.insurance.application.views import claim_view, receipt_view
from services.insurance.domain.claim import AuthoriseClaim, ChooseSelfPay, DecideDispute, claim_id_of, next_due
from services.insurance.domain.payment import PayShare
from services.insurance.domain.policy import POLICIES
from services.insurance.domain.rebilling import expire_rebill
from tests.golden.fees.test_netting_by_hand import accept, share
from tests.unit.insurance.application.test_claims_taken_back import limited
from tests.unit.insurance.memory import (
    NOW,
    OFFICER,
    PATIENT_ACTOR,
    PHARMACY,
    SUPPLY,
    Memory,
    dispensed,
    insured_world,
    taken_back,
)
from tests.unit.insurance.test_carrying_over import Ledger
from tests.unit.insurance.test_delivery_fees import balances

DAYS = POLICIES.of("cn").versions[-1].rebill_days or 0
UNTIL = NOW + timedelta(days=DAYS)
SECOND = claim_id_of(SUPPLY, 2)
KEPT = 5_100 + 9_600
"""Two packs of line 1 at 25.50 yuan and two of line 2 at 48.00, in fen: what the patient keeps."""
EVERYTHING_KEPT = ((1, 20), (2, 20))


@pytest.fixture
def memory() -> Memory:
    """Authorised by credential and paid; a part is kept, and its claim waits for the patient."""
    memory = insured_world(Outside(InHouseInsurer(), Ledger(), POLICIES), account_balance=0)
    memory.hear(dispensed())
    authorise(memory, 1)
    pays(memory, 1)
    accept(memory, {1: 20, 2: 20})
    assert (memory.claim().state, memory.claim(2).state) == ("voided", "quoted")
    return memory


def authorise(memory: Memory, attempt: int) -> None:
    ask = AuthoriseClaim(claim_id=claim_id_of(SUPPLY, attempt), credential=f"token-{attempt}")
    memory.run(authorise_claim(ask, memory.outside), PATIENT_ACTOR)


def pays(memory: Memory, attempt: int, reference: str = "WX-0001") -> None:
    memory.run(pay(PayShare(payment_id=share(attempt), reference=reference), memory.outside), PATIENT_ACTOR)


def decide(memory: Memory, decision: Any, bearer: Any) -> Any:
    command = DecideDispute(claim_id=SECOND, decision=decision, bearer=bearer, reason="患者未授权")
    return memory.attempt(decide_disputed_claim(command, memory.outside), OFFICER)


def ends(memory: Memory, later: timedelta = timedelta()) -> int:
    """The clock at the deadline: how many events it has written."""
    memory.time = UNTIL + later
    before = len(memory.log)
    memory.run(end_rebill(SECOND, memory.outside))
    return len(memory.log) - before


def test_what_nobody_authorises_is_an_officers_to_decide(memory: Memory) -> None:
    assert next_due(memory.claim(2)) == {"rebill_expiry": UNTIL}
    assert claim_view(memory.claim(2))["decide_until"] == UNTIL.isoformat()
    assert ends(memory, timedelta(seconds=-1)) == 0
    memory.told.clear()
    memory.move_clock(timedelta(seconds=1))
    claim = memory.claim(2)
    assert (claim.state, next_due(claim)) == ("disputed", {})
    assert claim_view(claim)["dispute"]["reasons"] == ["rebill.not_authorised"]
    (told,) = [event for event in memory.told if isinstance(event, ClaimRefused)]
    assert (told.claim_id, told.stage, told.may_self_pay) == (SECOND, "late", False)
    assert ends(memory) == 0, "once"
    assert decide(memory, "patient_billed", "patient").refusal.code == "claim.consent_missing"
    assert decide(memory, "pharmacy_bears", "pharmacy").refusal is None
    decided = claim_view(memory.claim(2))["dispute"]["decided"]
    assert (decided["decided_by"], decided["bearer"]) == (OFFICER.subject, "pharmacy")
    booked = balances(memory.claim(2).postings)
    assert (memory.claim(2).state, booked[f"payable.{PHARMACY}"]) == ("settled", -KEPT)
    assert booked[f"borne.{PHARMACY}"] == KEPT - memory.claim(2).patient_share


def test_what_was_refused_says_why(memory: Memory) -> None:
    claim = replace(memory.claim(2), state="refused", refusals=("83",))
    (event,) = expire_rebill(claim, UNTIL)
    assert getattr(event, "reasons", None) == ("rebill.not_authorised", "83")


@pytest.mark.parametrize("how", ["insured", "alone"])
@pytest.mark.parametrize("last", [None, "DECLINE-1"])
def test_a_share_that_nobody_pays_stays_owed_and_the_rest_is_settled(
    memory: Memory, how: str, last: str | None
) -> None:
    if how == "insured":
        authorise(memory, 2)
    else:
        choice = ChooseSelfPay(claim_id=SECOND, consent="paper-1")
        memory.run(choose_self_pay_for_claim(choice, memory.outside), PATIENT_ACTOR)
    if last:
        pays(memory, 2, last)
    owed = memory.claim(2).owed
    assert (memory.claim(2).state, owed) == ("authorised", memory.claim(2).patient_share)
    memory.move_clock(timedelta(days=DAYS))
    claim = memory.claim(2)
    assert (claim.state, claim.cleared, claim.owed) == ("settled", "credit", owed)
    (left,) = [each.event for each in memory.log if type(each.event).__name__ == "ShareLeftOwed"]
    assert (left.bearer, left.amount) == ("patient", owed)
    booked = balances(claim.postings)
    assert (booked["receivable.patient"], booked[f"payable.{PHARMACY}"]) == (owed, -KEPT)
    assert (next_due(claim), "decide_until" in receipt_view(claim)["claim"]) == ({}, False)
    pays(memory, 2, "WX-0002")
    assert balances(memory.claim(2).postings)["provider.simulated"] == owed
    memory.hear(taken_back(EVERYTHING_KEPT))
    assert (memory.claim(2).state, balances(memory.claim(2).postings)) == ("reversed", {})


def test_what_is_authorised_and_paid_in_time_has_no_deadline(memory: Memory) -> None:
    authorise(memory, 2)
    pays(memory, 2)
    assert (memory.claim(2).state, next_due(memory.claim(2)), ends(memory)) == ("settled", {}, 0)


def test_what_comes_back_before_it_is_nobodys(memory: Memory) -> None:
    memory.hear(taken_back(EVERYTHING_KEPT))
    assert (memory.claim(2).state, next_due(memory.claim(2)), ends(memory)) == ("voided", {}, 0)


def test_the_days_are_the_policys_and_the_first_claim_of_a_supply_has_none() -> None:
    memory = insured_world(Outside(InHouseInsurer(), Ledger(), limited(rebill_days=3)), account_balance=0)
    memory.hear(dispensed())
    authorise(memory, 1)
    assert next_due(memory.claim()) == {}
    pays(memory, 1)
    accept(memory, {1: 20, 2: 20})
    assert next_due(memory.claim(2)) == {"rebill_expiry": NOW + timedelta(days=3)}
