"""What is known of supply by pharmacy: shelves, what was dispensed on each day, demands that stayed unfilled, order
lines, and where the pharmacies are. Transfers, alternatives and the effect of responses are read from it."""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa

from services.seedwork.calendar import civil_day
from services.seedwork.clock import to_micros
from services.seedwork.projection import Amend, Operation, Projection, Put, Recorded
from services.seedwork.reference import EntryRecorded
from services.shortage.domain.events import SignalReceived
from services.shortage.domain.lots import DemandsCounted, OrderLinesTaken, UnfilledRow
from services.shortage.domain.orders import OrderLineReported
from services.shortage.domain.shelves import StockLevelReported
from services.shortage.domain.values import Signal
from services.shortage.projections import METADATA

SITES_READ_MAX = 5000
"""Rows of one drug in one region that a plan looks at."""
NEAR_MAX = 50

SHELVES = sa.Table(
    "shelves",
    METADATA,
    sa.Column("pharmacy", sa.Text, primary_key=True),
    sa.Column("product", sa.Text, primary_key=True),
    sa.Column("drug_key", sa.Text, nullable=False),
    sa.Column("region", sa.Text, nullable=False),
    sa.Column("free", sa.BigInteger, nullable=False),
    sa.Column("pack_size", sa.Integer),
    sa.Column("told_at", sa.BigInteger, nullable=False),
    sa.Index("shelves_by_drug", "drug_key", "region"),
)
DISPENSED = sa.Table(
    "dispensed_days",
    METADATA,
    sa.Column("day", sa.Text, primary_key=True),
    sa.Column("pharmacy", sa.Text, primary_key=True),
    sa.Column("product", sa.Text, primary_key=True),
    sa.Column("drug_key", sa.Text, nullable=False),
    sa.Column("region", sa.Text, nullable=False),
    sa.Column("quantity", sa.BigInteger, nullable=False),
    sa.Index("dispensed_days_by_drug", "drug_key", "day"),
)
UNFILLED = sa.Table(
    "unfilled_demands",
    METADATA,
    sa.Column("drug_key", sa.Text, primary_key=True),
    sa.Column("demand_key", sa.Text, primary_key=True),
    sa.Column("pharmacy", sa.Text, nullable=False),
    sa.Column("region", sa.Text, nullable=False),
    sa.Column("day", sa.Text, nullable=False),
    sa.Column("quantity", sa.BigInteger, nullable=False),
    sa.Index("unfilled_demands_by_drug", "drug_key", "day"),
)
ORDERS = sa.Table(
    "order_lines",
    METADATA,
    sa.Column("order_id", sa.Uuid, primary_key=True),
    sa.Column("line", sa.Integer, primary_key=True),
    sa.Column("drug_key", sa.Text, nullable=False),
    sa.Column("region", sa.Text, nullable=False),
    sa.Column("day", sa.Text, nullable=False),
    sa.Column("requested", sa.BigInteger, nullable=False),
    sa.Column("filled", sa.BigInteger, nullable=False),
    sa.Column("cancelled", sa.BigInteger, nullable=False),
    sa.Column("pharmacy", sa.Text),
    sa.Column("missing", sa.BigInteger),
    sa.Column("coming", sa.BigInteger),
    sa.Column("promised", sa.Text),
    sa.Index("order_lines_by_drug", "drug_key", "day"),
)
PHARMACIES = sa.Table(
    "pharmacies",
    METADATA,
    sa.Column("pharmacy", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("region", sa.Text, nullable=False),
    sa.Column("chain", sa.Text),
    sa.Column("latitude", sa.Float),
    sa.Column("longitude", sa.Float),
    sa.Column("valid_from", sa.Text, nullable=False),
    sa.Column("valid_until", sa.Text),
    sa.Column("suspended", sa.Boolean, nullable=False),
)

_drug_key, _within = sa.bindparam("drug_key", type_=sa.Text), sa.bindparam("within", type_=sa.Text)
_first, _last = sa.bindparam("first", type_=sa.Text), sa.bindparam("last", type_=sa.Text)
_today = sa.bindparam("today", type_=sa.Text)
_since = sa.bindparam("since", type_=sa.Text)
_limit = sa.bindparam("limit", type_=sa.Integer)


def _here(table: sa.Table) -> tuple[sa.ColumnElement[bool], ...]:
    return table.c.drug_key == _drug_key, table.c.region.like(_within.concat("%"))


def _between(table: sa.Table) -> tuple[sa.ColumnElement[bool], ...]:
    return table.c.day >= _first, table.c.day <= _last


def _sum(column: sa.ColumnElement[int]) -> sa.ColumnElement[int]:
    return sa.cast(sa.func.coalesce(sa.func.sum(column), 0), sa.BigInteger)


_IN_FORCE = (
    sa.not_(PHARMACIES.c.suspended),
    PHARMACIES.c.valid_from <= _today,
    sa.or_(PHARMACIES.c.valid_until.is_(None), PHARMACIES.c.valid_until >= _today),
)
SHELVES_OF = (
    sa.select(SHELVES, PHARMACIES.c.chain, PHARMACIES.c.latitude, PHARMACIES.c.longitude)
    .join(PHARMACIES, PHARMACIES.c.pharmacy == SHELVES.c.pharmacy)
    .where(*_here(SHELVES), *_IN_FORCE)
    .order_by(SHELVES.c.pharmacy, SHELVES.c.product)
    .limit(_limit)
)
"""Of pharmacies that are admitted today; who is not neither gives nor gets."""
REPORTERS_OF = (
    sa.select(SHELVES.c.region, sa.func.count(sa.distinct(SHELVES.c.pharmacy)).label("reporters"))
    .join(PHARMACIES, PHARMACIES.c.pharmacy == SHELVES.c.pharmacy)
    .where(*_here(SHELVES), *_IN_FORCE)
    .group_by(SHELVES.c.region)
    .order_by(SHELVES.c.region)
    .limit(_limit)
)
"""By county, pharmacies that are admitted today and have told of a shelf of the drug, be it empty."""
DEMAND_OF = (
    sa.select(
        DISPENSED.c.pharmacy,
        _sum(sa.case((DISPENSED.c.day >= _first, DISPENSED.c.quantity), else_=0)).label("dispensed"),
        sa.func.min(DISPENSED.c.day).label("first_told"),
    )
    .where(*_here(DISPENSED), DISPENSED.c.day >= _since, DISPENSED.c.day <= _last)
    .group_by(DISPENSED.c.pharmacy)
    .order_by(DISPENSED.c.pharmacy)
    .limit(_limit)
)
"""What was dispensed in these days, and on which day since `since` a shelf was told of first: levels are told when they
change, so who told of one before these days is known on all of them."""
ORDERED_OF = (
    sa.select(ORDERS)
    .where(ORDERS.c.drug_key == _drug_key, ORDERS.c.day >= _since, ORDERS.c.pharmacy.is_not(None))
    .order_by(ORDERS.c.day.desc(), ORDERS.c.order_id, ORDERS.c.line)
    .limit(_limit)
)
"""Lines of orders placed since a day; the newest, where there are more than are read."""
UNFILLED_OF = (
    sa.select(
        UNFILLED.c.pharmacy,
        _sum(UNFILLED.c.quantity).label("quantity"),
        PHARMACIES.c.region,
        PHARMACIES.c.chain,
        PHARMACIES.c.latitude,
        PHARMACIES.c.longitude,
    )
    .join(PHARMACIES, PHARMACIES.c.pharmacy == UNFILLED.c.pharmacy)
    .where(*_here(UNFILLED), *_between(UNFILLED), *_IN_FORCE)
    .group_by(
        UNFILLED.c.pharmacy,
        PHARMACIES.c.region,
        PHARMACIES.c.chain,
        PHARMACIES.c.latitude,
        PHARMACIES.c.longitude,
    )
    .order_by(UNFILLED.c.pharmacy)
    .limit(_limit)
)
UNFILLED_DAYS = (
    sa.select(UNFILLED.c.pharmacy, UNFILLED.c.day, _sum(UNFILLED.c.quantity).label("quantity"))
    .where(UNFILLED.c.drug_key == _drug_key, UNFILLED.c.day >= _first)
    .group_by(UNFILLED.c.pharmacy, UNFILLED.c.day)
    .order_by(UNFILLED.c.day.desc(), UNFILLED.c.pharmacy)
    .limit(_limit)
)
"""Each demand once, where and when it was tried last."""
COUNTS = sa.select(
    sa.select(_sum(ORDERS.c.filled)).where(*_here(ORDERS), *_between(ORDERS)).scalar_subquery().label("orders_filled"),
    sa.select(_sum(ORDERS.c.requested - ORDERS.c.cancelled))
    .where(*_here(ORDERS), *_between(ORDERS))
    .scalar_subquery()
    .label("orders_wanted"),
    sa.select(_sum(DISPENSED.c.quantity))
    .where(*_here(DISPENSED), *_between(DISPENSED))
    .scalar_subquery()
    .label("dispensed"),
    sa.select(_sum(UNFILLED.c.quantity))
    .where(*_here(UNFILLED), *_between(UNFILLED))
    .scalar_subquery()
    .label("unfilled"),
)
"""Base units of orders placed, of what was dispensed and of demands that stayed unfilled in these days."""
STOCK_NEAR = (
    sa.select(
        SHELVES.c.pharmacy,
        PHARMACIES.c.name,
        PHARMACIES.c.region,
        _sum(SHELVES.c.free).label("free"),
        sa.func.min(SHELVES.c.told_at).label("told_at"),
    )
    .join(PHARMACIES, PHARMACIES.c.pharmacy == SHELVES.c.pharmacy)
    .where(*_here(SHELVES), SHELVES.c.free > 0, *_IN_FORCE)
    .group_by(SHELVES.c.pharmacy, PHARMACIES.c.name, PHARMACIES.c.region)
    .order_by(sa.desc("free"), SHELVES.c.pharmacy)
    .limit(_limit)
)
DRUGS_LIKE = (
    sa.select(SHELVES.c.drug_key)
    .where(SHELVES.c.drug_key.like(sa.bindparam("generic", type_=sa.Text).concat("|%")), SHELVES.c.free > 0)
    .where(SHELVES.c.region.like(_within.concat("%")))
    .distinct()
    .order_by(SHELVES.c.drug_key)
    .limit(_limit)
)
"""Other forms and strengths of a generic name that are on some shelf."""


def project(recorded: Recorded) -> Iterator[Operation]:
    match recorded.event:
        case StockLevelReported() as told:
            same = {name: getattr(told, name) for name in ("pharmacy", "product", "drug_key", "region")}
            free = max(0, told.on_hand - told.reserved)
            yield Put(
                SHELVES, {**same, "free": free, "pack_size": told.pack_size, "told_at": to_micros(told.occurred_at)}
            )
            day = civil_day(told.occurred_at).isoformat()
            yield Put(DISPENSED, {**same, "day": day, "quantity": told.dispensed_in_day})
        case SignalReceived() as told:
            yield _unfilled(told.drug_key, told.quantity, told.signal)
        case DemandsCounted() as counted:
            for row in counted.rows.rows():
                yield _unfilled(row.drug_key, row.quantity, row)
        case OrderLineReported() as told:
            yield from _order(told)
        case OrderLinesTaken() as lot:
            for told in lot.rows.rows():
                yield from _order(told)
        case EntryRecorded(kind="pharmacy") as entry:
            shown = {name: entry.content.get(name) for name in ("name", "region", "chain", "latitude", "longitude")}
            dates = entry.model_dump(mode="json", include={"valid_from", "valid_until", "suspended"})
            yield Put(PHARMACIES, {"pharmacy": entry.code, **shown, **dates})


def _unfilled(drug_key: str, quantity: int, told: Signal | UnfilledRow) -> Operation:
    row = {"drug_key": drug_key, "demand_key": told.demand_key, "quantity": quantity}
    day = civil_day(told.occurred_at).isoformat()
    return Put(UNFILLED, {**row, "pharmacy": told.pharmacy, "region": told.region, "day": day})


def _order(told: OrderLineReported) -> Iterator[Operation]:
    """A line stands on the day it was placed, whenever something of it comes."""
    identity = {"order_id": told.order_id, "line": told.line}
    counts = {
        "requested": told.requested,
        "filled": told.filled,
        "cancelled": told.cancelled,
        "missing": told.short + told.back_ordered,
        "coming": told.open - told.back_ordered,
        "promised": None if told.promised_at is None else told.promised_at.isoformat(),
    }
    if told.change == "placed":
        about = {"drug_key": told.drug_key, "region": told.region, "pharmacy": told.pharmacy}
        yield Put(ORDERS, {**identity, **counts, **about, "day": civil_day(told.occurred_at).isoformat()})
    else:
        yield Amend(ORDERS, identity, counts)


PROJECTION = Projection(
    name="supply",
    tables=(SHELVES, DISPENSED, UNFILLED, ORDERS, PHARMACIES),
    project=project,
    queries={
        "shelves_of": SHELVES_OF,
        "demand_of": DEMAND_OF,
        "ordered_of": ORDERED_OF,
        "unfilled_of": UNFILLED_OF,
        "unfilled_days_of": UNFILLED_DAYS,
        "supply_counts": COUNTS,
        "stock_of": STOCK_NEAR,
        "reporters_of": REPORTERS_OF,
        "drugs_like": DRUGS_LIKE,
    },
    version=2,
)
"""`within`: a region node; days are ISO dates, inclusive; quantities in base units."""
