"""A claim in another's place: what was paid counts there, the difference moves once, and can still go back in parts;
also where the rest is never paid."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from contracts.events.insurance import PaymentChanged
from services.insurance.adapters.in_house import InHouseInsurer
from services.insurance.adapters.simulated_payments import CHANNEL, SimulatedPayments
from services.insurance.application.claim_work import Outside
from services.insurance.application.claims import authorise_claim, give_credit_on_claim
from services.insurance.application.members import load_member
from services.insurance.application.payments import expire_payment, inquire_payment, pay
from services.insurance.domain.carrying_over import carry_over
from services.insurance.domain.claim import AuthoriseClaim, GiveCredit, claim_id_of
from services.insurance.domain.claim_events import ClaimReversed
from services.insurance.domain.gateway import OutcomeKind
from services.insurance.domain.payment import (
    PaymentState,
    PayShare,
    ProviderAnswer,
    evolve_payment,
    pay_share,
)
from services.insurance.domain.payment_events import PaymentFailed, PaymentRequested
from services.insurance.domain.policy import POLICIES
from services.insurance.domain.refunds import give_back
from tests.golden.fees.test_netting_by_hand import accept, share
from tests.unit.insurance.memory import (
    ADMIN,
    NOW,
    PATIENT_ACTOR,
    PHARMACIST,
    PHARMACY,
    SUPPLY,
    Memory,
    dispensed,
    golden_member,
    insured_world,
    received,
    taken_back,
    undone,
)
from tests.unit.insurance.test_delivery_fees import FEE, balances, brought_world
from tests.unit.insurance.test_delivery_fees import paid as pays
from tests.unit.insurance.test_insurance_api import Desk


@dataclass
class Ledger(SimulatedPayments):
    """What a provider moved: paid in by payment, paid back by payment and refund."""

    paid: dict[UUID, int] = field(default_factory=dict)
    back: dict[tuple[UUID, UUID], int] = field(default_factory=dict)
    silent: bool = False

    def pay(self, payment_id: UUID, amount: int, reference: str) -> ProviderAnswer:
        if self.silent:
            return ProviderAnswer(OutcomeKind.UNKNOWN, CHANNEL)
        answer = super().pay(payment_id, amount, reference)
        if answer.kind is OutcomeKind.ACCEPTED:
            self.paid[payment_id] = amount
        return answer

    def inquire(self, payment_id: UUID, reference: str | None) -> ProviderAnswer:
        return ProviderAnswer(OutcomeKind.UNKNOWN, CHANNEL) if self.silent else super().inquire(payment_id, reference)

    def refund(self, payment_id: UUID, amount: int, reference: str, refund_id: UUID) -> ProviderAnswer:
        assert (payment_id, refund_id) not in self.back, "ordered once"
        self.back[payment_id, refund_id] = amount
        return super().refund(payment_id, amount, reference, refund_id)


def asked(number: int, amount: int) -> PaymentState:
    identities = dict.fromkeys(
        ("claim_id", "supply_id", "prescription_id", "fulfilment_id", "patient_ref"), UUID(int=number)
    )
    request = PaymentRequested(payment_id=UUID(int=number), amount=amount, **identities)
    return evolve_payment(PaymentState(), request)


def after(state: PaymentState, events: Any) -> PaymentState:
    for event in events:
        state = evolve_payment(state, event)
    return state


def paid(state: PaymentState, provider: Any, reference: str) -> PaymentState:
    assert state.requested is not None
    command = PayShare(payment_id=state.requested.payment_id, reference=reference)
    return after(state, pay_share(state, command, provider, "authorised", NOW, payable=True))


def carried(one: PaymentState, other: PaymentState, provider: Any) -> tuple[PaymentState, PaymentState]:
    gone, come = carry_over(one, other, provider, NOW)
    return after(one, gone), after(other, come)


def test_a_greater_share_asks_for_the_difference_once_and_each_part_goes_back_where_it_came_from() -> None:
    provider = Ledger()
    first = paid(asked(1, 1_000), provider, "WX-0001")
    first, second = carried(first, asked(2, 1_300), provider)
    assert (first.state, second.state, second.due, provider.back) == ("carried_over", "requested", 300, {})
    second = paid(second, provider, "WX-0002")
    assert (second.state, provider.paid) == ("paid", {UUID(int=1): 1_000, UUID(int=2): 300})
    second, third = carried(second, asked(3, 900), provider)
    assert (third.state, third.due) == ("paid", 0)
    assert provider.back == {(UUID(int=2), UUID(int=2)): 300, (UUID(int=1), UUID(int=2)): 100}
    third = after(third, give_back(third, provider, NOW))
    assert (third.state, third.refund_reference) == ("refunded", f"refund/{UUID(int=3)}/WX-0001")
    assert provider.back[UUID(int=1), UUID(int=3)] == 900
    assert sum(provider.paid.values()) == sum(provider.back.values())


def test_the_same_share_moves_nothing() -> None:
    provider = Ledger()
    first, second = carried(paid(asked(1, 500), provider, "WX-0001"), asked(2, 500), provider)
    assert (first.state, first.refund_reference, second.state, provider.back) == ("carried_over", None, "paid", {})


def test_nothing_is_carried_where_nothing_was_paid_or_nothing_is_asked() -> None:
    provider = Ledger()
    one = paid(asked(1, 500), provider, "WX-0001")
    for before, then in ((asked(1, 500), asked(2, 400)), (one, PaymentState()), (one, one), (PaymentState(), one)):
        assert carry_over(before, then, provider, NOW) == ([], [])


def test_where_the_part_is_not_authorised_in_the_same_breath_all_goes_back_and_is_asked_for_anew() -> None:
    memory = insured_world(account_balance=0)
    memory.hear(dispensed())
    ask = AuthoriseClaim(claim_id=claim_id_of(SUPPLY, 1), credential="token-1")
    memory.run(authorise_claim(ask, memory.outside), PATIENT_ACTOR)
    memory.run(pay(PayShare(payment_id=share(1), reference="WX-0001"), memory.outside), PATIENT_ACTOR)
    accept(memory, {1: 20, 2: 20})
    assert (memory.claim().state, memory.claim(2).state, memory.payment().state) == ("voided", "quoted", "refunded")
    assert balances(memory.claim().postings) == {}


INSURED, ALONE = 10_200, 22_500
"""Shares of the golden example's supply (netting.yaml): of a member without a personal account, and paid alone."""
LIMIT = timedelta(hours=72)
AGAIN = POLICIES.of("cn").versions[-1].void_inquiry
PROVIDER = f"provider.{CHANNEL}"


