"""The history that reports are made from: what happened to each case, and each fact of supply, by log index.

Rows are added and never changed, so that the rows up to a log index are the same whenever they are read, and after a
rebuild. A fact of supply that is told anew is a row of the same key; the newest up to the log index counts.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from services.seedwork.calendar import civil_day
from services.seedwork.clock import to_micros
from services.seedwork.model import CLASS_VERSION
from services.seedwork.projection import Operation, Projection, Put, Recorded
from services.seedwork.reference import EntryRecorded
from services.seedwork.store.tables import cursor, log
from services.shortage.domain.case import CASE
from services.shortage.domain.events import CaseConfirmed, CaseEnded, CaseGraded, CaseSuspected, SignalReceived
from services.shortage.domain.heartbeat import GENERIC, is_heartbeat
from services.shortage.domain.lots import DemandsCounted, OrderLinesTaken, UnfilledRow
from services.shortage.domain.orders import OrderLineReported
from services.shortage.domain.shelves import StockLevelReported
from services.shortage.domain.values import Signal
from services.shortage.projections import METADATA

NAME, VERSION = "history", 1
CASE_EVENTS = frozenset(event.TOPIC for event in CASE.events)

CASE_LOG = sa.Table(
    "case_log",
    METADATA,
    sa.Column("log_index", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("case_id", sa.Uuid, nullable=False),
    sa.Column("topic", sa.Text, nullable=False),
    sa.Column("drug_key", sa.Text, comment="of the suspicion that begins a case"),
    sa.Column("region", sa.Text),
    sa.Column("told", sa.Text, comment="for followers; none: nothing for them"),
    sa.Column("state", sa.JSON, nullable=False),
    sa.Column("recorded_at", sa.BigInteger, nullable=False),
    sa.Index("case_log_by_case", "case_id", "log_index"),
    sa.Index("case_log_told", "told", "log_index"),
)
FACTS = sa.Table(
    "supply_log",
    METADATA,
    sa.Column("log_index", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("n", sa.Integer, primary_key=True, autoincrement=False, server_default="0"),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("drug_key", sa.Text, nullable=False),
    sa.Column("reporter", sa.Text, nullable=False),
    sa.Column("region", sa.Text, nullable=False),
    sa.Column("day", sa.Text, nullable=False),
    sa.Column("filled", sa.BigInteger, nullable=False),
    sa.Column("wanted", sa.BigInteger, nullable=False),
    sa.Column("told_at", sa.BigInteger, nullable=False),
    sa.Index("supply_log_by_key", "kind", "key", "log_index"),
    sa.Index("supply_log_by_day", "day"),
)
DISPENSED, UNFILLED, ORDERED, REGISTERED = "dispensed", "unfilled", "ordered", "registered"

_n = sa.bindparam("log_index", type_=sa.BigInteger)
_within = sa.bindparam("within", type_=sa.Text)
_first, _last = sa.bindparam("first", type_=sa.Text), sa.bindparam("last", type_=sa.Text)
_limit = sa.bindparam("limit", type_=sa.Integer)

SEALED_BY: sa.Select[Any] = sa.select(
    sa.func.coalesce(sa.func.max(log.c.log_index), 0).label("log_index"),
    sa.select(sa.func.coalesce(sa.func.max(cursor.c.log_index), 0))
    .where(cursor.c.name == f"projection:{NAME}:{VERSION}")
    .scalar_subquery()
    .label("shown"),
).where(log.c.sealed_at <= sa.bindparam("moment", type_=sa.BigInteger))
"""The greatest log index that was sealed by a moment, and how far these rows have come."""

_BEGUN = CASE_LOG.alias("begun")
_OVER = CASE_LOG.alias("over")
CASES_AT = (
    sa.select(CASE_LOG.c.log_index, CASE_LOG.c.case_id, CASE_LOG.c.topic, CASE_LOG.c.state)
    .where(
        CASE_LOG.c.log_index <= _n,
        CASE_LOG.c.case_id.in_(
            sa.select(_BEGUN.c.case_id).where(
                _BEGUN.c.log_index <= _n,
                _BEGUN.c.region.is_not(None),
                _BEGUN.c.region.like(_within.concat("%")),
                sa.or_(_within != "", _BEGUN.c.drug_key.not_like(f"{GENERIC}|-|%")),
            )
        ),
        CASE_LOG.c.case_id.not_in(
            sa.select(_OVER.c.case_id).where(
                _OVER.c.log_index <= _n,
                _OVER.c.topic == CaseEnded.TOPIC,
                _OVER.c.recorded_at < sa.bindparam("since", type_=sa.BigInteger),
            )
        ),
    )
    .order_by(CASE_LOG.c.log_index)
    .limit(_limit)
)
"""The events of every case of a region that was open at some time since a moment, as they stood at a log index. The
heartbeat has a node of its own, where nothing else is; what is told of the nation leaves it out."""

_newest = (
    sa.select(
        FACTS,
        sa.func.row_number()
        .over(partition_by=(FACTS.c.kind, FACTS.c.key), order_by=(FACTS.c.log_index.desc(), FACTS.c.n.desc()))
        .label("place"),
        sa.func.first_value(FACTS.c.day)
        .over(partition_by=(FACTS.c.kind, FACTS.c.key), order_by=(FACTS.c.log_index, FACTS.c.n))
        .label("first_day"),
    )
    .where(FACTS.c.log_index <= _n, FACTS.c.region.like(_within.concat("%")))
    .subquery()
)
_standing = (_newest.c.place == 1, _newest.c.first_day >= _first, _newest.c.first_day <= _last)


def _sum(column: sa.ColumnElement[int]) -> sa.ColumnElement[int]:
    return sa.cast(sa.func.coalesce(sa.func.sum(column), 0), sa.BigInteger)


SUPPLY_AT = (
    sa.select(
        _newest.c.drug_key,
        _newest.c.kind,
        _sum(_newest.c.filled).label("filled"),
        _sum(_newest.c.wanted).label("wanted"),
    )
    .where(*_standing, _newest.c.kind != REGISTERED)
    .group_by(_newest.c.drug_key, _newest.c.kind)
    .order_by(_newest.c.drug_key, _newest.c.kind)
    .limit(_limit)
)
"""Base units by drug and kind of fact; an order line stands on the day it was placed."""
_REPORTERS: list[Any] = [
    sa.func.count(sa.distinct(sa.case((sa.and_(*_standing, _newest.c.kind != REGISTERED), _newest.c.reporter)))).label(
        "told"
    ),
    _sum(sa.case((sa.and_(_newest.c.place == 1, _newest.c.kind == REGISTERED), _newest.c.wanted), else_=0)).label(
        "expected"
    ),
    sa.func.max(sa.case((_newest.c.kind != REGISTERED, _newest.c.told_at))).label("newest_at"),
]
REPORTERS_AT = sa.select(*_REPORTERS)
"""How many pharmacies told something about these days, how many stand in the register, and what the newest fact is."""
CHANGES = (
    sa.select(CASE_LOG)
    .where(
        CASE_LOG.c.told.is_not(None),
        CASE_LOG.c.log_index > sa.bindparam("after", type_=sa.BigInteger),
        # how a heartbeat's case ends does not say that it was one
        sa.not_(sa.exists().where(_BEGUN.c.case_id == CASE_LOG.c.case_id, _BEGUN.c.drug_key.like(f"{GENERIC}|-|%"))),
    )
    .order_by(CASE_LOG.c.log_index)
    .limit(_limit)
)


_newer, _later = FACTS.alias("newer"), FACTS.alias("later")
_day, _moment = sa.bindparam("day", type_=sa.Text), sa.bindparam("moment", type_=sa.BigInteger)
OVER = sa.and_(
    FACTS.c.kind != REGISTERED,
    FACTS.c.day < _day,
    FACTS.c.told_at < _moment,
    # a line that was placed long ago and is still told of stands on its first day: all of it, or nothing
    sa.not_(
        sa.exists().where(
            _newer.c.kind == FACTS.c.kind,
            _newer.c.key == FACTS.c.key,
            sa.or_(_newer.c.day >= _day, _newer.c.told_at >= _moment),
        )
    ),
    # of each county the last that was told stays: a report says how fresh what it knew was
    sa.exists().where(
        _later.c.kind != REGISTERED,
        _later.c.region == FACTS.c.region,
        _later.c.told_at < _moment,
        sa.or_(
            _later.c.told_at > FACTS.c.told_at,
            sa.and_(_later.c.told_at == FACTS.c.told_at, _later.c.log_index > FACTS.c.log_index),
        ),
    ),
)
"""Of the facts of supply: no report about days since `day`, as of an instant since `moment`, is made from them."""


def project(recorded: Recorded) -> Iterator[Operation]:
    event = recorded.event
    if event.TOPIC in CASE_EVENTS:
        begun = {"drug_key": event.drug_key, "region": event.region} if isinstance(event, CaseSuspected) else {}
        row = {"log_index": recorded.log_index, "case_id": recorded.stream_id, "topic": event.TOPIC, **begun}
        told = _told(recorded)
        state = event.model_dump(mode="json")
        if event.class_version > 1:  # what a release after this one reads, it brings into its own form
            state[CLASS_VERSION] = event.class_version
        yield Put(CASE_LOG, {**row, "told": told, "state": state, "recorded_at": to_micros(recorded.recorded_at)})
    told_at = to_micros(recorded.recorded_at)
    for n, fact in enumerate(_facts(recorded)):
        yield Put(FACTS, {"log_index": recorded.log_index, "n": n, "told_at": told_at, **fact})


def _told(recorded: Recorded) -> str | None:
    """What a follower is told; suspicions are followed by authorities only."""
    match recorded.event:
        case CaseSuspected(drug_key=drug_key, previous_case=previous):
            if is_heartbeat(drug_key):
                return None
            return "suspected" if previous is None else "suspected_again"
        case CaseConfirmed():
            return "new"
        case CaseGraded() as graded:
            return "eased" if graded.grade.severity < graded.grade_before.severity else "changed"
        case CaseEnded():
            return "ended"
    return None


def _facts(recorded: Recorded) -> Iterator[dict[str, object]]:
    match recorded.event:
        case StockLevelReported() as told:
            day = civil_day(told.occurred_at).isoformat()
            key, quantity = f"{day}/{told.pharmacy}/{told.product}", told.dispensed_in_day
            yield _row(DISPENSED, key, told.drug_key, told.pharmacy, told.region, day, quantity, quantity)
        case SignalReceived() as told if not is_heartbeat(told.drug_key):
            yield _unfilled(told.drug_key, told.quantity, told.signal)
        case DemandsCounted() as counted:
            yield from (
                _unfilled(row.drug_key, row.quantity, row)
                for row in counted.rows.rows()
                if not is_heartbeat(row.drug_key)
            )
        case OrderLineReported() as told:
            yield _ordered(told)
        case OrderLinesTaken() as lot:
            yield from map(_ordered, lot.rows.rows())
        case EntryRecorded(kind="pharmacy") as entry:
            admitted = int(not entry.suspended)
            day = entry.valid_from.isoformat()
            yield _row(REGISTERED, entry.code, "", entry.code, entry.content["region"], day, admitted, admitted)


def _unfilled(drug_key: str, quantity: int, told: Signal | UnfilledRow) -> dict[str, object]:
    key, day = f"{drug_key}/{told.demand_key}", civil_day(told.occurred_at).isoformat()
    return _row(UNFILLED, key, drug_key, told.pharmacy, told.region, day, 0, quantity)


def _ordered(told: OrderLineReported) -> dict[str, object]:
    key, day = f"{told.order_id}/{told.line}", civil_day(told.occurred_at).isoformat()
    wanted = told.requested - told.cancelled
    return _row(ORDERED, key, told.drug_key, told.pharmacy, told.region, day, told.filled, wanted)


def _row(
    kind: str, key: str, drug_key: str, reporter: str, region: str, day: str, filled: int, wanted: int
) -> dict[str, object]:
    about = {"kind": kind, "key": key, "drug_key": drug_key, "reporter": reporter, "region": region, "day": day}
    return {**about, "filled": filled, "wanted": wanted}


PROJECTION = Projection(
    name=NAME,
    tables=(CASE_LOG, FACTS),
    project=project,
    queries={
        "sealed_by": SEALED_BY,
        "cases_at": CASES_AT,
        "supply_at": SUPPLY_AT,
        "reporters_at": REPORTERS_AT,
        "case_changes": CHANGES,
    },
    version=VERSION,
)
