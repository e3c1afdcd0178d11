"""The facts that detectors read, by drug: what came of lines of orders, and demands that stayed unfilled."""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa

from services.seedwork.calendar import civil_day
from services.seedwork.clock import to_micros
from services.seedwork.projection import Operation, Projection, Put, Recorded
from services.shortage.domain.events import SignalReceived
from services.shortage.domain.lots import DemandsCounted, OrderLinesTaken, UnfilledRow
from services.shortage.domain.orders import OrderLineReported, told_short
from services.shortage.domain.reporter import ReporterHeard
from services.shortage.domain.shelves import StockLevelReported
from services.shortage.domain.values import Signal
from services.shortage.projections import METADATA

LINES = sa.Table(
    "watched_lines",
    METADATA,
    sa.Column("order_id", sa.Uuid, primary_key=True),
    sa.Column("line", sa.Integer, primary_key=True),
    sa.Column("change", sa.Text, primary_key=True),
    sa.Column("drug_key", sa.Text, nullable=False),
    sa.Column("region", sa.Text, nullable=False),
    sa.Column("pharmacy", sa.Text, nullable=False),
    sa.Column("short", sa.Boolean, nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("event", sa.Text),
    sa.Index("watched_lines_by_drug", "drug_key", "at"),
)
"""A row for each kind of step of a line that says what came of it; what it says of the whole line is the reader's."""
DEMANDS = sa.Table(
    "watched_demands",
    METADATA,
    sa.Column("drug_key", sa.Text, primary_key=True),
    sa.Column("demand_key", sa.Text, primary_key=True),
    sa.Column("pharmacy", sa.Text, primary_key=True),
    sa.Column("day", sa.Text, primary_key=True),
    sa.Column("region", sa.Text, nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("event", sa.Text),
    sa.Index("watched_demands_by_drug", "drug_key", "at"),
)
SHELVES = sa.Table(
    "watched_shelves",
    METADATA,
    sa.Column("pharmacy", sa.Text, primary_key=True),
    sa.Column("product", sa.Text, primary_key=True),
    sa.Column("day", sa.Text, primary_key=True),
    sa.Column("empty", sa.Boolean, primary_key=True),
    sa.Column("drug_key", sa.Text, nullable=False),
    sa.Column("region", sa.Text, nullable=False),
    sa.Column("free", sa.BigInteger, nullable=False),
    sa.Column("given", sa.BigInteger, nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Index("watched_shelves_by_drug", "drug_key", "day"),
)
"""The last level of a day that was empty, and the last that was not."""
HEARD = sa.Table(
    "reporters_heard",
    METADATA,
    sa.Column("reporter", sa.Text, primary_key=True),
    sa.Column("last", sa.Text, nullable=False),
)
_drug_key, _since = sa.bindparam("drug_key", type_=sa.Text), sa.bindparam("since", type_=sa.BigInteger)
_limit = sa.bindparam("limit", type_=sa.Integer)


def _of(table: sa.Table) -> sa.Select[tuple[object, ...]]:
    """The newest, where there are more than are read."""
    wanted = sa.select(table).where(table.c.drug_key == _drug_key, table.c.at >= _since)
    return wanted.order_by(table.c.at.desc()).limit(_limit)


_first = sa.bindparam("first", type_=sa.Text)
SHELVES_OF = (
    sa.select(SHELVES)
    .where(SHELVES.c.drug_key == _drug_key, SHELVES.c.day >= _first)
    .order_by(SHELVES.c.day.desc(), SHELVES.c.pharmacy, SHELVES.c.product)
    .limit(_limit)
)
HEARD_OF = (
    sa.select(HEARD)
    .where(HEARD.c.reporter.in_(sa.select(SHELVES.c.pharmacy).where(SHELVES.c.drug_key == _drug_key)))
    .limit(_limit)
)


def project(recorded: Recorded) -> Iterator[Operation]:
    match recorded.event:
        case OrderLineReported() as told:
            yield from _line(told)
        case OrderLinesTaken() as lot:
            for told in lot.rows.rows():
                yield from _line(told)
        case ReporterHeard(source=None) as told:
            yield Put(HEARD, {"reporter": told.reporter, "last": told.day.isoformat()})
        case StockLevelReported() as told:
            free = max(0, told.on_hand - told.reserved)
            yield Put(
                SHELVES,
                {
                    **told.model_dump(include={"pharmacy", "product", "drug_key", "region"}),
                    "day": civil_day(told.occurred_at).isoformat(),
                    "empty": free == 0,
                    "free": free,
                    "given": told.dispensed_in_day,
                    "at": to_micros(told.occurred_at),
                },
            )
        case SignalReceived() as told:
            yield _demand(told.drug_key, told.signal)
        case DemandsCounted() as counted:
            for row in counted.rows.rows():
                yield _demand(row.drug_key, row)


def _line(told: OrderLineReported) -> Iterator[Operation]:
    short = told_short(told)
    if short is not None:
        yield Put(
            LINES,
            {
                **told.model_dump(include={"order_id", "line", "change", "drug_key", "region", "pharmacy"}),
                "short": short,
                "at": to_micros(told.occurred_at),
                "event": told.event,
            },
        )


def _demand(drug_key: str, told: Signal | UnfilledRow) -> Operation:
    return Put(
        DEMANDS,
        {
            "demand_key": told.demand_key,
            "pharmacy": told.pharmacy,
            "region": told.region,
            "event": told.event,
            "drug_key": drug_key,
            "day": civil_day(told.occurred_at).isoformat(),
            "at": to_micros(told.occurred_at),
        },
    )


PROJECTION = Projection(
    name="facts",
    tables=(LINES, DEMANDS, SHELVES, HEARD),
    project=project,
    queries={
        "watched_lines_of": _of(LINES),
        "watched_demands_of": _of(DEMANDS),
        "watched_shelves_of": SHELVES_OF,
        "heard_of": HEARD_OF,
    },
)
