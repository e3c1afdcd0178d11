"""A payment provider's day by the examples worked by hand: what both sides come to, what differs, what is booked."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import yaml

from contracts.events import insurance_reconciliation as told
from contracts.roles import Role
from services.insurance.adapters.simulated_payments import (
    CHANNEL,
    DECLINED_PREFIX,
    KEEPING_PREFIX,
    SILENT_PREFIX,
)
from services.insurance.api import router
from services.insurance.application.members import give_standing_authorisation
from services.insurance.application.payments import inquire_payment, pay
from services.insurance.domain.claim import claim_of
from services.insurance.domain.payer_items import message_key
from services.insurance.domain.payment import PayShare, fee_of, payment_of
from services.insurance.domain.payment_events import Source
from services.insurance.domain.reconciliation import DifferenceAnswered
from tests.golden.settlement.arithmetic import value_of
from tests.support.http_caller import Caller
from tests.unit.insurance.memory import (
    ADMIN,
    ALL_BACK,
    NOW,
    PATIENT_ACTOR,
    PHARMACY,
    SUPPLY,
    dispensed,
    insured_world,
    received,
    recorded,
    taken_back,
    undone,
)

EXAMPLES: dict[str, dict[str, Any]] = yaml.safe_load(
    (Path(__file__).parent / "provider_days.yaml").read_text(encoding="utf-8")
)["days"]
REFERENCES = {"pay": "WX", "decline": DECLINED_PREFIX, "silent": SILENT_PREFIX, "keep": KEEPING_PREFIX}


def payment(what: str, supply: UUID = SUPPLY) -> UUID:
    """`share`, `share 2`, `fee`."""
    attempt = int([*what.split(), "1"][1]) if what != "fee" else 1
    return (fee_of(supply) if what == "fee" else payment_of(claim_of(supply, attempt).stream_id)).stream_id


def number(what: str) -> str:
    """Under which number the provider lists it."""
    if what == "strange":
        return "4200002026030200000007"
    if not what.startswith("back "):
        return str(payment(what))
    source, _, by = what.removeprefix("back ").partition(" by ")
    part = Source(payment_id=payment(source), reference="of no account", amount=1)
    return str(part.refund_number(payment(by or source)))


class Day:
    """One example on its way, and the desk of who closes the provider's days."""

    def __init__(self, example: dict[str, Any], keys: Path) -> None:
        self.memory = insured_world()
        self.alone = example["given"]["alone"]
        self.memory.run(
            recorded("delivery_tariff", "310100", {"fee": 600, "source": "fictional"}, date(2026, 1, 1)), ADMIN
        )
        self.memory.run(give_standing_authorisation(PATIENT_ACTOR), PATIENT_ACTOR)
        self._call = Caller(self.memory, router, keys)
        self._officer = self._call.token("officer-1", Role.INSURANCE_OFFICER, organisation=CHANNEL)
        self.day = (NOW.date() + timedelta(days=example["day"] - 1)).isoformat()

    def do(self, step: str, supply: UUID = SUPPLY) -> None:
        match step.split(maxsplit=1):
            case ["dispensed"]:
                way = {"way": "counter", "insurance_intent": "self_pay"} if self.alone else {"way": "delivery"}
                self.memory.hear(dispensed(supply_id=supply, **way))
            case [("pay" | "decline" | "silent" | "keep") as how, what]:
                share = PayShare(payment_id=payment(what, supply), reference=f"{REFERENCES[how]}-{what}-{supply.int}")
                self.memory.run(pay(share, self.memory.outside), PATIENT_ACTOR)
            case ["delivered"]:
                self.memory.hear(received(supply=supply).model_copy(update={"carried": True}))
            case ["part", accepted]:
                self._part(yaml.safe_load(accepted))
            case ["undone", "not_sent"]:
                self.memory.hear(undone(supply=supply))
            case ["undone", road]:
                self.memory.hear(undone(supply=supply).model_copy(update={"road": road, "why": "returned"}))
            case ["taken", back]:
                quantities = tuple(yaml.safe_load(back.removeprefix("back ")).items())
                self.memory.hear(taken_back(quantities).model_copy(update={"supply_id": supply}))
            case ["next", "day"]:
                self.memory.time += timedelta(days=1)
            case ["asked", "again"]:
                self.memory.time += timedelta(hours=1)
                self.memory.run(inquire_payment(payment("share"), self.memory.outside))
            case _:
                raise ValueError(step)

    def _part(self, accepted: dict[int, int]) -> None:
        back = tuple((line, have - accepted.get(line, 0)) for line, have in ALL_BACK if have > accepted.get(line, 0))
        said = received(tuple(accepted.items()))
        rejected = tuple({"line": line, "quantity": quantity} for line, quantity in back)
        self.memory.hear(type(said).model_validate({**said.model_dump(), "rejected": rejected}))
        self.memory.hear(undone(back))

    def token(self, subject: str, role: Role, **claims: Any) -> str:
        token: str = self._call.token(subject, role, **claims)
        return token

    def ask(self, method: str, path: str, body: Any = None, *, as_: str | None = None) -> Any:
        return self._call(as_ or self._officer, method, f"/reconciliations/{self.day}{path}", json=body)

    def tell(self, rows: list[tuple[str, int]]) -> Any:
        """Totals, and items where they are wanted; how the day stands then."""
        sums = {"count": len(rows), "total": sum(amount for _number, amount in rows), "fund": 0, "account": 0}
        stands = self.ask("POST", "/totals", sums)
        if stands.json()["state"] == "differing":
            ordered = sorted(rows, key=lambda row: message_key(row[0]))
            items = [{"msgid": of, "total": amount, "fund": 0, "account": 0} for of, amount in ordered]
            stands = self.ask("POST", "/items", {"rows": items, "last": True})
        assert stands.status_code == 200, stands.json()
        return self.ask("GET", "").json()

    def answer(self, what: str, answer: str) -> Any:
        path = f"/differences/{message_key(number(what))}/answer"
        return self.ask("POST", path, {"answer": answer, "reason": "as agreed by phone"})


