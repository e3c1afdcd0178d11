"""What a payment provider refuses for good or never answers calls a person, who takes it and ends it with a reason."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from contracts.roles import Role
from services.insurance.adapters.simulated_payments import CHANNEL
from services.insurance.api import router
from services.insurance.application.payments import pay
from services.insurance.domain.gateway import OutcomeKind
from services.insurance.domain.payment import PaymentState, PayShare, ProviderAnswer
from services.insurance.domain.payment_events import PaymentOutcomeUnknown
from services.insurance.domain.payment_task_events import TaskOpened
from services.insurance.domain.payment_tasks import NOBODY_CALLED, TASKS, TaskState, close_task, with_a_call
from services.insurance.domain.refunds import paid_back_by_pharmacy
from tests.golden.fees.test_netting_by_hand import accept, share
from tests.support.http_caller import Caller
from tests.unit.insurance.memory import (
    INSURER,
    NOW,
    PATIENT_ACTOR,
    PHARMACY,
    Memory,
    taken_back,
    undone,
)
from tests.unit.insurance.test_delivery_fees import FEE, SHARE, balances
from tests.unit.insurance.test_reconciliation import problem
from tests.unit.insurance.test_refund_outcomes import ACCEPTED, REFUSED, UNKNOWN, Refunds, alone, clock, world

FEW, MANY = TASKS["refund_refused"].after, TASKS["refund_unanswered"].after


class Desk:
    """The desk of who answers for the payment provider, and of somebody who does not."""

    def __init__(self, memory: Memory, keys: Path) -> None:
        self.memory = memory
        self._call = Caller(memory, router, keys)
        self.officer = self._call.token("officer-9", Role.INSURANCE_OFFICER, organisation=CHANNEL)
        self.insurers = self._call.token("officer-1", Role.INSURANCE_OFFICER, organisation=INSURER)

    def listed(self, state: str = "open", as_: str | None = None) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = self._call(as_ or self.officer, "GET", f"/payment-tasks?state={state}").json()[
            "items"
        ]
        return items

    def ask(self, path: str, body: Any = None, as_: str | None = None, of: UUID = SHARE) -> Any:
        return self._call(as_ or self.officer, "POST", f"/payment-tasks/{of}{path}", json=body)

    def end(self, answer: str, number: int = 1, of: UUID = SHARE, **more: Any) -> Any:
        return self.ask(f"/{number}/end", {"answer": answer, "reason": "as agreed by phone", **more}, of=of)


def refusing(times: int, keys: Path, kind: OutcomeKind = REFUSED) -> tuple[Desk, Refunds]:
    """A share that its provider did not give back so many times in a row, and does then."""
    memory, provider = world(kind, ACCEPTED, *[kind] * (times - 1))  # the fee goes back at once, in the same decision
    memory.hear(undone())
    for time in range(1, times):
        clock(memory, time, SHARE)
    provider.kinds = []
    return Desk(memory, keys), provider


def test_a_refund_that_is_refused_again_and_again_calls_a_person(tmp_path: Path) -> None:
    few, _provider = refusing(FEW - 1, tmp_path)
    assert few.listed() == []

    desk, provider = refusing(FEW, tmp_path)

    (task,) = desk.listed()
    assert (task["payment_id"], task["number"], task["kind"], task["amount"]) == (str(SHARE), 1, "refund_refused", 4200)
    assert (task["item"], task["pharmacy"], task["person"], task["overdue"]) == ("share", PHARMACY, None, False)
    provider.kinds = [REFUSED]
    clock(desk.memory, FEW, SHARE)
    assert len(desk.listed()) == 1, "one task at a time"


def test_the_providers_own_word_ends_it(tmp_path: Path) -> None:
    desk, _provider = refusing(FEW, tmp_path)
    clock(desk.memory, FEW, SHARE)
    assert desk.memory.payment().state == "refunded"
    assert desk.listed() == []
    (task,) = desk.listed("closed")
    assert (task["answer"], task["closed_by"], task["overdue"]) == ("provider_answered", None, False)
    assert problem(desk.end("ask_again")) == "payment_task.not_open"


def test_a_named_person_takes_it_and_has_it_asked_again(tmp_path: Path) -> None:
    desk, provider = refusing(FEW, tmp_path)
    before = len(desk.memory.log)
    for _ in range(2):
        taken = desk.ask("/1/owner").json()
        assert (taken["person"], taken["kind"]) == ("officer-9", "refund_refused")
    assert len(desk.memory.log) == before + 1, "taken once"
    assert desk.listed()[0]["person"] == "officer-9"

    assert desk.end("ask_again").json()["closed_by"] == "officer-9"

    assert desk.listed() == []
    (closed,) = desk.listed("closed")
    assert (closed["answer"], closed["reason"]) == ("ask_again", "as agreed by phone")
    assert balances(desk.memory.claim().postings)["provider.simulated"] == 4200, "nothing is assumed"
    provider.kinds = [REFUSED] * FEW
    for time in range(FEW, 2 * FEW):
        clock(desk.memory, time, SHARE)
    assert [task["number"] for task in desk.listed()] == [2], "what is left open after that is another task"
    assert problem(desk.ask("/1/owner")) == problem(desk.end("ask_again")) == "payment_task.not_open"


@pytest.mark.parametrize(("times", "called"), [(MANY - 1, 0), (MANY, 1)])
def test_a_refund_without_an_answer_calls_a_person_too(times: int, called: int, tmp_path: Path) -> None:
    desk, _provider = refusing(times, tmp_path, UNKNOWN)
    assert [task["kind"] for task in desk.listed()] == ["refund_unanswered"] * called


class Silent(Refunds):
    """A provider that never says what became of a payment."""

    def pay(self, payment_id: UUID, amount: int, reference: str) -> ProviderAnswer:
        return ProviderAnswer(UNKNOWN, CHANNEL)

    def inquire(self, payment_id: UUID, reference: str | None) -> ProviderAnswer:
        return ProviderAnswer(UNKNOWN, CHANNEL)


def test_a_payment_without_an_answer_calls_a_person_too(tmp_path: Path) -> None:
    story = alone(Silent())
    desk = Desk(story, tmp_path)
    for time in range(1, MANY):
        assert desk.listed() == []
        clock(story, time, share(1))
    (task,) = desk.listed()
    assert (task["kind"], task["amount"], task["channel"]) == ("payment_unanswered", 22500, CHANNEL)
    assert problem(desk.end("pharmacy_paid", of=share(1), reference="RCPT-1")) == "payment_task.answer_not_possible"


def test_what_the_pharmacy_gave_back_is_booked_and_asked_for_no_more(tmp_path: Path) -> None:
    desk, provider = refusing(FEW, tmp_path)
    asked = len(provider.orders)
    assert problem(desk.end("pharmacy_paid")) == "payment_task.reference_missing"

    assert desk.end("pharmacy_paid", reference="RCPT-0001").status_code == 200

    payment = desk.memory.payment()
    assert (payment.state, payment.refund_reference, payment.by_pharmacy) == ("refunded", "RCPT-0001", True)
    assert balances(desk.memory.claim().postings) == {"provider.simulated": 4200, f"payable.{PHARMACY}": -4200}
    clock(desk.memory, 2 * FEW, SHARE)
    assert len(provider.orders) == asked
    assert desk.listed() == []
    assert desk.listed("closed")[0]["answer"] == "pharmacy_paid"


def test_what_may_have_gone_back_was_not_given_back_by_the_pharmacy(tmp_path: Path) -> None:
    desk, provider = refusing(FEW, tmp_path)
    provider.kinds = [UNKNOWN]
    clock(desk.memory, FEW, SHARE)
    refused = desk.end("pharmacy_paid", reference="RCPT-0001")
    assert problem(refused) == "payment_task.answer_not_possible"
    assert refused.json()["facts"] == {"kind": "refund_unanswered", "allowed": ["ask_again"]}


def test_a_refund_of_several_parts_is_the_providers_alone(tmp_path: Path) -> None:
    """22500 were paid: 7800 were to go back, and 14700 that had counted on, one part each. Of two, one may be gone."""
    provider = Refunds(*[REFUSED] * 9)
    story = alone(provider)
    accept(story, {1: 20, 2: 20})
    story.hear(taken_back(((1, 20), (2, 20))))
    for time in range(1, FEW):
        clock(story, time, share(2), share(1))
    desk = Desk(story, tmp_path)
    assert {task["payment_id"]: task["amount"] for task in desk.listed()} == {str(share(1)): 7800, str(share(2)): 14700}
    for attempt in (1, 2):
        assert desk.end("pharmacy_paid", of=share(attempt), reference=f"RCPT-{attempt}").status_code == 200
    booked = balances(story.claim().postings, story.claim(2).postings)
    assert booked == {"provider.simulated": 22500, f"payable.{PHARMACY}": -22500}

    task = TaskState(1, opened=opened(), kind="refund_refused", times=FEW)
    refused: Any = close_task(task, 1, "pharmacy_paid", "officer-9", "two cards", "RCPT-1", parts=2)
    assert (refused.code, refused.facts["allowed"]) == ("payment_task.answer_not_possible", ["ask_again"])


def test_it_is_the_providers_alone(tmp_path: Path) -> None:
    desk, _provider = refusing(FEW, tmp_path)
    assert desk.listed(as_=desk.insurers) == []
    assert problem(desk.ask("/1/owner", as_=desk.insurers)) == "payment_task.not_yours"
    body = {"answer": "ask_again", "reason": "not mine"}
    assert problem(desk.ask("/1/end", body, as_=desk.insurers)) == "payment_task.not_yours"
    assert problem(desk.ask("/1/end", body, of=UUID(int=77))) == "payment.unknown"
    assert problem(desk.ask("/1/owner", of=FEE)) == "payment_task.not_open"
    assert problem(desk.ask("/2/owner")) == problem(desk.end("ask_again", number=2)) == "payment_task.not_open"


def opened() -> TaskOpened:
    return TaskOpened(
        number=1, kind="refund_refused", channel=CHANNEL, item="share", claim_id=UUID(int=1), pharmacy=None, amount=1
    )


def test_without_a_request_or_an_order_nobody_is_called_and_nothing_is_booked() -> None:
    unknown = PaymentOutcomeUnknown(reference=None, next_inquiry_at=NOW)
    assert with_a_call(TaskState(times=MANY, kind="payment_unanswered"), None, unknown, CHANNEL, 1) == [unknown]
    assert paid_back_by_pharmacy(PaymentState(), "RCPT-1") == []
    refused: Any = close_task(TaskState(1, opened=opened()), 1, "ask_again", "officer-9", "why not", None, parts=1)
    assert refused.code == "payment_task.not_open"
    assert NOBODY_CALLED.opened is None


def test_paying_again_and_again_without_an_answer_calls_a_person(tmp_path: Path) -> None:
    story = alone(Silent())
    for _ in range(MANY - 1):
        story.run(pay(PayShare(payment_id=share(1), reference="WX-0001"), story.outside), PATIENT_ACTOR)
    assert len(Desk(story, tmp_path).listed()) == 1
