"""What payment providers have left open and whom it called: the newest first, by the provider's channel."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from services.insurance.domain.payment_events import PaymentFailed, PaymentPaid, PaymentRefunded
from services.insurance.domain.payment_task_events import TaskClosed, TaskOpened, TaskTaken
from services.insurance.projections import METADATA, microseconds
from services.seedwork.projection import Amend, Operation, Projection, Put, Recorded

PAYMENT_TASKS = sa.Table(
    "payment_tasks",
    METADATA,
    sa.Column("payment_id", sa.Uuid, primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("position", sa.BigInteger, nullable=False),
    sa.Column("channel", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("item", sa.Text, nullable=False),
    sa.Column("claim_id", sa.Uuid, nullable=False),
    sa.Column("pharmacy", sa.Text),
    sa.Column("amount", sa.BigInteger, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("person", sa.Text),
    sa.Column("answer", sa.Text),
    sa.Column("closed_by", sa.Text),
    sa.Column("reason", sa.Text),
    sa.Column("reference", sa.Text),
    sa.Column("opened_at", sa.BigInteger, nullable=False),
    sa.Column("changed_at", sa.BigInteger, nullable=False),
    sa.Index("payment_tasks_of_channel", "channel", "position"),
)

OPEN, CLOSED = "open", "closed"
SAID = {"kind", "channel", "item", "claim_id", "pharmacy", "amount", "number"}


def project(recorded: Recorded) -> Iterator[Operation]:
    event, at = recorded.event, microseconds(recorded.recorded_at)
    match event:
        case TaskOpened():
            named = {"payment_id": recorded.stream_id, "position": recorded.log_index, **event.model_dump(include=SAID)}
            nobody = dict.fromkeys(("person", "answer", "closed_by", "reason", "reference"))
            yield Put(PAYMENT_TASKS, {**named, **nobody, "state": OPEN, "opened_at": at, "changed_at": at})
        case TaskTaken():
            yield _amended(recorded, {"number": event.number}, person=event.person)
        case TaskClosed():
            said = event.model_dump(include={"answer", "closed_by", "reason", "reference"})
            yield _amended(recorded, {"number": event.number}, state=CLOSED, **said)
        case PaymentPaid() | PaymentFailed() | PaymentRefunded():
            yield _amended(recorded, {"state": OPEN}, state=CLOSED, answer="provider_answered")


def _amended(recorded: Recorded, which: dict[str, Any], **values: Any) -> Operation:
    changed = {**values, "changed_at": microseconds(recorded.recorded_at)}
    return Amend(PAYMENT_TASKS, {"payment_id": recorded.stream_id, **which}, changed)


PROJECTION = Projection(
    name="payment_tasks",
    tables=(PAYMENT_TASKS,),
    project=project,
    queries={
        "payment_tasks_of_channel": sa.select(PAYMENT_TASKS)
        .where(
            PAYMENT_TASKS.c.channel == sa.bindparam("channel", type_=sa.Text),
            PAYMENT_TASKS.c.state == sa.bindparam("state", type_=sa.Text),
            PAYMENT_TASKS.c.position < sa.bindparam("before", type_=sa.BigInteger),
        )
        .order_by(PAYMENT_TASKS.c.position.desc())
        .limit(sa.bindparam("limit", type_=sa.Integer)),
    },
)
