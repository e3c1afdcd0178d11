"""Payments that nobody answers or makes: unknown is ended by the provider's word alone, a limit by the clock."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from contracts.events.insurance import PaymentChanged
from services.insurance.adapters.in_house import InHouseInsurer
from services.insurance.adapters.simulated_payments import SimulatedPayments
from services.insurance.application.claim_work import Outside
from services.insurance.application.claims import give_credit_on_claim
from services.insurance.application.payments import expire_payment, inquire_payment, pay
from services.insurance.domain.claim import GiveCredit, claim_id_of
from services.insurance.domain.gateway import OutcomeKind
from services.insurance.domain.payment import PayShare, ProviderAnswer, payment_of
from services.insurance.domain.policy import POLICIES
from tests.unit.insurance.memory import NOW, PATIENT_ACTOR, PHARMACIST, PHARMACY, SUPPLY, Memory, received, undone
from tests.unit.insurance.test_delivery_fees import CLAIM, FEE, SHARE, balances, brought_world, fee, paid

LIMIT = timedelta(hours=72)
AGAIN = POLICIES.of("cn").versions[-1].void_inquiry
BOTH = pytest.mark.parametrize("payment", [SHARE, FEE], ids=["share", "fee"])


class Provider(SimulatedPayments):
    """A provider that knows what it has booked, and does not always say so."""

    def __init__(self) -> None:
        self.silent = False
        self.booked: dict[UUID, str] = {}
        self.refunded: list[UUID] = []

    def pay(self, payment_id: UUID, amount: int, reference: str) -> ProviderAnswer:
        answer = super().pay(payment_id, amount, reference)
        if answer.kind is OutcomeKind.ACCEPTED:
            self.booked[payment_id] = reference
        return self._said(answer)

    def inquire(self, payment_id: UUID, reference: str | None) -> ProviderAnswer:
        found = self.booked.get(payment_id)
        kind = OutcomeKind.ACCEPTED if found else OutcomeKind.REFUSED
        return self._said(ProviderAnswer(kind, "simulated", found))

    def refund(self, payment_id: UUID, amount: int, reference: str, refund_id: UUID) -> ProviderAnswer:
        self.refunded.append(payment_id)
        return super().refund(payment_id, amount, reference, refund_id)

    def _said(self, answer: ProviderAnswer) -> ProviderAnswer:
        return ProviderAnswer(OutcomeKind.UNKNOWN, "simulated") if self.silent else answer


@pytest.fixture
def provider() -> Provider:
    return Provider()


@pytest.fixture
def memory(provider: Provider) -> Memory:
    return brought_world(Outside(InHouseInsurer(), provider, POLICIES))


def at(memory: Memory, later: timedelta) -> None:
    """The clock, by the provider of this world (the composition has another one)."""
    memory.time = NOW + later
    for payment in (SHARE, FEE):
        memory.run(inquire_payment(payment, memory.outside))
        memory.run(expire_payment(payment, memory.outside))


def other(payment: UUID) -> UUID:
    return FEE if payment == SHARE else SHARE


def state(memory: Memory, payment: UUID) -> str:
    return str(fee(memory).state if payment == FEE else memory.payment().state)


def told(memory: Memory, status: str) -> list[str]:
    return [event.item for event in memory.told if isinstance(event, PaymentChanged) and event.status == status]


@BOTH
def test_without_an_answer_the_provider_is_asked_until_it_says(
    memory: Memory, provider: Provider, payment: UUID
) -> None:
    paid(memory, other(payment))
    provider.silent = True
    shown = paid(memory, payment, "WX-0002")
    assert (shown["status"], shown["outcome_unknown"]) == ("requested", True)
    at(memory, AGAIN)
    at(memory, 2 * LIMIT)
    assert (state(memory, payment), memory.claim().state) == ("requested", "authorised")
    assert told(memory, "expired") == []
    provider.silent = False
    at(memory, 2 * LIMIT + AGAIN / 2)
    assert memory.claim().state == "authorised"
    at(memory, 2 * LIMIT + AGAIN)
    assert (state(memory, payment), memory.claim().state) == ("paid", "authorised(cleared)")


def test_what_the_provider_never_had_is_declined_and_may_be_paid_anew(memory: Memory, provider: Provider) -> None:
    provider.silent = True
    paid(memory, FEE, "DECLINE-1")
    provider.silent = False
    at(memory, AGAIN)
    assert (fee(memory).state, fee(memory).outcome_unknown) == ("failed", False)
    paid(memory, FEE, "WX-0002")
    assert fee(memory).state == "paid"


@BOTH
def test_what_is_voided_while_unknown_is_refunded_once_it_is_known(
    memory: Memory, provider: Provider, payment: UUID
) -> None:
    provider.silent = True
    paid(memory, payment, "WX-0002")
    memory.hear(undone())
    assert memory.claim().state == "voided"
    assert (state(memory, payment), told(memory, "refunded")) == ("requested", [])
    provider.silent = False
    at(memory, AGAIN)
    assert (state(memory, payment), provider.refunded) == ("refunded", [payment])
    assert balances(memory.claim().postings, fee(memory).postings) == {}


def test_what_is_voided_while_unknown_and_was_never_booked_is_dropped(memory: Memory, provider: Provider) -> None:
    provider.silent = True
    paid(memory, SHARE, "DECLINE-1")
    memory.hear(undone())
    provider.silent = False
    at(memory, AGAIN)
    assert (memory.payment().state, provider.refunded) == ("failed", [])
    assert memory.claim(2).state == "-"


@BOTH
def test_nobody_pays_in_time_so_it_expires_and_another_attempt_asks_anew(
    memory: Memory, provider: Provider, payment: UUID
) -> None:
    paid(memory, other(payment))
    at(memory, LIMIT - timedelta(seconds=1))
    assert memory.claim().state == "authorised"
    at(memory, LIMIT)
    assert (memory.claim().state, memory.claim().replaced_by, memory.claim(2).state) == ("voided", 2, "authorised")
    assert told(memory, "expired") == ["share" if payment == SHARE else "delivery_fee"]
    assert balances(memory.claim().postings) == {}
    again = payment_of(claim_id_of(SUPPLY, 2)).stream_id if payment == SHARE else FEE
    anew = memory.payment(2) if payment == SHARE else fee(memory)
    assert (anew.state, anew.expires_at) == ("requested", NOW + 2 * LIMIT)
    assert (fee(memory) if payment == SHARE else memory.payment(2)).state == "paid", "what is paid stays paid"
    assert provider.refunded == []
    paid(memory, again, "WX-0003")
    assert memory.claim(2).state == "authorised(cleared)"


def test_attempts_end_and_the_patient_is_owed_nothing(memory: Memory) -> None:
    for number in range(1, 9):
        at(memory, number * LIMIT)
        for attempt in range(1, 6):
            share = payment_of(claim_id_of(SUPPLY, attempt)).stream_id
            memory.run(expire_payment(share, memory.outside))
    assert [memory.claim(attempt).state for attempt in (5, 6)] == ["voided", "-"]
    assert memory.claim(5).replaced_by is None
    assert all(balances(memory.claim(attempt).postings) == {} for attempt in range(1, 6))


def test_before_it_expires_the_provider_is_asked_and_its_word_counts(memory: Memory, provider: Provider) -> None:
    paid(memory, FEE)
    provider.booked[SHARE] = "WX-LOST"
    at(memory, LIMIT)
    assert (memory.payment().state, memory.payment().reference) == ("paid", "WX-LOST")
    assert memory.claim().state == "authorised(cleared)"


def test_a_provider_that_does_not_answer_lets_nothing_expire(memory: Memory, provider: Provider) -> None:
    provider.silent = True
    at(memory, LIMIT)
    assert (memory.payment().state, memory.payment().outcome_unknown) == ("requested", True)
    assert memory.claim().state == "authorised"
    provider.silent = False
    at(memory, LIMIT + AGAIN)
    assert memory.payment().state == "failed"


def test_what_the_patient_has_already_stays_owed(memory: Memory) -> None:
    credit = GiveCredit(claim_id=CLAIM, reason="发热, 夜间无法支付")
    memory.run(give_credit_on_claim(credit, memory.outside), PHARMACIST)
    memory.hear(received())
    at(memory, LIMIT)
    at(memory, 2 * LIMIT)
    assert (memory.payment().state, fee(memory).state, memory.claim().state) == ("requested", "requested", "settled")
    assert [event for event in memory.log if type(event.event).__name__ == "PaymentOverdue"][2:] == []
    paid(memory, SHARE)
    assert memory.payment().state == "paid"


def test_a_fee_for_what_was_carried_stays_owed_although_nothing_arrived(memory: Memory) -> None:
    credit = GiveCredit(claim_id=CLAIM, reason="发热, 夜间无法支付")
    memory.run(give_credit_on_claim(credit, memory.outside), PHARMACIST)
    memory.hear(undone().model_copy(update={"road": "attempts_used_up", "why": "returned"}))
    at(memory, LIMIT)
    at(memory, 2 * LIMIT)
    assert (memory.claim().state, fee(memory).state, fee(memory).ended) == ("voided", "requested", "attempts_used_up")
    paid(memory, FEE)
    assert balances(fee(memory).postings) == {"provider.simulated": 600, f"fee.payable.{PHARMACY}": -600}


def test_a_declined_fee_that_nobody_tries_again_expires_too(memory: Memory) -> None:
    paid(memory, SHARE)
    paid(memory, FEE, "DECLINE-1")
    at(memory, LIMIT)
    assert (memory.claim().state, fee(memory).state) == ("voided", "requested")
    assert (memory.claim(2).state, memory.payment(2).state) == ("authorised", "paid")


def test_the_composition_fires_both_timers() -> None:
    memory = brought_world()
    memory.move_clock(LIMIT)
    assert told(memory, "expired") == ["share"]
    assert fee(memory).expires_at == memory.payment(2).expires_at == NOW + 2 * LIMIT


def test_a_fee_and_a_share_that_nobody_pays_end_one_attempt_between_them(memory: Memory) -> None:
    memory.time = NOW + LIMIT
    memory.run(expire_payment(FEE, memory.outside))
    memory.run(expire_payment(SHARE, memory.outside))
    assert (memory.payment().state, fee(memory).state) == ("failed", "requested")
    assert (memory.claim(2).state, memory.claim(3).state) == ("authorised", "-")


def test_what_is_not_there_has_no_deadline(memory: Memory) -> None:
    before = len(memory.log)
    for use_case in (inquire_payment, expire_payment):
        memory.run(use_case(UUID(int=99), memory.outside))
    refused: Any = memory.refused(
        pay(PayShare(payment_id=UUID(int=99), reference="WX-0001"), memory.outside), PATIENT_ACTOR
    )
    assert (refused.code, len(memory.log)) == ("payment.unknown", before)


@BOTH
def test_what_is_not_answered_yet_is_not_paid_under_another_reference(
    memory: Memory, provider: Provider, payment: UUID
) -> None:
    provider.silent = True
    paid(memory, payment, "WX-0002")
    provider.silent = False
    another = PayShare(payment_id=payment, reference="WX-0003")
    refused = memory.refused(pay(another, memory.outside), PATIENT_ACTOR)
    assert (refused.code, refused.facts) == ("payment.outcome_unknown", {"reference": "WX-0002"})
    assert provider.booked == {payment: "WX-0002"}
    assert paid(memory, payment, "WX-0002")["status"] == "paid"