@pytest.fixture
def provider() -> Ledger:
    return Ledger()


@pytest.fixture
def partly(provider: Ledger) -> Memory:
    """A share was paid, the fee was not in time; who is not insured any more owes more for the next attempt."""
    memory = brought_world(Outside(InHouseInsurer(), provider, POLICIES), account_balance=0)
    pays(memory, share(1))
    ended = golden_member(as_of=NOW.date(), account_balance=0, insured_until=date(2026, 3, 1))
    memory.run(load_member(ended), ADMIN)
    memory.time = NOW + LIMIT
    memory.run(expire_payment(FEE, memory.outside))
    second = memory.payment(2)
    assert (memory.claim().state, memory.payment().state) == ("voided", "carried_over")
    assert (second.state, second.covered, second.due) == ("requested", INSURED, ALONE - INSURED)
    return memory


def test_the_list_of_a_claims_payments_shows_what_had_been_paid_and_what_is_due(partly: Memory, tmp_path: Path) -> None:
    desk = Desk(partly, tmp_path)
    second = claim_id_of(SUPPLY, 2)
    rows = {row["item"]: row for row in desk.patient("GET", f"/payments?claim_id={second}").json()["items"]}
    figures = {item: (row["amount"], row["covered"], row["due"]) for item, row in rows.items()}
    assert figures["share"] == (ALONE, INSURED, ALONE - INSURED)
    assert figures["delivery_fee"][1] == 0
    assert desk.patient("GET", f"/payments/{share(2)}").json()["covered"] == INSURED


