"""The delivery fee: a payment of its own beside the share; what waits for it, what shows it, who may pay it when."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from contracts.events.insurance import ClaimQuoted, PaymentChanged
from contracts.roles import Role
from services.insurance.adapters.in_house import InHouseInsurer
from services.insurance.adapters.simulated_payments import SimulatedPayments
from services.insurance.application.claim_work import Outside
from services.insurance.application.claims import give_credit_on_claim
from services.insurance.application.members import give_standing_authorisation
from services.insurance.application.payments import pay
from services.insurance.application.receipts import receipt_paper
from services.insurance.application.views import balanced, claim_view, receipt_view
from services.insurance.domain.claim import ClaimState, GiveCredit, claim_id_of
from services.insurance.domain.claim_facts import Facts
from services.insurance.domain.delivery_fee import BEARER, FEE_ENDS, DeliveryTariff, FeeEnd, fee_of_place
from services.insurance.domain.fee_payment import carriage_end, end_fee, pay_fee, request_fee
from services.insurance.domain.payment import PaymentState, PayShare, evolve_payment, fee_of, payment_of
from services.insurance.domain.policy import POLICIES, InsurancePolicy
from services.seedwork.policies import Jurisdictions, Policies
from services.seedwork.reference import EntryState
from tests.golden.fees.test_netting_by_hand import accept
from tests.unit.insurance.memory import (
    ADMIN,
    ALL_BACK,
    NOW,
    PATIENT_ACTOR,
    PHARMACIST,
    PHARMACY,
    SUPPLY,
    Memory,
    dispensed,
    insured_world,
    received,
    recorded,
    undone,
)
from tests.unit.insurance.test_insurance_api import Desk, problem
from tests.unit.insurance.test_share_previews import ask

CLAIM = claim_id_of(SUPPLY, 1)
SHARE = payment_of(CLAIM).stream_id
FEE = fee_of(SUPPLY).stream_id
CITY = "310100"


def tariff(memory: Memory, place: str = CITY, fee: int = 600, free_from: int | None = None, **more: Any) -> None:
    content = {"fee": fee, "free_from": free_from, "source": "fictional"}
    memory.run(recorded("delivery_tariff", place, content, date(2026, 1, 1), **more), ADMIN)


def brought_world(outside: Outside | None = None, **member: Any) -> Memory:
    """A supply to be brought, authorised under a standing authorisation."""
    memory = insured_world(outside, **member)
    tariff(memory)
    memory.run(give_standing_authorisation(PATIENT_ACTOR), PATIENT_ACTOR)
    memory.told.clear()
    memory.hear(dispensed(way="delivery"))
    return memory


def paid(memory: Memory, payment: UUID, reference: str = "WX-0001") -> Any:
    return memory.run(pay(PayShare(payment_id=payment, reference=reference), memory.outside), PATIENT_ACTOR).body


def fee(memory: Memory) -> PaymentState:
    state: PaymentState = memory.state(fee_of(SUPPLY))
    return state


def balances(*postings: Any) -> dict[str, int]:
    sums: dict[str, int] = {}
    for posting in (each for some in postings for each in some):
        sums[posting.account] = sums.get(posting.account, 0) + posting.amount
    return {account: amount for account, amount in sums.items() if amount}


def test_it_is_asked_for_with_the_share_and_apart_from_it() -> None:
    memory = brought_world()
    told = [event for event in memory.told if isinstance(event, PaymentChanged)]
    assert [(event.item, event.amount, event.status) for event in told] == [
        ("share", 4200, "requested"),
        ("delivery_fee", 600, "requested"),
    ]
    assert told[0].payment_id != told[1].payment_id
    (quoted,) = [event for event in memory.told if isinstance(event, ClaimQuoted)]
    assert (quoted.delivery_fee, quoted.total) == (600, 22500)
    assert balances(memory.claim().postings)[f"held.{PHARMACY}"] == -22500
    assert balances(fee(memory).postings) == {"fee.receivable": 600, f"fee.held.{PHARMACY}": -600}


@pytest.mark.parametrize("first", [SHARE, FEE], ids=["share first", "fee first"])
def test_cleared_are_only_both(first: UUID) -> None:
    memory = brought_world()
    other = FEE if first == SHARE else SHARE
    paid(memory, first)
    assert memory.claim().state == "authorised"
    assert "insurance.supply_cleared.v1" not in memory.names_told()
    paid(memory, other)
    assert memory.claim().state == "authorised(cleared)"
    assert memory.claim().cleared == "mixed"
    assert balances(memory.claim().postings, fee(memory).postings)["provider.simulated"] == 4200 + 600


def test_a_share_of_zero_waits_for_the_fee_too() -> None:
    memory = brought_world(account_balance=10_000_000)
    assert memory.claim().state == "authorised"
    paid(memory, FEE)
    assert memory.claim().state == "authorised(cleared)"


def test_what_is_fetched_has_no_fee() -> None:
    memory = insured_world()
    tariff(memory)
    memory.hear(dispensed())
    assert memory.claim().opened is not None
    assert memory.claim().opened.delivery_fee is None  # type: ignore[union-attr]


def test_a_tariff_that_is_not_in_force_asks_nothing() -> None:
    memory = insured_world()
    tariff(memory, suspended=True)
    memory.hear(dispensed(way="delivery"))
    assert claim_view(memory.claim())["delivery_fee"] is None


def test_a_declined_fee_may_be_paid_again_and_takes_no_claim_back() -> None:
    memory = brought_world()
    paid(memory, SHARE)
    assert paid(memory, FEE, "DECLINE-1")["status"] == "failed"
    assert (memory.claim().state, memory.claim().replaced_by) == ("authorised", None)
    before = len(memory.log)
    assert paid(memory, FEE, "DECLINE-1")["status"] == "failed"
    assert len(memory.log) == before
    assert paid(memory, FEE, "WX-0002")["status"] == "paid"
    assert paid(memory, FEE, "WX-0002")["status"] == "paid"
    assert memory.claim().state == "authorised(cleared)"
    other = PayShare(payment_id=FEE, reference="WX-0003")
    assert memory.refused(pay(other, memory.outside), PATIENT_ACTOR).code == "payment.wrong_state"


def test_what_was_handed_out_on_credit_still_owes_its_fee() -> None:
    memory = brought_world()
    credit = GiveCredit(claim_id=CLAIM, reason="发热, 夜间无法支付")
    memory.run(give_credit_on_claim(credit, memory.outside), PHARMACIST)
    memory.hear(received().model_copy(update={"carried": True}))
    assert memory.claim().state == "settled"
    assert (fee(memory).state, fee(memory).ended) == ("requested", "delivered")
    paid(memory, FEE)
    assert balances(fee(memory).postings) == {"provider.simulated": 600, f"fee.payable.{PHARMACY}": -600}


def test_what_the_patient_has_is_not_kept_waiting_by_an_unpaid_fee() -> None:
    memory = brought_world(account_balance=10_000_000)
    credit = GiveCredit(claim_id=CLAIM, reason="发热, 夜间无法支付")
    memory.run(give_credit_on_claim(credit, memory.outside), PHARMACIST)
    accept(memory, {1: 20, 2: 20})
    assert (memory.claim().state, memory.claim(2).state) == ("voided", "settled")
    assert (fee(memory).state, fee(memory).ended) == ("requested", "delivered")


def test_a_dropped_fee_is_not_payable_and_stays_dropped() -> None:
    memory = brought_world()
    memory.hear(undone())
    assert (fee(memory).state, fee(memory).dropped, fee(memory).postings and balances(fee(memory).postings)) == (
        "failed",
        True,
        {},
    )
    late = PayShare(payment_id=FEE, reference="WX-0001")
    assert memory.refused(pay(late, memory.outside), PATIENT_ACTOR).code == "payment.wrong_state"
    assert end_fee(fee(memory), "not_sent", {}, SimulatedPayments(), NOW) == []


def test_the_jurisdiction_may_say_otherwise_who_bears_it() -> None:
    cn = POLICIES.of("cn").versions[-1].model_copy(update={"fee_bearers": {"lost": "patient"}})
    policies: Jurisdictions[InsurancePolicy] = Jurisdictions({"cn": Policies(jurisdiction="cn", versions=(cn,))})
    memory = brought_world(Outside(InHouseInsurer(), SimulatedPayments(), policies))
    paid(memory, SHARE)
    paid(memory, FEE)
    memory.hear(undone().model_copy(update={"road": "lost", "why": "lost"}))
    assert (memory.payment().state, fee(memory).state) == ("refunded", "paid")


def test_who_bears_it_is_told_with_the_refund() -> None:
    memory = brought_world()
    paid(memory, SHARE)
    paid(memory, FEE)
    memory.hear(undone().model_copy(update={"road": "lost", "why": "lost"}))
    back = [event for event in memory.told if isinstance(event, PaymentChanged) and event.status == "refunded"]
    assert {(event.item, event.borne_by) for event in back} == {("share", None), ("delivery_fee", "courier")}
    assert len({event.reference for event in back}) == 2


@pytest.mark.parametrize("end", [row.end for row in FEE_ENDS])
def test_every_end_is_earned_or_given_back_and_only_the_patient_pays(end: FeeEnd) -> None:
    claim = brought_world().claim()
    (request,) = request_fee(PaymentState(), claim, FEE)
    state = evolve_payment(PaymentState(), request)  # type: ignore[arg-type]
    for event in pay_fee(state, PayShare(payment_id=FEE, reference="WX-0001"), SimulatedPayments(), NOW):  # type: ignore[union-attr]
        state = evolve_payment(state, event)  # type: ignore[arg-type]
    for event in end_fee(state, end, {}, SimulatedPayments(), NOW):
        state = evolve_payment(state, event)  # type: ignore[arg-type]
    owed = BEARER[end] == "patient"
    kept = {"provider.simulated": 600, f"fee.payable.{PHARMACY}": -600}
    assert (state.state, balances(state.postings)) == (("paid", kept) if owed else ("refunded", {}))
    assert end_fee(state, end, {}, SimulatedPayments(), NOW) == []


def test_each_end_stands_in_the_table_once_with_a_source() -> None:
    assert len({row.end for row in FEE_ENDS}) == len(FEE_ENDS)
    assert all(row.source for row in FEE_ENDS)


def state_of(received_lines: dict[int, int], **facts: Any) -> ClaimState:
    known: dict[Any, Any] = {"received": received_lines} if received_lines else {}
    claim = brought_world().claim()
    return replace(claim, facts=replace(Facts(known={**known, **facts.pop("known", {})}), **facts))


ALL = dict(ALL_BACK)
BOTH_THE_PATIENTS = frozenset({"refused_at_the_door", "attempts_used_up"})


@pytest.mark.parametrize(
    ("state", "end"),
    [
        (state_of({}), None),
        (state_of(ALL), "delivered"),
        (state_of(ALL, at_counter=True), "collected"),
        (state_of({}, known={"undone": ALL}), "not_sent"),
        (state_of({}, known={"undone": ALL}, roads=frozenset({"lost"})), "lost"),
        (state_of({}, known={"undone": ALL}, roads=frozenset({"attempts_used_up", "lost"})), "lost"),
        (state_of({}, known={"undone": ALL}, roads=frozenset({"refused_at_the_door", "no_retry"})), "no_retry"),
        (
            state_of({}, known={"undone": ALL}, roads=frozenset({"refused_at_the_door", "attempts_used_up"})),
            "attempts_used_up",
        ),
        (state_of(ALL, known={"taken_back": ALL}), "taken_back"),
    ],
)
def test_how_a_carriage_ended_follows_from_what_dispatch_told(state: ClaimState, end: FeeEnd | None) -> None:
    assert carriage_end(state, {}) == end


def test_without_a_claim_or_a_request_there_is_no_fee() -> None:
    assert request_fee(PaymentState(), ClaimState(), FEE) == []
    assert request_fee(fee(brought_world()), brought_world().claim(), FEE) == []
    silent: Any = pay_fee(PaymentState(), PayShare(payment_id=FEE, reference="WX-0001"), SimulatedPayments(), NOW)
    assert silent.code == "payment.unknown"
    assert end_fee(PaymentState(), "lost", {}, SimulatedPayments(), NOW) == []


def test_a_tariff_never_recorded_asks_nothing() -> None:
    assert fee_of_place([EntryState()], 100, NOW.date()) is None
    assert DeliveryTariff(fee=600, source="x").asks(10**9) == 600


# what shows it


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(brought_world(), tmp_path)


def test_it_is_shown_before_anything_is_held(desk: Desk) -> None:
    shown = ask(desk, brought_from="310101").json()
    assert shown["delivery_fee"] == {"amount": 600, "rule": "delivery_tariff/310100/2026-01-01"}
    assert "delivery_fee" not in ask(desk).json()
    assert ask(desk, brought_from="330100").json()["delivery_fee"] == {"amount": 0, "rule": None}
    assert problem(ask(desk, brought_from="上海"))[0] == 422


def test_both_are_listed_and_paid_apart(desk: Desk) -> None:
    listed = desk.patient("GET", f"/payments?claim_id={CLAIM}").json()["items"]
    assert {row["item"]: row["amount"] for row in listed} == {"share": 4200, "delivery_fee": 600}
    answered = desk.patient("POST", f"/payments/{FEE}/pay", {"reference": "WX-0009"}).json()
    assert (answered["status"], answered["item"], answered["rule"]) == (
        "paid",
        "delivery_fee",
        "delivery_tariff/310100/2026-01-01",
    )
    other = desk.patient("POST", f"/payments/{FEE}/pay", {"reference": "WX-0009"}, patient_ref=UUID(int=9))
    assert problem(other) == (403, "payment.not_yours")
    assert desk.patient("GET", f"/payments?claim_id={CLAIM}", patient_ref=UUID(int=9)).json()["items"] == []


def test_a_later_attempt_lists_the_fee_of_the_first(desk: Desk) -> None:
    paid(desk.memory, FEE)
    paid(desk.memory, SHARE, "DECLINE-1")
    second = claim_id_of(SUPPLY, 2)
    listed = desk.patient("GET", f"/payments?claim_id={second}").json()["items"]
    assert {(row["item"], row["status"]) for row in listed} == {("share", "requested"), ("delivery_fee", "paid")}
    assert desk.patient("GET", f"/payments?claim_id={UUID(int=77)}").json()["items"] == []


def test_a_fee_that_is_not_asked_for_yet_is_not_listed(tmp_path: Path) -> None:
    memory = insured_world()
    tariff(memory)
    memory.hear(dispensed(way="delivery"))
    desk = Desk(memory, tmp_path)
    assert desk.patient("GET", f"/payments?claim_id={CLAIM}").json()["items"] == []
    shown = claim_view(memory.claim())
    assert shown["delivery_fee"] == {"amount": 600, "rule": "delivery_tariff/310100/2026-01-01", "payment_id": FEE}


def test_the_receipt_shows_it_apart() -> None:
    memory = brought_world()
    paid(memory, SHARE)
    paid(memory, FEE)
    memory.hear(received().model_copy(update={"carried": True}))
    shown = receipt_view(memory.claim())
    assert shown["delivery_fee"]["amount"] == 600
    assert sum(line["total"] for line in shown["amounts"]["lines"]) == 22500
    paper = receipt_paper(memory.claim(), EntryState())
    (printed,) = paper.delivery_fee
    assert (printed.what, printed.amount, paper.total) == ("配送费", "6.00", "225.00")


def test_the_pharmacys_trial_balance_has_it_and_is_zero(desk: Desk) -> None:
    paid(desk.memory, SHARE)
    paid(desk.memory, FEE)
    desk.memory.hear(received().model_copy(update={"carried": True}))
    seen = desk.send("GET", "/ledger/trial-balance", Role.PHARMACIST, organisation=PHARMACY)
    rows: list[Any] = seen.json()["accounts"]
    found = {row["account"]: (row["kind"], row["posted"]) for row in rows}
    assert found[f"fee.payable.{PHARMACY}"] == ("pharmacy", -600)
    assert found["fee.receivable"] == ("patient", 0)
    assert balanced([dict(row) for row in rows])["balance"] == 0