def listed(example: dict[str, Any]) -> list[tuple[str, int]]:
    """The provider's file: what, and fen."""
    file = ((what, amount if isinstance(amount, list) else [amount]) for what, amount in example["file"].items())
    return [(what, amount) for what, amounts in file for amount in amounts]


def outcomes(example: dict[str, Any]) -> dict[str, int]:
    return {what: amount for what, (_words, _arithmetic, amount) in example["steps"].items()}


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_sums_are_right(name: str) -> None:
    example, steps = EXAMPLES[name], outcomes(EXAMPLES[name])
    for words, arithmetic, amount in example["steps"].values():
        assert words
        assert value_of(arithmetic) == amount
    assert sum(amount for _what, amount in listed(example)) == steps["theirs"]
    missing = {what.removeprefix("missing."): amount for what, amount in steps.items() if what.startswith("missing.")}
    assert steps["ours"] - steps["theirs"] == sum(missing.values())
    assert set(missing) == set(example.get("differences", {}))


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_service_comes_to_the_same(name: str, tmp_path: Path) -> None:
    example, expected = EXAMPLES[name], outcomes(EXAMPLES[name])
    story = Day(example, tmp_path)
    for step in example["way"]:
        story.do(step)
    story.memory.time += timedelta(days=1)

    # when the provider's day is told
    day = story.tell([(number(what), amount) for what, amount in listed(example)])

    # then both sides come to what was worked out, and so does what differs
    assert (day["side"], day["insurer"]) == ("provider", CHANNEL)
    assert (day["ours"]["count"], day["ours"]["total"]) == (example["count"], expected["ours"])
    assert day["theirs"]["total"] == expected["theirs"]
    assert sum(row["total"] for row in day["schemes"]) == expected["ours"]
    found = {item["message_id"]: item for item in day["items"]}
    kinds = {str(message_key(number(what))): kind for what, kind in example.get("differences", {}).items()}
    assert {key: item["kind"] for key, item in found.items()} == kinds
    for what in example.get("differences", {}):
        item = found[str(message_key(number(what)))]
        assert item["missing"]["total"] == expected[f"missing.{what}"]
        assert item["owner"] == ("clearing" if item["kind"] == "unanswered" else "provider")
        assert item["pharmacy"] == (None if what == "strange" else PHARMACY)

    # and the answers close it and book what they move
    for what, answer in example.get("not_yet", {}).items():
        assert story.answer(what, answer).json()["type"] == "urn:rxflow:problem:reconciliation.not_agreed"
    for step in example.get("later", []):
        story.do(step)
    for what, answer in example.get("answers", {}).items():
        assert story.answer(what, answer).status_code == 200
    assert (story.ask("GET", "").json()["how"], story.ask("GET", "").json()["open"]) == (example["closes"], 0)
    booked = [
        (posting.account, posting.amount)
        for recorded_event in story.memory.log
        if isinstance(recorded_event.event, DifferenceAnswered)
        for posting in recorded_event.event.postings
    ]
    borne = sum(amount for account, amount in booked if account == f"borne.{PHARMACY}")
    assert borne == expected.get("borne", 0)
    assert sum(amount for account, amount in booked if account == f"difference.{CHANNEL}") == -borne
    assert not story.memory.told_of(told.DifferenceFound)
    assert not story.memory.told_of(told.ReconciliationDayClosed)