def held(memory: Memory) -> dict[str, int]:
    """What the claims' postings come to."""
    return balances(*(memory.claim(attempt).postings for attempt in range(1, 7)))


def shown(memory: Memory) -> dict[str, int]:
    """What the pharmacy's trial balance shows of it: fees apart."""
    rows = memory.rows("trial_balance_of_pharmacy", pharmacy=PHARMACY)
    sums = {row["account"]: row["debit"] - row["credit"] for row in rows if not row["account"].startswith("fee.")}
    return {account: amount for account, amount in sums.items() if amount}


def of_payments(memory: Memory, since: int) -> list[str]:
    """What has happened to shares since then."""
    kept = [happened.event.TOPIC for happened in memory.log[since:] if happened.stream_id != FEE]
    return [topic for topic in kept if topic.startswith("insurance.payment.")]


def told_of_refunds(memory: Memory) -> list[tuple[UUID, int | None]]:
    told = [event for event in memory.told if isinstance(event, PaymentChanged) and event.item == "share"]
    return [(event.payment_id, event.refunded) for event in told if event.status == "refunded"]


def test_a_claim_voided_before_the_rest_is_paid_gives_back_what_was(partly: Memory, provider: Ledger) -> None:
    partly.hear(undone())
    assert (partly.claim(2).state, partly.payment(2).state) == ("voided", "refunded")
    assert provider.back == {(share(1), share(2)): INSURED}
    assert (held(partly), told_of_refunds(partly)) == ({}, [(share(2), INSURED)])
    happened = len(partly.log)
    partly.hear(undone())
    partly.time = NOW + 3 * LIMIT
    partly.run(expire_payment(share(2), partly.outside))
    assert (of_payments(partly, happened), len(provider.back)) == ([], 1)


@pytest.mark.parametrize("how", ["expired", "declined"])
def test_where_the_rest_is_not_paid_the_next_attempt_has_what_was(partly: Memory, provider: Ledger, how: str) -> None:
    for attempt in (2, 3, 4):
        refuse(partly, attempt, how)
        gone, come = partly.payment(attempt), partly.payment(attempt + 1)
        assert (partly.claim(attempt).state, gone.state, provider.back) == ("voided", "carried_over", {})
        assert (come.state, come.covered, come.due) == ("requested", INSURED, ALONE - INSURED)
        assert held(partly)[f"provider.{CHANNEL}"] == INSURED
    refuse(partly, 5, how)
    assert (partly.claim(5).state, partly.payment(5).state, partly.claim(6).state) == ("voided", "refunded", "-")
    assert provider.back == {(share(1), share(5)): INSURED}
    assert held(partly) == {}
    happened = len(partly.log)
    partly.hear(undone())
    assert (of_payments(partly, happened), len(provider.back)) == ([], 1)


def refuse(memory: Memory, attempt: int, how: str) -> None:
    if how == "declined":
        pays(memory, share(attempt), f"DECLINE-{attempt}")
        return
    memory.time = NOW + attempt * LIMIT
    memory.run(expire_payment(share(attempt), memory.outside))


def test_the_rest_paid_at_last_goes_back_apart_from_what_came_first(partly: Memory, provider: Ledger) -> None:
    pays(partly, share(2), "DECLINE-2")
    pays(partly, share(3), "WX-0003")
    assert partly.payment(3).state == "paid"
    partly.hear(undone())
    assert provider.back == {(share(3), share(3)): ALONE - INSURED, (share(1), share(3)): INSURED}
    assert held(partly) == {}


