"""What a payment provider leaves open is somebody's to end: a refund that it refuses, and whatever it does not answer.

The clock goes on asking whoever has been called, and the provider's own word ends a task, too. Whose it is: the
provider's (an officer whose organisation is its channel), until a named person takes it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

from services.insurance.domain.payment_events import (
    PaymentFailed,
    PaymentOutcomeUnknown,
    PaymentPaid,
    PaymentRefunded,
    PaymentRequested,
    RefundNotConfirmed,
)
from services.insurance.domain.payment_task_events import TaskAnswer, TaskClosed, TaskKind, TaskOpened, TaskTaken
from services.seedwork.model import DomainEvent, Outcome, Refusal


class TaskRow(NamedTuple):
    """What was left open, after how many answers alike a person is called, and how it may be ended."""

    kind: TaskKind
    meaning: str
    after: int
    answers: tuple[TaskAnswer, ...]
    source: str


TASKS: Mapping[TaskKind, TaskRow] = {
    row.kind: row
    for row in (
        TaskRow(
            "refund_refused",
            "the provider will not give it back",
            3,
            ("ask_again", "pharmacy_paid"),
            "ours: a refusal may be of the moment (no balance), three in a row are not",
        ),
        TaskRow(
            "refund_unanswered",
            "the provider does not say whether it went back",
            8,
            ("ask_again",),
            "kernel: an alarm at the eighth try",
        ),
        TaskRow(
            "payment_unanswered",
            "the provider does not say whether it was paid",
            8,
            ("ask_again",),
            "kernel: an alarm at the eighth try",
        ),
    )
}


class TaskAnswerRow(NamedTuple):
    """What an answer means and what it books."""

    answer: TaskAnswer
    meaning: str
    books: str


TASK_ANSWERS: tuple[TaskAnswerRow, ...] = (
    TaskAnswerRow("ask_again", "the provider will answer, or follow the order; the clock asks on", "-"),
    TaskAnswerRow(
        "pharmacy_paid",
        "the pharmacy gave it back itself: what the provider has is the pharmacy's, in the next batch",
        "`refund.patient` against `payable.<pharmacy>`; of a fee its negation, and `fee.payable.<pharmacy>`",
    ),
)


@dataclass(frozen=True)
class TaskState:
    """How often in a row a payment's provider has left it open alike, and the task that is open about it."""

    number: int = 0
    opened: TaskOpened | None = None
    person: str | None = None
    kind: TaskKind | None = None
    times: int = 0


NOBODY_CALLED = TaskState()


def left_open(event: DomainEvent) -> TaskKind | None:
    """What an event says that the provider has left open."""
    match event:
        case RefundNotConfirmed(outcome="refused"):
            return "refund_refused"
        case RefundNotConfirmed():
            return "refund_unanswered"
        case PaymentOutcomeUnknown():
            return "payment_unanswered"
        case _:
            return None


def followed(state: TaskState, event: DomainEvent) -> TaskState:
    """The task after any event of its payment."""
    if kind := left_open(event):
        return replace(state, kind=kind, times=state.times + 1 if state.kind == kind else 1)
    match event:
        case TaskOpened():
            return replace(state, number=event.number, opened=event, person=None)
        case TaskTaken():
            return replace(state, person=event.person)
        case TaskClosed() | PaymentPaid() | PaymentFailed() | PaymentRefunded():
            return TaskState(number=state.number)
        case _:
            return state


def with_a_call(
    state: TaskState, requested: PaymentRequested | None, event: DomainEvent, channel: str, amount: int
) -> list[DomainEvent]:
    """The event, and a person called where it is the one too many. One task at a time: what it is left open for may
    change meanwhile."""
    after = followed(state, event)
    kind = left_open(event)
    if requested is None or kind is None or after.opened is not None or after.times < TASKS[kind].after:
        return [event]
    call = TaskOpened(
        number=state.number + 1,
        kind=kind,
        channel=channel,
        item=requested.item,
        claim_id=requested.claim_id,
        pharmacy=requested.pharmacy,
        amount=amount,
    )
    return [event, call]


def take_task(state: TaskState, number: int, person: str) -> Outcome:
    """A named person looks after it."""
    if refusal := _not_open(state, number):
        return refusal
    return [] if state.person == person else [TaskTaken(number=number, person=person)]


def close_task(
    state: TaskState, number: int, answer: TaskAnswer, person: str, reason: str, reference: str | None, parts: int
) -> Outcome:
    """A named person says what becomes of it. `parts`: of how many payments the refund is. The pharmacy can have given
    it back only where the provider's last word is that it did not, and to no part of it that it did."""
    refusal = _not_open(state, number)
    if refusal or state.kind is None:
        return refusal or Refusal("payment_task.not_open", {"number": number})
    allowed = [each for each in TASKS[state.kind].answers if each != "pharmacy_paid" or parts == 1]
    if answer not in allowed:
        return Refusal("payment_task.answer_not_possible", {"kind": state.kind, "allowed": allowed})
    if answer == "pharmacy_paid" and not reference:
        return Refusal("payment_task.reference_missing")
    return [TaskClosed(number=number, answer=answer, closed_by=person, reason=reason, reference=reference)]


def _not_open(state: TaskState, number: int) -> Refusal | None:
    known = state.opened is not None and state.opened.number == number
    return None if known else Refusal("payment_task.not_open", {"number": number})
