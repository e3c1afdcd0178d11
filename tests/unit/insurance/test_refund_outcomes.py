"""Refunds that a provider does not confirm: it keeps the money on the books until its own word, and is asked again."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.events.insurance import PaymentChanged
from services.insurance.adapters.in_house import InHouseInsurer
from services.insurance.adapters.simulated_payments import CHANNEL, SimulatedPayments
from services.insurance.application.claim_work import Outside
from services.insurance.application.members import give_standing_authorisation
from services.insurance.application.payments import inquire_payment, pay, payment_view
from services.insurance.domain.gateway import OutcomeKind
from services.insurance.domain.payment import PayShare, ProviderAnswer
from services.insurance.domain.policy import POLICIES
from tests.golden.fees.test_netting_by_hand import accept, share
from tests.unit.insurance.memory import (
    NOW,
    PATIENT_ACTOR,
    PHARMACY,
    Memory,
    dispensed,
    insured_world,
    received,
    taken_back,
    undone,
)
from tests.unit.insurance.test_delivery_fees import FEE, SHARE, balances, brought_world, fee, paid
from tests.unit.insurance.test_payment_outcomes import AGAIN

UNKNOWN, REFUSED = OutcomeKind.UNKNOWN, OutcomeKind.REFUSED
ACCEPTED, DUPLICATE = OutcomeKind.ACCEPTED, OutcomeKind.DUPLICATE
HELD, BACK = "provider.simulated", "refund.patient"


class Refunds(SimulatedPayments):
    """A provider that answers refund orders in this way, then as usual; it remembers every order."""

    def __init__(self, *kinds: OutcomeKind) -> None:
        self.kinds = list(kinds)
        self.orders: list[tuple[UUID, int, UUID]] = []
        self.gone: dict[tuple[UUID, UUID], int] = {}

    def refund(self, payment_id: UUID, amount: int, reference: str, refund_id: UUID) -> ProviderAnswer:
        self.orders.append((payment_id, amount, refund_id))
        kind = self.kinds.pop(0) if self.kinds else ACCEPTED
        if kind in {UNKNOWN, REFUSED}:
            return ProviderAnswer(kind, CHANNEL)
        self.gone[payment_id, refund_id] = amount
        return super().refund(payment_id, amount, reference, refund_id)


def world(*kinds: OutcomeKind) -> tuple[Memory, Refunds]:
    """A supply on its way to the door, share and fee paid."""
    provider = Refunds(*kinds)
    memory = brought_world(Outside(InHouseInsurer(), provider, POLICIES))
    paid(memory, SHARE)
    paid(memory, FEE)
    memory.told.clear()
    return memory, provider


def clock(memory: Memory, times: int = 1, *payments: UUID) -> None:
    memory.time = NOW + times * AGAIN
    for payment in payments or (SHARE, FEE):
        memory.run(inquire_payment(payment, memory.outside))


def told(memory: Memory) -> list[tuple[str, str, int | None]]:
    return [(each.item, each.status, each.refunded) for each in memory.told if isinstance(each, PaymentChanged)]


@pytest.mark.parametrize("kind", [UNKNOWN, REFUSED])
@pytest.mark.parametrize("last", [ACCEPTED, DUPLICATE])
def test_a_share_stays_with_the_provider_until_it_says_that_it_went_back(kind: OutcomeKind, last: OutcomeKind) -> None:
    memory, provider = world(kind, ACCEPTED, kind, last)
    memory.hear(undone())
    assert (memory.claim().state, memory.payment().state) == ("voided", "paid")
    assert balances(memory.claim().postings) == {HELD: 4200, BACK: -4200}
    shown = payment_view(memory.payment())
    assert (shown["status"], shown["refund_outcome"]) == ("paid", str(kind))
    assert told(memory) == [("delivery_fee", "refunded", None)]
    clock(memory, 1)
    assert memory.payment().state == "paid"
    clock(memory, 2)
    assert (memory.payment().state, payment_view(memory.payment())["refund_outcome"]) == ("refunded", None)
    assert balances(memory.claim().postings) == {}
    assert told(memory) == [("delivery_fee", "refunded", None), ("share", "refunded", None)]
    clock(memory, 3)
    orders = [order for order in provider.orders if order[0] == SHARE]
    assert orders == [(SHARE, 4200, SHARE)] * 3, "the same order each time, and never again"


def test_a_settled_claim_that_came_back_keeps_what_the_provider_has_on_the_books() -> None:
    memory, _provider = world(UNKNOWN)
    memory.hear(received())
    memory.hear(taken_back())
    assert (memory.claim().state, memory.payment().state) == ("reversed", "paid")
    assert balances(memory.claim().postings) == {HELD: 4200, BACK: -4200}
    clock(memory, 1)
    assert (memory.payment().state, balances(memory.claim().postings)) == ("refunded", {})


def test_nothing_is_asked_before_its_time_nor_by_a_payment_meanwhile() -> None:
    memory, provider = world(UNKNOWN)
    memory.hear(undone())
    memory.time = NOW + AGAIN - timedelta(seconds=1)
    memory.run(inquire_payment(SHARE, memory.outside))
    assert len([order for order in provider.orders if order[0] == SHARE]) == 1
    again: Any = memory.refused(pay(PayShare(payment_id=SHARE, reference="WX-0009"), memory.outside), PATIENT_ACTOR)
    assert again.code == "payment.wrong_state"


def test_a_fee_goes_back_by_the_end_it_was_ordered_for() -> None:
    memory, provider = world(ACCEPTED, UNKNOWN)
    memory.hear(undone())
    assert (fee(memory).state, fee(memory).ended) == ("paid", None)
    assert balances(fee(memory).postings) == {HELD: 600, f"fee.held.{PHARMACY}": -600}
    memory.hear(undone())
    assert len(provider.orders) == 2, "what is heard again orders nothing again"
    clock(memory, 1)
    assert (fee(memory).state, fee(memory).ended, balances(fee(memory).postings)) == ("refunded", "not_sent", {})
    assert provider.orders[-2:] == [(FEE, 600, FEE)] * 2
    (told_of_fee,) = [each for each in memory.told if isinstance(each, PaymentChanged) and each.item == "delivery_fee"]
    assert (told_of_fee.status, told_of_fee.borne_by) == ("refunded", "nobody")


def alone(provider: Refunds) -> Memory:
    memory = insured_world(Outside(InHouseInsurer(), provider, POLICIES), account_balance=0)
    memory.run(give_standing_authorisation(PATIENT_ACTOR), PATIENT_ACTOR)
    memory.hear(dispensed(insurance_intent="self_pay"))
    memory.run(pay(PayShare(payment_id=share(1), reference="WX-0001"), memory.outside), PATIENT_ACTOR)
    return memory


def test_what_a_part_costs_less_waits_alone() -> None:
    """As N-01 of the golden examples: 22500 were paid, 14700 count on, 22500 - 14700 = 7800 go back."""
    provider = Refunds(UNKNOWN)
    memory = alone(provider)
    memory.told.clear()
    accept(memory, {1: 20, 2: 20})
    assert (memory.payment().state, memory.payment(2).state, memory.claim(2).state) == (
        "carried_over",
        "paid",
        "settled",
    )
    assert (memory.payment().held, memory.payment(2).held) == (7800, 14700)
    assert balances(memory.claim().postings) == {HELD: 7800, BACK: -7800}
    assert balances(memory.claim(2).postings) == {HELD: 14700, f"payable.{PHARMACY}": -14700}
    assert [each for each in told(memory) if each[1] == "carried_over"] == [("share", "carried_over", 0)]
    clock(memory, 1, share(1))
    assert (memory.payment().state, memory.payment().held, memory.payment(2).held) == ("carried_over", 0, 14700)
    assert balances(memory.claim().postings) == {}
    assert told(memory)[-1] == ("share", "carried_over", 7800)
    assert provider.orders == [(share(1), 7800, share(1))] * 2


def test_of_several_parts_none_is_taken_for_gone_before_all_are() -> None:
    """22500 were paid, 14700 of them count on, and come back: one order each, repeated under its own name."""
    provider = Refunds(ACCEPTED, UNKNOWN)
    memory = alone(provider)
    accept(memory, {1: 20, 2: 20})
    memory.hear(taken_back(((1, 20), (2, 20))))
    assert (memory.claim(2).state, memory.payment(2).state) == ("reversed", "paid")
    assert balances(memory.claim(2).postings) == {HELD: 14700, BACK: -14700}
    clock(memory, 1, share(2))
    assert (memory.payment(2).state, balances(memory.claim(2).postings)) == ("refunded", {})
    assert provider.orders == [(share(1), 7800, share(1)), *[(share(1), 14700, share(2))] * 2]


@given(st.lists(st.sampled_from((UNKNOWN, REFUSED)), max_size=6), st.booleans())
def test_however_often_it_is_not_confirmed_the_books_are_what_the_provider_has(
    kinds: list[OutcomeKind], settled: bool
) -> None:
    memory, provider = world()
    provider.kinds = kinds.copy()
    if settled:
        memory.hear(received())
        memory.hear(taken_back())
    else:
        memory.hear(undone())
    for time in range(1, len(kinds) + 2):
        has = 4200 + 600 - sum(provider.gone.values())
        assert balances(memory.claim().postings, fee(memory).postings).get(HELD, 0) == has
        clock(memory, time)
    assert (memory.payment().state, fee(memory).state) == ("refunded", "refunded")
    assert balances(memory.claim().postings, fee(memory).postings) == {}
    assert set(provider.orders) == {(SHARE, 4200, SHARE), (FEE, 600, FEE)}


def test_the_simulated_provider_has_all_outcomes() -> None:
    memory = brought_world()
    assert paid(memory, SHARE, "SILENT-1")["outcome_unknown"] is True
    assert paid(memory, FEE, "KEEP-1")["status"] == "paid"
    clock(memory, 1, SHARE)
    assert (memory.payment().state, memory.claim().state) == ("paid", "authorised(cleared)")
    memory.hear(undone())
    assert (memory.payment().state, payment_view(fee(memory))["refund_outcome"]) == ("refunded", "refused")
    clock(memory, 5)
    assert (fee(memory).state, fee(memory).outcome_unknown) == ("paid", True)
