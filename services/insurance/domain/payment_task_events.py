"""What becomes of what a payment provider leaves open: somebody is called, takes it over, ends it."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import Field

from services.insurance.domain.ledger import Posting
from services.seedwork.model import DomainEvent

TaskKind = Literal["refund_refused", "refund_unanswered", "payment_unanswered"]
TaskAnswer = Literal["ask_again", "pharmacy_paid"]


class TaskOpened(DomainEvent):
    """The provider has refused, or not answered, so often that a person is called. `amount` in fen; `number` counts the
    payment's tasks."""

    TOPIC: ClassVar[str] = "insurance.payment.task_opened"

    number: int
    kind: TaskKind
    channel: str
    item: str
    claim_id: UUID
    pharmacy: str | None
    amount: Annotated[int, Field(gt=0)]
    postings: tuple[Posting, ...] = ()


class TaskTaken(DomainEvent):
    """A named person looks after it from now on."""

    TOPIC: ClassVar[str] = "insurance.payment.task_taken"

    number: int
    person: str
    postings: tuple[Posting, ...] = ()


class TaskClosed(DomainEvent):
    """A named person said what becomes of it, and why. What the provider leaves open after that is another task."""

    TOPIC: ClassVar[str] = "insurance.payment.task_closed"

    number: int
    answer: TaskAnswer
    closed_by: str
    reason: str
    reference: str | None = None
    """Under which the pharmacy paid it back."""
    postings: tuple[Posting, ...] = ()
