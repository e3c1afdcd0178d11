"""What a payment provider pays on to a pharmacy, by the examples worked by hand: batches, remittances, the books."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import yaml

from services.insurance.adapters.simulated_payments import CHANNEL
from services.insurance.application.claims import give_credit_on_claim
from services.insurance.application.payments import inquire_payment
from services.insurance.domain.amounts import Amount, LineAmounts, PayerAmount
from services.insurance.domain.claim import GiveCredit, claim_id_of
from services.insurance.domain.remittance import held_claims
from tests.golden.clearing.test_provider_days_by_hand import Day, number, payment
from tests.golden.settlement.arithmetic import value_of
from tests.unit.insurance.memory import PHARMACIST, PHARMACY, SUPPLY

FILE: dict[str, Any] = yaml.safe_load((Path(__file__).parent / "provider_batches.yaml").read_text(encoding="utf-8"))
EXAMPLES: dict[str, dict[str, Any]] = FILE["batches"]
CORRECTIONS: dict[str, dict[str, Any]] = FILE["corrections"]
OTHER_SUPPLY = UUID(int=12)
SUMS = (
    "charge", "patient", "borne", "others", "paid", "recovered", "brought_forward", "carried_forward", "transferred",
)  # fmt: skip
NOTHING = Amount(amount=0, rule="none")


class Clearing(Day):
    """One example on its way, and the desk of who pays for the provider."""

    def __init__(self, example: dict[str, Any], keys: Path) -> None:
        super().__init__({**example, "day": 1}, keys)
        self.prepared = 0

    def do(self, step: str, supply: UUID = SUPPLY) -> None:
        match step.split(maxsplit=1):
            case ["other", what]:
                self.do(what, OTHER_SUPPLY)
            case ["credit"]:
                given = GiveCredit(claim_id=claim_id_of(supply, 1), reason="急需用药")
                self.memory.run(give_credit_on_claim(given, self.memory.outside), PHARMACIST)
            case ["file", listed]:
                self.tell([(number(what), amount) for what, amount in yaml.safe_load(listed).items()])
            case ["bears", what]:
                assert self.answer(what, "pharmacy_bears").status_code == 200
            case ["prepare"]:
                self.prepared = self.prepare().json()["number"]
            case ["withdraw"]:
                assert self.batch("/withdrawal", {"reason": "not today"}).status_code == 200
            case ["clear"]:
                self.do("prepare")
                transferred = self.batch().json()["transferred"]
                paid = {"transferred": transferred, "reference": f"TRN-{self.prepared}", "transferred_on": "2026-03-09"}
                assert self.batch("/remittance", paid).status_code == 200
            case ["asked", "again fee"]:
                self.memory.time += timedelta(hours=1)
                self.memory.run(inquire_payment(payment("fee"), self.memory.outside))
            case ["gives", back]:
                said = {"answer": "pharmacy_paid", "reason": "card closed; paid in cash", "reference": "RCPT-0001"}
                path = f"/payment-tasks/{payment(back.removeprefix('back '))}/1/end"
                assert self._call(self._officer, "POST", path, json=said).status_code == 200
            case ["nothing"]:
                assert self.prepare().json()["type"] == "urn:rxflow:problem:batch.nothing_to_clear"
            case _:
                super().do(step, supply)

    def prepare(self) -> Any:
        until = (self.memory.time - timedelta(days=1)).date().isoformat()
        body = {"pharmacy": PHARMACY, "until": until}
        return self._call(self._officer, "POST", "/settlement-batches", json=body)

    def batch(self, path: str = "", body: Any = None, number: int | None = None) -> Any:
        place = f"/settlement-batches/{CHANNEL}/{PHARMACY}/{number or self.prepared}{path}"
        return self._call(self._officer, "GET" if body is None else "POST", place, json=body)

    def books(self) -> Counter[str]:
        """The balance of every account over all that was booked."""
        sums: Counter[str] = Counter()
        for recorded in self.memory.log:
            for posting in getattr(recorded.event, "postings", ()):
                sums[posting.account.removesuffix(f".{PHARMACY}")] += posting.amount
        return sums


def worked_out(steps: dict[Any, Any]) -> dict[Any, int]:
    for words, arithmetic, amount in steps.values():
        assert words
        assert value_of(arithmetic) == amount
    return {what: amount for what, (_words, _arithmetic, amount) in steps.items()}


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_sums_are_right(name: str) -> None:
    books = worked_out(EXAMPLES[name]["books"])
    assert books
    for batch in EXAMPLES[name]["batches"].values():
        sums = dict.fromkeys(SUMS, 0) | worked_out(batch["steps"])
        assert sums["charge"] - sums["patient"] - sums["borne"] - sums["others"] == sums["paid"]
        net = sums["paid"] - sums["recovered"] - sums["brought_forward"] + sums["carried_forward"]
        assert net == sums["transferred"] >= 0


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_service_pays_the_same(name: str, tmp_path: Path) -> None:
    example = EXAMPLES[name]
    story = Clearing(example, tmp_path)

    for step in example["way"]:
        story.do(step)

    # every batch came to what was worked out, and its claims to the batch
    for batch_no, expected in example["batches"].items():
        batch = story.batch(number=batch_no).json()
        sums = dict.fromkeys(SUMS, 0) | worked_out(expected["steps"])
        assert {name: batch[name] for name in SUMS} == {name: sums[name] for name in SUMS}
        assert (batch["side"], batch["claims"]) == ("provider", expected["claims"])
        assert batch["state"] == expected.get("state", "remitted")
        items = story.batch("/claims", number=batch_no).json()["items"]
        assert sum(item["paid"] for item in items) == sums["paid"] - sums["recovered"]
        assert sum(item["charge"] for item in items) == sums["charge"]
    assert story.prepared == max(example["batches"], default=0)

    # and the books are where they must be, even in sum
    books = story.books()
    for account, amount in worked_out(example["books"]).items():
        assert (account, books[account]) == (account, amount)
    assert sum(books.values()) == 0


@pytest.mark.parametrize("name", CORRECTIONS)
def test_a_share_in_two_parts_is_corrected_as_by_hand(name: str) -> None:
    example = CORRECTIONS[name]
    lines = [line_of(line, amount) for line, amount in example["lines"].items()]

    claims = held_claims(7, SUPPLY, "share", lines, example["before"], example["after"])

    assert [claim.status for claim in claims] == [expected["status"] for expected in example["claims"]]
    for claim, expected in zip(claims, example["claims"], strict=True):
        by_line = worked_out(expected["lines"])
        assert {line.line: line.paid for line in claim.lines} == by_line
        rest = worked_out({name: expected[name] for name in ("patient", "paid")})
        assert (claim.adjustments.get("PR", 0), claim.paid) == (rest["patient"], rest["paid"])
        assert claim.charge == sum(line.charge for line in claim.lines) == rest["patient"] + rest["paid"]


def line_of(line: int, amount: int) -> LineAmounts:
    """A line that the patient pays alone."""
    return LineAmounts(
        line=line,
        total=amount,
        own_pay=Amount(amount=amount, rule="self-pay"),
        over_limit=NOTHING,
        first_self_pay=NOTHING,
        in_scope=NOTHING,
        deductible=NOTHING,
        payers=(PayerAmount(payer="patient", amount=amount, rule="self-pay"),),
    )
