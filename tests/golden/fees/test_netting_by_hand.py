"""A claim in another's place by the examples worked by hand: the difference moves once, everything else stays."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import yaml

from contracts.events.insurance import PaymentChanged
from services.insurance.adapters.in_house import InHouseInsurer
from services.insurance.adapters.simulated_payments import SimulatedPayments
from services.insurance.application.claim_work import Outside
from services.insurance.application.members import give_standing_authorisation
from services.insurance.application.payments import pay
from services.insurance.domain.claim import claim_of
from services.insurance.domain.payment import PayShare, ProviderAnswer, payment_of
from services.insurance.domain.policy import POLICIES
from tests.golden.settlement.arithmetic import value_of
from tests.unit.insurance.memory import (
    ALL_BACK,
    PATIENT_ACTOR,
    SUPPLY,
    Memory,
    dispensed,
    insured_world,
    received,
    taken_back,
    undone,
)

EXAMPLES: dict[str, dict[str, Any]] = yaml.safe_load(
    (Path(__file__).parent / "netting.yaml").read_text(encoding="utf-8")
)["netting"]


class Provider(SimulatedPayments):
    """A provider that remembers what it paid back."""

    def __init__(self) -> None:
        self.refunds: dict[tuple[UUID, UUID], int] = {}

    def refund(self, payment_id: UUID, amount: int, reference: str, refund_id: UUID) -> ProviderAnswer:
        assert self.refunds.setdefault((payment_id, refund_id), amount) == amount
        return super().refund(payment_id, amount, reference, refund_id)


def share(attempt: int) -> UUID:
    return payment_of(claim_of(SUPPLY, attempt).stream_id).stream_id


def paid_world(provider: Provider, *, alone: bool) -> Memory:
    memory = insured_world(Outside(InHouseInsurer(), provider, POLICIES), account_balance=0)
    memory.run(give_standing_authorisation(PATIENT_ACTOR), PATIENT_ACTOR)
    memory.hear(dispensed(insurance_intent="self_pay") if alone else dispensed())
    memory.run(pay(PayShare(payment_id=share(1), reference="WX-0001"), memory.outside), PATIENT_ACTOR)
    return memory


def accept(memory: Memory, accepted: dict[int, int]) -> None:
    rest = tuple((line, quantity - accepted.get(line, 0)) for line, quantity in ALL_BACK)
    back = tuple((line, quantity) for line, quantity in rest if quantity)
    said = received(tuple(accepted.items()))
    rejected = tuple({"line": line, "quantity": quantity} for line, quantity in back)
    memory.hear(type(said).model_validate({**said.model_dump(), "rejected": rejected}))
    memory.hear(undone(back))


def held_by_the_provider(memory: Memory) -> int:
    claims = (memory.claim(attempt) for attempt in (1, 2, 3))
    booked = (posting for claim in claims for posting in claim.postings)
    return sum(posting.amount for posting in booked if posting.account == "provider.simulated")


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_sums_are_right(name: str) -> None:
    for words, arithmetic, amount in EXAMPLES[name]["steps"].values():
        assert words
        assert value_of(arithmetic) == amount


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_service_moves_the_same(name: str) -> None:
    example = EXAMPLES[name]
    expected = {what: amount for what, (_words, _arithmetic, amount) in example["steps"].items()}
    provider = Provider()
    memory = paid_world(provider, alone=example["given"]["alone"])
    assert memory.claim().patient_share == expected["before"]
    accept(memory, example["accepted"])
    assert (memory.claim().state, memory.claim(2).state) == ("voided", "settled")
    assert memory.claim(2).patient_share == expected["after"]
    assert provider.refunds == {(share(1), share(1)): expected["back"]}
    assert (memory.payment(1).state, memory.payment(2).state, memory.payment(2).due) == (
        "carried_over",
        "paid",
        expected["asked"],
    )
    assert held_by_the_provider(memory) == expected["provider"]
    told = [event for event in memory.told if isinstance(event, PaymentChanged)]
    (gone,) = [event for event in told if event.status == "carried_over"]
    assert (gone.refunded, gone.carried_to) == (expected["back"], share(2))
    paid = [event.covered for event in told if event.payment_id == share(2) and event.status == "paid"]
    assert paid == [expected["after"]]
    # and what was carried over can still go back, out of the payment that the provider knows
    whole = dict(provider.refunds)
    memory.hear(taken_back(tuple(example["accepted"].items())))
    assert memory.payment(2).state == "refunded"
    assert provider.refunds == {**whole, (share(1), share(2)): expected["after"]}
    assert held_by_the_provider(memory) == 0
