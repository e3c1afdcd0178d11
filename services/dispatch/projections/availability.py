"""Which pharmacy near a place has what: stock levels, places and known shortages. A hint, never a promise."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from services.dispatch.domain.fulfilment.offers import CANDIDATES_MAX, DRUGS_AT_ONCE_MAX
from services.dispatch.domain.geography import distance_metres
from services.dispatch.domain.shortage import ShortageKnown, ShortageOver
from services.dispatch.domain.stock import events as e
from services.dispatch.domain.stock.movements import Place, movements
from services.dispatch.projections import METADATA
from services.seedwork.projection import Amend, Operation, Projection, Put, Recorded, Remove
from services.seedwork.reference import EntryRecorded

STOCK = sa.Table(
    "stock_levels",
    METADATA,
    sa.Column("stock_item_id", sa.Uuid, primary_key=True),
    sa.Column("pharmacy", sa.Text, nullable=False),
    sa.Column("product", sa.Text, nullable=False),
    sa.Column("drug_key", sa.Text, nullable=False),
    sa.Column("on_hand", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("reserved", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("pack_size", sa.Integer, nullable=False),
    sa.Column("unit_price", sa.BigInteger, nullable=False),
    sa.Index("stock_levels_by_pharmacy", "pharmacy", "product"),
    sa.Index("stock_levels_by_drug", "drug_key", "pharmacy"),
)
PHARMACIES = sa.Table(
    "pharmacies",
    METADATA,
    sa.Column("code", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("region", sa.Text, nullable=False),
    sa.Column("address", sa.Text, nullable=False),
    sa.Column("latitude", sa.Float, nullable=False),
    sa.Column("longitude", sa.Float, nullable=False),
    sa.Column("valid_from", sa.Text, nullable=False),
    sa.Column("valid_until", sa.Text, nullable=False),
    sa.Column("suspended", sa.Boolean, nullable=False),
    sa.Index("pharmacies_by_place", "latitude", "longitude"),
)
SHORTAGES = sa.Table(
    "known_shortages",
    METADATA,
    sa.Column("case_id", sa.Uuid, primary_key=True),
    sa.Column("drug_key", sa.Text, nullable=False, index=True),
    sa.Column("region", sa.Text, nullable=False),
    sa.Column("grade", sa.Text, nullable=False),
)

OPEN_ENDED = "9999-12-31"


def project(recorded: Recorded) -> Iterator[Operation]:
    item = recorded.stream_id
    match recorded.event:
        case e.StockReceived() as event:
            kept = {"pharmacy", "product", "drug_key", "pack_size", "unit_price"}
            yield Put(STOCK, {"stock_item_id": item, **event.model_dump(include=kept)})
        case e.StockReserved(quantity=quantity):
            yield _reserved(recorded, quantity)
        case e.ReservationFreed(quantity=quantity):
            yield _reserved(recorded, -quantity)
        case e.StockDispensed(picks=picks):
            yield _reserved(recorded, -sum(pick.quantity for pick in picks))
        case EntryRecorded(kind="pharmacy") as event:
            yield Put(PHARMACIES, _place(event))
        case ShortageKnown() as event:
            yield Put(SHORTAGES, event.model_dump())
        case ShortageOver(case_id=case_id):
            yield Remove(SHORTAGES, {"case_id": case_id})
    change = sum(movement.change(Place.SHELF) for movement in movements(recorded.event))
    if change:
        yield _on_hand(recorded, change)


def _on_hand(recorded: Recorded, change: int) -> Amend:
    return Amend(STOCK, {"stock_item_id": recorded.stream_id}, {"on_hand": STOCK.c.on_hand + change})


def _reserved(recorded: Recorded, change: int) -> Amend:
    return Amend(STOCK, {"stock_item_id": recorded.stream_id}, {"reserved": STOCK.c.reserved + change})


def _place(event: EntryRecorded) -> dict[str, Any]:
    content = event.content
    return {
        "code": event.code,
        **{name: content[name] for name in ("name", "region", "address", "latitude", "longitude")},
        "valid_from": event.valid_from.isoformat(),
        "valid_until": event.valid_until.isoformat() if event.valid_until else OPEN_ENDED,
        "suspended": event.suspended,
    }


def ranked(
    place: tuple[float, float],
    pharmacies: Sequence[Mapping[str, Any]],
    free: Mapping[str, Mapping[str, int]],
    short: Mapping[str, Sequence[str]],
) -> list[dict[str, Any]]:
    """Those that have everything first, then those without a drug that is short in their region, then the nearest.

    `free`: drug key -> pharmacy -> quantity nobody reserved; `short`: drug key -> region nodes of known shortages.
    """
    rows = []
    for pharmacy in pharmacies:
        code, region = pharmacy["code"], pharmacy["region"]
        available = {drug: by_pharmacy.get(code, 0) for drug, by_pharmacy in free.items()}
        scarce = sorted(drug for drug in free if any(region.startswith(node) for node in short.get(drug, ())))
        rows.append(
            {
                "pharmacy": code,
                "name": pharmacy["name"],
                "region": region,
                "address": pharmacy["address"],
                "distance_metres": distance_metres(place, (pharmacy["latitude"], pharmacy["longitude"])),
                "available": available,
                "has_all": all(available.values()),
                "short": scarce,
            }
        )
    return sorted(
        rows, key=lambda row: (not row["has_all"], len(row["short"]), row["distance_metres"], row["pharmacy"])
    )


def _number(name: str) -> sa.BindParameter[float]:
    return sa.bindparam(name, type_=sa.Float)


def _text(name: str) -> sa.BindParameter[str]:
    return sa.bindparam(name, type_=sa.Text)


def _squared(value: sa.ColumnElement[float]) -> sa.ColumnElement[float]:
    return value * value


_DISTANCE = _squared(PHARMACIES.c.latitude - _number("latitude")) + _squared(
    (PHARMACIES.c.longitude - _number("longitude")) * _number("narrow")
)
"""Squared, in degrees of latitude: for the order only, as if the earth were flat this far around."""
_NEAR = (
    PHARMACIES.c.latitude.between(_number("south"), _number("north")),
    PHARMACIES.c.longitude.between(_number("west"), _number("east")),
    PHARMACIES.c.suspended.is_(sa.false()),
    PHARMACIES.c.valid_from <= _text("today"),
    PHARMACIES.c.valid_until >= _text("today"),
)


def _pharmacies_with(drugs: int) -> sa.Select[Any]:
    """The nearest that have enough of each of so many drugs (`drug_0`, `quantity_0` and so on).

    Those around are put in order first and looked at one after the other, so that the database stops where it has
    found enough: what a drug's shelves hold in the whole country is never read.
    """
    near = (
        sa.select(PHARMACIES.c.code, PHARMACIES.c.latitude, PHARMACIES.c.longitude, _DISTANCE.label("distance"))
        .where(*_NEAR)
        .order_by(_DISTANCE, PHARMACIES.c.code)
        .limit(CANDIDATES_MAX)
        .subquery("around")
    )
    enough = []
    for number in range(drugs):
        free = sa.func.coalesce(sa.func.sum(STOCK.c.on_hand - STOCK.c.reserved), sa.literal_column("0"))
        shelf = sa.select(free).where(
            STOCK.c.drug_key == _text(f"drug_{number}"),
            STOCK.c.pharmacy == near.c.code,
            STOCK.c.on_hand > STOCK.c.reserved,
        )
        enough.append(shelf.scalar_subquery() >= sa.bindparam(f"quantity_{number}", type_=sa.BigInteger))
    return (
        sa.select(near.c.code, near.c.latitude, near.c.longitude)
        .where(*enough)
        .order_by(near.c.distance, near.c.code)
        .limit(sa.bindparam("limit", type_=sa.Integer))
    )


PROJECTION = Projection(
    name="availability",
    tables=(STOCK, PHARMACIES, SHORTAGES),
    project=project,
    queries={
        **{f"pharmacies_with_{drugs}": _pharmacies_with(drugs) for drugs in range(1, DRUGS_AT_ONCE_MAX + 1)},
        "pharmacies_near": sa.select(PHARMACIES)
        .where(*_NEAR)
        .order_by(_DISTANCE, PHARMACIES.c.code)
        .limit(CANDIDATES_MAX),
        "stock_near": sa.select(STOCK.c.pharmacy, sa.func.sum(STOCK.c.on_hand - STOCK.c.reserved).label("free"))
        .join(PHARMACIES, PHARMACIES.c.code == STOCK.c.pharmacy)
        .where(*_NEAR, STOCK.c.drug_key == _text("drug_key"), STOCK.c.on_hand > STOCK.c.reserved)
        .group_by(STOCK.c.pharmacy, PHARMACIES.c.latitude, PHARMACIES.c.longitude)
        .order_by(_DISTANCE, STOCK.c.pharmacy)
        .limit(CANDIDATES_MAX),
        "shortages_of": sa.select(SHORTAGES.c.region, SHORTAGES.c.grade)
        .where(SHORTAGES.c.drug_key == _text("drug_key"))
        .order_by(SHORTAGES.c.region)
        .limit(CANDIDATES_MAX),
        "stock_of_drug": sa.select(
            STOCK.c.product, STOCK.c.on_hand, STOCK.c.reserved, STOCK.c.pack_size, STOCK.c.unit_price
        )
        .where(STOCK.c.pharmacy == _text("pharmacy"), STOCK.c.drug_key == _text("drug_key"))
        .order_by(STOCK.c.product)
        .limit(sa.bindparam("limit", type_=sa.Integer)),
        "stock_of_pharmacy": sa.select(
            STOCK.c.product, STOCK.c.drug_key, STOCK.c.on_hand, STOCK.c.reserved, STOCK.c.pack_size, STOCK.c.unit_price
        )
        .where(STOCK.c.pharmacy == _text("pharmacy"), STOCK.c.product > _text("after"))
        .order_by(STOCK.c.product)
        .limit(sa.bindparam("limit", type_=sa.Integer)),
    },
)