@pytest.mark.parametrize("reference", ["WX-0002", "DECLINE-2"])
def test_voided_while_the_rest_is_not_answered_all_goes_back_with_the_answer(
    partly: Memory, provider: Ledger, reference: str
) -> None:
    provider.silent = True
    pays(partly, share(2), reference)
    assert held(partly)[PROVIDER] == INSURED
    partly.hear(undone())
    assert (partly.claim(2).state, provider.back) == ("voided", {})
    kept = {PROVIDER: INSURED, "refund.patient": -INSURED}
    assert (held(partly), shown(partly)) == (kept, kept), "what the provider has stays on the books until it answers"
    partly.time += AGAIN
    partly.run(inquire_payment(share(2), partly.outside))
    assert (held(partly), provider.back) == (kept, {}), "asked again, not answered: booked once"
    provider.silent = False
    partly.time += LIMIT
    partly.run(inquire_payment(share(2), partly.outside))
    rest = {(share(2), share(2)): ALONE - INSURED} if reference == "WX-0002" else {}
    assert (partly.payment(2).state, partly.claim(3).state) == ("refunded", "-")
    assert provider.back == {(share(1), share(2)): INSURED, **rest}
    assert (held(partly), sum(provider.back.values())) == ({}, INSURED + sum(rest.values()))
    assert told_of_refunds(partly) == [(share(2), None if rest else INSURED)]
    assert shown(partly) == {}
    happened = len(partly.log)
    partly.run(inquire_payment(share(2), partly.outside))
    partly.hear(undone())
    assert (of_payments(partly, happened), len(provider.back)) == ([], 1 + len(rest))


def test_reversed_while_the_rest_is_not_answered_it_stays_on_the_books_too(partly: Memory, provider: Ledger) -> None:
    credit = GiveCredit(claim_id=claim_id_of(SUPPLY, 2), reason="发热, 夜间无法支付")
    partly.run(give_credit_on_claim(credit, partly.outside), PHARMACIST)
    partly.hear(received())
    provider.silent = True
    pays(partly, share(2), "WX-0002")
    assert partly.claim(2).state == "settled"
    partly.hear(taken_back())
    assert partly.claim(2).state == "reversed"
    reversal = next(each.event for each in partly.log if isinstance(each.event, ClaimReversed))
    assert sum(each.amount for each in reversal.postings if each.account == PROVIDER) == -INSURED, "the exact negation"
    assert held(partly) == shown(partly) == {PROVIDER: INSURED, "refund.patient": -INSURED}
    provider.silent = False
    partly.time += LIMIT
    partly.run(inquire_payment(share(2), partly.outside))
    assert (partly.payment(2).state, held(partly), shown(partly)) == ("refunded", {}, {})
    assert provider.back == {(share(2), share(2)): ALONE - INSURED, (share(1), share(2)): INSURED}


def test_nothing_that_the_provider_is_not_known_to_have_is_kept_on_the_books(provider: Ledger) -> None:
    memory = brought_world(Outside(InHouseInsurer(), provider, POLICIES), account_balance=0)
    provider.silent = True
    pays(memory, share(1), "WX-0001")
    memory.hear(undone())
    assert (memory.claim().state, memory.payment().outcome_unknown, held(memory)) == ("voided", True, {})


def test_declined_for_what_the_patient_has_it_stays_owed_and_goes_back_with_the_supply(
    partly: Memory, provider: Ledger
) -> None:
    partly.hear(received())
    pays(partly, share(2), "DECLINE-2")
    failed = partly.payment(2)
    assert (failed.state, failed.due, provider.back) == ("failed", ALONE - INSURED, {})
    partly.hear(taken_back())
    assert (partly.payment(2).state, provider.back) == ("refunded", {(share(1), share(2)): INSURED})
    assert held(partly) == {}


def test_a_third_share_takes_what_the_second_was_covered_with() -> None:
    provider = Ledger()
    first, second = carried(paid(asked(1, 1_000), provider, "WX-0001"), asked(2, 1_300), provider)
    second = after(second, [PaymentFailed(reason="declined", channel=CHANNEL, reference="DECLINE-2")])
    second, third = carried(second, asked(3, 900), provider)
    assert (first.state, second.state, third.state, third.due) == ("carried_over", "carried_over", "paid", 0)
    assert (third.reference, provider.back) == ("WX-0001", {(UUID(int=1), UUID(int=2)): 100})
    third = after(third, give_back(third, provider, NOW))
    assert provider.back == {(UUID(int=1), UUID(int=2)): 100, (UUID(int=1), UUID(int=3)): 900}
    assert [give_back(each, provider, NOW) for each in (third, second, first)] == [[], [], []]
