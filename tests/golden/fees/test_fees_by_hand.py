"""The delivery fee by the examples worked by hand: what is asked, paid, given back, earned, and its own books."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from contracts.events.insurance import PaymentChanged
from services.insurance.application.members import give_standing_authorisation
from services.insurance.application.payments import pay
from services.insurance.domain.claim import claim_of
from services.insurance.domain.payment import PaymentState, PayShare, fee_of, payment_of
from tests.golden.settlement.arithmetic import value_of
from tests.unit.insurance.memory import (
    ADMIN,
    ALL_BACK,
    PATIENT_ACTOR,
    PHARMACY,
    SUPPLY,
    Memory,
    dispensed,
    insured_world,
    received,
    recorded,
    taken_back,
    undone,
)

EXAMPLES: dict[str, dict[str, Any]] = yaml.safe_load((Path(__file__).parent / "fees.yaml").read_text(encoding="utf-8"))[
    "fees"
]
ACCOUNTS = {
    "receivable": "fee.receivable",
    "held": f"fee.held.{PHARMACY}",
    "payable": f"fee.payable.{PHARMACY}",
    "provider": "provider.simulated",
}


class Story:
    """One example on its way."""

    def __init__(self, given: dict[str, Any]) -> None:
        self.memory: Memory = insured_world()
        self.region = given["region"]
        for place, fee, free_from in given["tariff"]:
            content = {"fee": fee, "free_from": free_from, "source": "fictional"}
            self.memory.run(recorded("delivery_tariff", str(place), content, date(2026, 1, 1)), ADMIN)
        self.memory.run(give_standing_authorisation(PATIENT_ACTOR), PATIENT_ACTOR)
        self.memory.told.clear()
        self.payments = 0

    @property
    def fee(self) -> PaymentState:
        state: PaymentState = self.memory.state(fee_of(SUPPLY))
        return state

    def attempt(self) -> int:
        number = 1
        while following := self.memory.claim(number).replaced_by:
            number = following
        return number

    def do(self, step: str) -> None:
        self.payments += 1
        match step.split(maxsplit=1):
            case ["dispensed"]:
                self.memory.hear(dispensed(way="delivery", region=str(self.region)))
            case ["pay", what]:
                self._pay(what, f"WX-{self.payments:04d}")
            case ["decline", what]:
                self._pay(what, f"DECLINE-{self.payments:04d}")
            case ["delivered"]:
                self.memory.hear(received().model_copy(update={"carried": True}))
            case ["collected"]:
                self.memory.hear(received().model_copy(update={"carried": False}))
            case ["part", accepted]:
                self._part(dict(yaml.safe_load(accepted)))
            case ["undone", "not_sent"]:
                self.memory.hear(undone())
            case ["undone", road]:
                self.memory.hear(undone().model_copy(update={"road": road, "why": "returned"}))
            case ["taken", "back"]:
                self.memory.hear(taken_back())
            case _:
                raise ValueError(step)

    def _pay(self, what: str, reference: str) -> None:
        share = payment_of(claim_of(SUPPLY, self.attempt()).stream_id)
        payment = (fee_of(SUPPLY) if what == "fee" else share).stream_id
        self.memory.run(pay(PayShare(payment_id=payment, reference=reference), self.memory.outside), PATIENT_ACTOR)

    def _part(self, accepted: dict[int, int]) -> None:
        rest = tuple((line, quantity - accepted.get(line, 0)) for line, quantity in ALL_BACK)
        back = tuple((line, quantity) for line, quantity in rest if quantity)
        said = received(tuple(accepted.items()))
        rejected = tuple({"line": line, "quantity": quantity} for line, quantity in back)
        self.memory.hear(type(said).model_validate({**said.model_dump(), "rejected": rejected, "carried": True}))
        returned = undone(back).model_copy(update={"road": "rejected_in_part", "why": "returned"})
        self.memory.hear(returned)

    def money(self, status: str) -> int:
        told = (event for event in self.memory.told if isinstance(event, PaymentChanged))
        return sum(event.amount for event in told if event.status == status)


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_sums_are_right(name: str) -> None:
    steps = EXAMPLES[name]["steps"]
    for words, arithmetic, amount in steps.values():
        assert words
        assert value_of(arithmetic.removeprefix("0 - ") if amount < 0 else arithmetic) == abs(amount)
    assert sum(steps[account][2] for account in ACCOUNTS) == 0


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_service_comes_to_the_same(name: str) -> None:
    example = EXAMPLES[name]
    expected = {what: amount for what, (_words, _arithmetic, amount) in example["steps"].items()}
    story = Story(example["given"])
    for step in example["way"]:
        story.do(step)
    fee = story.fee
    assert (fee.requested.amount if fee.requested else 0) == expected["fee"]
    assert story.money("paid") == expected["paid"]
    assert story.money("refunded") == expected["back"]
    assert story.money("paid") - story.money("refunded") == expected["kept"]
    for account, name_of_it in ACCOUNTS.items():
        balance = sum(posting.amount for posting in fee.postings if posting.account == name_of_it)
        assert balance == expected[account], account
    assert sum(posting.amount for posting in fee.postings) == 0
