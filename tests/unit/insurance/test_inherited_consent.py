"""What the patient signed for one attempt at a supply's claim holds for the attempts that take its place."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from services.insurance.adapters.in_house import InHouseInsurer
from services.insurance.application.claim_work import Outside
from services.insurance.application.claims import (
    authorise_claim,
    choose_self_pay_for_claim,
    decide_disputed_claim,
    give_credit_on_claim,
)
from services.insurance.application.members import give_standing_authorisation
from services.insurance.application.views import receipt_view
from services.insurance.domain.claim import AuthoriseClaim, ChooseSelfPay, DecideDispute, GiveCredit, claim_id_of
from services.insurance.domain.claim_events import ClaimAuthorised
from services.insurance.domain.gateway import OutcomeKind
from services.insurance.domain.policy import POLICIES
from tests.golden.fees.test_netting_by_hand import accept
from tests.unit.insurance.application.test_claim_lifecycle import Wire
from tests.unit.insurance.memory import (
    OFFICER,
    PATIENT_ACTOR,
    PHARMACIST,
    PHARMACY,
    SUPPLY,
    Memory,
    dispensed,
    insured_world,
)
from tests.unit.insurance.test_carrying_over import Ledger
from tests.unit.insurance.test_delivery_fees import balances
from tests.unit.insurance.test_rebill_deadline import DAYS, KEPT, authorise, pays

FIRST, SECOND = claim_id_of(SUPPLY, 1), claim_id_of(SUPPLY, 2)
PAPER = "paper-1"


def world() -> Memory:
    memory = insured_world(Outside(InHouseInsurer(), Ledger(), POLICIES), account_balance=0)
    memory.hear(dispensed())
    return memory


def on_credit(memory: Memory, paper: str | None) -> None:
    """Handed out before the share is paid; a part is kept and billed anew, and nobody authorises that in time."""
    authorise(memory, 1)
    credit = GiveCredit(claim_id=FIRST, reason="发热, 夜间无法支付", patient_consent=paper)
    memory.run(give_credit_on_claim(credit, memory.outside), PHARMACIST)
    accept(memory, {1: 20, 2: 20})
    assert (memory.claim().state, memory.claim(2).state) == ("voided", "quoted")
    memory.move_clock(timedelta(days=DAYS))
    assert memory.claim(2).state == "disputed"


def billed(memory: Memory) -> Any:
    command = DecideDispute(claim_id=SECOND, decision="patient_billed", bearer="patient", reason="患者事先书面同意")
    return memory.attempt(decide_disputed_claim(command, memory.outside), OFFICER)


def chooses(memory: Memory) -> None:
    choice = ChooseSelfPay(claim_id=FIRST, consent=PAPER)
    memory.run(choose_self_pay_for_claim(choice, memory.outside), PATIENT_ACTOR)


def authorised(memory: Memory) -> list[ClaimAuthorised]:
    return [each.event for each in memory.log if isinstance(each.event, ClaimAuthorised)]


def test_the_patient_is_billed_for_what_is_billed_anew_by_what_was_signed_before() -> None:
    memory = world()
    on_credit(memory, PAPER)
    assert billed(memory).refusal is None
    claim = memory.claim(2)
    assert (claim.state, claim.insurer, claim.patient_share) == ("settled", None, KEPT)
    assert balances(claim.postings) == {"receivable.patient": KEPT, f"payable.{PHARMACY}": -KEPT}
    assert "patient_consent" not in receipt_view(claim)["claim"], "a receipt says what it said before"


def test_nobody_is_billed_who_has_signed_nothing() -> None:
    memory = world()
    on_credit(memory, None)
    assert billed(memory).refusal.code == "claim.consent_missing"


@pytest.mark.parametrize("standing", [False, True])
def test_who_pays_alone_pays_the_part_alone_whoever_else_would(standing: bool) -> None:
    memory = world()
    chooses(memory)
    pays(memory, 1)
    if standing:
        memory.run(give_standing_authorisation(PATIENT_ACTOR), PATIENT_ACTOR)
    accept(memory, {1: 20, 2: 20})
    claim = memory.claim(2)
    assert (claim.state, claim.insurer, claim.self_pay_reason) == ("settled", None, "chosen")
    assert (memory.payment().state, memory.payment(2).state, memory.payment(2).held) == ("carried_over", "paid", KEPT)
    assert [each.consent for each in authorised(memory)] == [PAPER, PAPER]


def test_what_was_signed_while_the_insurer_was_silent_stands_with_the_attempt_that_is_paid_alone() -> None:
    memory = world()
    memory.outside = replace(memory.outside, gateway=Wire(OutcomeKind.UNKNOWN, OutcomeKind.ACCEPTED))
    memory.run(authorise_claim(AuthoriseClaim(claim_id=FIRST, credential="token-1"), memory.outside), PATIENT_ACTOR)
    chooses(memory)
    assert (memory.claim().state, memory.claim(2).self_pay_reason) == ("voided", "chosen")
    assert [each.consent for each in authorised(memory)] == [PAPER]
