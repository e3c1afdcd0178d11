"""Endpoints as they stand, and what was decided about them in order; with what the sender asks for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from services.seedwork.clock import to_micros
from services.seedwork.projection import Amend, Operation, Projection, Put, Recorded
from services.seedwork.projector import live_index
from services.seedwork.store.tables import webhook_delivery as delivery
from services.seedwork.store.tables import webhook_progress as progress
from services.seedwork.webhooks import endpoint as told
from services.seedwork.webhooks.feed import PING

NAME = "webhooks"
_ENDPOINT = sa.bindparam("endpoint_id", type_=sa.Uuid)
_AFTER = sa.bindparam("after", type_=sa.BigInteger)
_LIMIT = sa.bindparam("limit", type_=sa.Integer)


def webhooks(metadata: sa.MetaData, feed: str) -> Projection:
    """The projection over a service's metadata; `feed` is the projection whose rows are told."""
    endpoints = sa.Table(
        "webhook_endpoints",
        metadata,
        sa.Column("endpoint_id", sa.Uuid, primary_key=True),
        sa.Column("owner", sa.Text, nullable=False, index=True),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("kinds", sa.JSON, nullable=False),
        sa.Column("filters", sa.JSON, nullable=False),
        sa.Column("serial", sa.Integer, nullable=False, comment="of the secret"),
        sa.Column("previous_until", sa.BigInteger, comment="until when the secret before signs beside it"),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("changed_by", sa.Text, nullable=False),
        sa.Column("changed_at", sa.BigInteger, nullable=False),
    )
    decisions = sa.Table(
        "webhook_decisions",
        metadata,
        sa.Column("log_index", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("endpoint_id", sa.Uuid, nullable=False),
        sa.Column("what", sa.Text, nullable=False),
        sa.Column("place", sa.BigInteger, nullable=False),
        sa.Column("decided_by", sa.Text, nullable=False),
        sa.Column("reason", sa.Text),
        sa.Index("webhook_decisions_by_letter", "endpoint_id", "place", "log_index"),
    )

    def project(recorded: Recorded) -> Iterator[Operation]:
        own = {"endpoint_id": recorded.stream_id}
        change = _change(recorded)
        match recorded.event:
            case told.EndpointOpened() as event:
                row = event.model_dump(mode="json", include={"owner", "url", "kinds", "filters"})
                yield Put(endpoints, {**own, **row, "serial": 1, **(change or {})})
            case _ if change is not None:
                yield Amend(endpoints, own, change)
        decided = _decided(recorded)
        if decided is not None:
            yield Put(decisions, {**own, "log_index": recorded.log_index, "decided_by": recorded.actor, **decided})

    return Projection(NAME, (endpoints, decisions), project, _queries(endpoints, decisions, feed))


def _change(recorded: Recorded) -> dict[str, Any] | None:
    """What an event changes of its endpoint."""
    values: dict[str, Any]
    match recorded.event:
        case told.EndpointOpened() | told.EndpointResumed():
            values = {"status": "active", "reason": None}
        case told.SecretRotated(serial=serial, previous_until=until):
            values = {"serial": serial, "previous_until": to_micros(until)}
        case told.EndpointPaused(reason=reason):
            values = {"status": "paused", "reason": reason}
        case told.EndpointRemoved():
            values = {"status": "removed"}
        case _:
            return None
    return {**values, "changed_by": recorded.actor, "changed_at": to_micros(recorded.recorded_at)}


def _decided(recorded: Recorded) -> dict[str, Any] | None:
    """What the sender has to do about it."""
    match recorded.event:
        case told.EndpointOpened(begins_after=after):
            return {"what": "opened", "place": recorded.log_index if after is None else after}
        case told.PingAsked():
            return {"what": "pinged", "place": recorded.log_index}
        case told.EndpointResumed():
            return {"what": "resumed", "place": recorded.log_index}
        case told.EndpointRemoved():
            return {"what": "removed", "place": recorded.log_index}
        case told.LetterReplayed(place=place):
            return {"what": "replayed", "place": place}
        case told.LetterSkipped(place=place, reason=reason):
            return {"what": "skipped", "place": place, "reason": reason}
    return None


def _queries(endpoints: sa.Table, decisions: sa.Table, feed: str) -> dict[str, sa.Select[Any]]:
    of_endpoint = delivery.c.endpoint_id == endpoints.c.endpoint_id
    waiting = _count(of_endpoint, delivery.c.status == "pending")
    dead = _count(of_endpoint, delivery.c.status == "dead")
    shown = (
        sa.select(endpoints, waiting.label("waiting"), dead.label("dead"), *_of_progress())
        .outerjoin(progress, progress.c.endpoint_id == endpoints.c.endpoint_id)
        .where(endpoints.c.status != "removed")
    )
    return {
        "webhook_endpoints": shown.where(
            endpoints.c.owner == sa.bindparam("owner", type_=sa.Text),
            endpoints.c.endpoint_id > sa.bindparam("after", type_=sa.Uuid),
        )
        .order_by(endpoints.c.endpoint_id)
        .limit(_LIMIT),
        "webhook_endpoint": shown.where(endpoints.c.endpoint_id == _ENDPOINT),
        "webhook_letter": sa.select(delivery).where(
            delivery.c.endpoint_id == _ENDPOINT, delivery.c.place == sa.bindparam("place", type_=sa.BigInteger)
        ),
        "webhook_deliveries": _deliveries(decisions),
        "webhook_active": shown.where(
            endpoints.c.status == "active", endpoints.c.endpoint_id > sa.bindparam("after", type_=sa.Uuid)
        )
        .order_by(endpoints.c.endpoint_id)
        .limit(_LIMIT),
        "webhook_decided": sa.select(decisions)
        .where(decisions.c.log_index > _AFTER)
        .order_by(decisions.c.log_index)
        .limit(_LIMIT),
        "webhook_due": _due(endpoints),
        "webhook_shown": sa.select(
            sa.func.coalesce(live_index(feed), 0).label("feed"), sa.func.coalesce(live_index(NAME), 0).label("own")
        ),
    }


def _of_progress() -> list[sa.ColumnElement[Any]]:
    return [progress.c[name] for name in ("told_upto", "failures", "failing_since", "answered_at")]


def _count(*conditions: sa.ColumnElement[bool]) -> sa.ScalarSelect[int]:
    return sa.select(sa.func.count()).select_from(delivery).where(*conditions).scalar_subquery()


def _deliveries(decisions: sa.Table) -> sa.Select[Any]:
    """The newest first, each with who decided about it last and why."""
    newest = (
        sa.select(sa.func.max(decisions.c.log_index))
        .where(
            decisions.c.endpoint_id == delivery.c.endpoint_id,
            decisions.c.place == delivery.c.place,
            sa.or_(decisions.c.what == "replayed", decisions.c.what == "skipped"),
        )
        .correlate(delivery)
        .scalar_subquery()
    )
    status = sa.bindparam("status", type_=sa.Text)
    return (
        sa.select(delivery, decisions.c.decided_by, decisions.c.reason.label("decided_because"))
        .outerjoin(decisions, decisions.c.log_index == newest)
        .where(
            delivery.c.endpoint_id == _ENDPOINT,
            sa.or_(status == "", delivery.c.status == status),
            delivery.c.place < sa.bindparam("before", type_=sa.BigInteger),
        )
        .order_by(delivery.c.place.desc())
        .limit(_LIMIT)
    )


def _due(endpoints: sa.Table) -> sa.Select[Any]:
    """Of each endpoint the first few that are due and wait behind nothing of their stream, and how it answers. Those
    of endpoints that answer come first."""
    before = delivery.alias("before")
    free = ~sa.exists().where(
        before.c.endpoint_id == delivery.c.endpoint_id,
        before.c.stream_id == delivery.c.stream_id,
        before.c.place < delivery.c.place,
        sa.or_(before.c.status == "pending", before.c.status == "dead"),
    )
    numbered = (
        sa.select(
            delivery,
            endpoints.c.owner,
            endpoints.c.url,
            endpoints.c.kinds,
            endpoints.c.filters,
            endpoints.c.serial,
            endpoints.c.previous_until,
            sa.func.coalesce(progress.c.failures, 0).label("failures"),
            progress.c.failing_since,
            sa.func.row_number()
            .over(partition_by=delivery.c.endpoint_id, order_by=(delivery.c.due_at, delivery.c.place))
            .label("number"),
        )
        .join(endpoints, endpoints.c.endpoint_id == delivery.c.endpoint_id)
        .outerjoin(progress, progress.c.endpoint_id == delivery.c.endpoint_id)
        .where(
            delivery.c.due_at <= sa.bindparam("now", type_=sa.BigInteger),
            sa.or_(endpoints.c.status == "active", sa.and_(endpoints.c.status == "paused", delivery.c.kind == PING)),
            free,
        )
        .subquery()
    )
    return (
        sa.select(numbered)
        .where(numbered.c.number <= sa.bindparam("each", type_=sa.Integer))
        .order_by(numbered.c.failures, numbered.c.due_at, numbered.c.place)
        .limit(_LIMIT)
    )
