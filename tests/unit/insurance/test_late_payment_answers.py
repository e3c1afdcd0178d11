"""A provider that answers while an insurer is asked, or a person decides: the books have the money from its word on."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from services.insurance.adapters.in_house import InHouseInsurer
from services.insurance.application.claim_inquiries import inquire
from services.insurance.application.claim_work import Outside
from services.insurance.application.claims import decide_disputed_claim, give_credit_on_claim
from services.insurance.application.payments import inquire_payment
from services.insurance.domain.claim import DecideDispute, GiveCredit
from services.insurance.domain.gateway import OutcomeKind
from services.insurance.domain.policy import POLICIES
from tests.unit.insurance.application.test_claim_lifecycle import Wire
from tests.unit.insurance.far import Far
from tests.unit.insurance.memory import NOW, OFFICER, PHARMACIST, SUPPLY, Memory, received, taken_back, undone
from tests.unit.insurance.test_delivery_fees import CLAIM, SHARE, balances, brought_world, paid
from tests.unit.insurance.test_payment_outcomes import AGAIN, Provider

PROVIDER = "provider.simulated"
CREDIT = GiveCredit(claim_id=CLAIM, reason="发热, 夜间无法支付")


@pytest.fixture
def provider() -> Provider:
    return Provider()


@pytest.fixture
def memory(provider: Provider) -> Memory:
    """The patient has paid; the provider has the money and does not say so."""
    memory = brought_world(Outside(InHouseInsurer(), provider, POLICIES))
    provider.silent = True
    paid(memory, SHARE)
    return memory


def speaks(memory: Memory, provider: Provider, state: str) -> int:
    """The provider says that it has the money while the claim is in a state, in which it stays: fen it has."""
    assert memory.claim().state == state
    before = balances(memory.claim().postings)
    assert PROVIDER not in before
    provider.silent = False
    memory.time = NOW + AGAIN
    memory.run(inquire_payment(SHARE, memory.outside))
    after = balances(memory.claim().postings)
    assert (memory.payment().state, memory.claim().state, memory.claim().owed) == ("paid", state, 0)
    assert after == {PROVIDER if account == "receivable.patient" else account: before[account] for account in before}
    return after[PROVIDER]


def insurer(memory: Memory, *kinds: OutcomeKind) -> None:
    memory.outside = replace(memory.outside, gateway=Wire(*kinds))


def asked_again(memory: Memory) -> None:
    memory.time += timedelta(minutes=16)
    memory.run(inquire(CLAIM, memory.outside))


def test_while_the_insurer_has_not_said_that_it_is_voided(memory: Memory, provider: Provider) -> None:
    insurer(memory, OutcomeKind.UNKNOWN, OutcomeKind.ACCEPTED)
    memory.hear(undone())
    speaks(memory, provider, "voiding")
    asked_again(memory)
    assert (memory.claim().state, memory.payment().state, provider.refunded) == ("voided", "refunded", [SHARE])
    assert balances(memory.claim().postings) == {}


def test_while_a_two_step_insurer_is_asked_to_settle(provider: Provider) -> None:
    far = Far(steps="two_step")
    memory = far.memory
    memory.outside = replace(memory.outside, provider=provider)
    far.hear(SUPPLY)
    far.ask()
    provider.silent = True
    paid(memory, SHARE)
    memory.run(give_credit_on_claim(CREDIT, memory.outside), PHARMACIST)
    memory.hear(received())
    share = speaks(memory, provider, "settling")
    far.rest()
    assert (memory.claim().state, memory.claim().owed) == ("settled", 0)
    assert balances(memory.claim().postings)[PROVIDER] == share


@pytest.mark.parametrize("decision", ["reversed", "stands"])
def test_while_a_settled_claim_is_reversed_or_disputed(memory: Memory, provider: Provider, decision: Any) -> None:
    memory.run(give_credit_on_claim(CREDIT, memory.outside), PHARMACIST)
    memory.hear(received())
    stays = decision == "stands"
    insurer(memory, OutcomeKind.UNKNOWN, OutcomeKind.REFUSED) if stays else insurer(memory, OutcomeKind.REFUSED)
    memory.hear(taken_back())
    share = speaks(memory, provider, "reversing" if stays else "disputed")
    if stays:
        asked_again(memory)
    decide = DecideDispute(claim_id=CLAIM, decision=decision, bearer="pharmacy", reason="发票已核对")
    memory.run(decide_disputed_claim(decide, memory.outside), OFFICER)
    assert memory.claim().state == ("settled" if stays else "reversed")
    assert balances(memory.claim().postings).get(PROVIDER, 0) == (share if stays else 0)
    assert (memory.payment().state, provider.refunded) == (("paid", []) if stays else ("refunded", [SHARE]))
