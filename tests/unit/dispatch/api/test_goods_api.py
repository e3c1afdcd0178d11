"""A pharmacy's books and its orders over HTTP: by lot, both times of every movement, and who may decide what."""

from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from contracts.roles import Role
from services.dispatch.api import router
from tests.support.http_caller import Caller
from tests.unit.dispatch.api.test_dispatch_api import Desk, Street, code_of
from tests.unit.dispatch.town import GOOD_UNTIL, SYRUP, TABLETS, A, Town, staff

SUPPLIER = "W43010000001"
QUALITY = "HY430102990001"
L1 = {"product": TABLETS, "lot": "L1"}


@pytest.fixture
def street(town: Town, tmp_path: Path) -> Street:
    return Street(town, tmp_path)


@pytest.fixture
def quality(town: Town, tmp_path: Path) -> Desk:
    town.refer("person", QUALITY, staff("quality_manager", A))
    return Desk(Caller(town.store, router, tmp_path), QUALITY, Role.QUALITY_MANAGER, organisation=A)


@pytest.fixture
def wholesaler(town: Town, tmp_path: Path) -> Desk:
    return Desk(Caller(town.store, router, tmp_path), "orders", Role.WHOLESALER, organisation=SUPPLIER)


def receipt(lot: str, quantity: int, expiry: str, **more: Any) -> dict[str, Any]:
    return {"product": TABLETS, "lot": lot, "expiry": expiry, "quantity": quantity, "unit_price": 1250, **more}


def test_an_item_is_shown_by_lot_with_an_offer_first_expired_first(street: Street) -> None:
    street.pharmacist.post("/stock/receipts", **receipt("L2", 40, "2027-06-30"))
    shown = street.preparer.get("/stock/item", product=TABLETS, quantity=60).json()

    assert [(lot["lot"], lot["on_hand"], lot["reserved"]) for lot in shown["lots"]] == [("L2", 40, 0), ("L1", 200, 0)]
    assert [(pick["lot"], pick["quantity"]) for pick in shown["offer"]] == [("L2", 40), ("L1", 20)]
    assert code_of(street.preparer.get("/stock/item", product="X" * 23)) == "stock.unknown"


def test_goods_of_no_known_lot_have_no_expiry(street: Street) -> None:
    counted = street.pharmacist.post("/stock/counts", product=TABLETS, lots=[{"quantity": 5}])
    assert [(lot["lot"], lot["expiry"]) for lot in counted.json()["lots"]] == [("L1", "2029-06-30"), ("", None)]


def test_a_count_and_its_movements_show_both_times(street: Street) -> None:
    lots = [{"lot": "L1", "expiry": GOOD_UNTIL.isoformat(), "quantity": 190}]
    then = "2026-03-01T09:00:00+08:00"
    received = street.pharmacist.post("/stock/receipts", **receipt("L1", 200, "2029-06-30", occurred_at=then))
    assert received.json()["on_hand"] == 400
    counted = street.pharmacist.post("/stock/counts", product=TABLETS, lots=lots, occurred_at=then).json()
    first = street.pharmacist.get("/stock/movements", product=TABLETS, limit=2).json()
    rest = street.pharmacist.get("/stock/movements", product=TABLETS, cursor=first["next"]).json()

    assert counted["on_hand"] == 390
    assert [row["kind"] for row in (*first["items"], *rest["items"])] == ["counted down", "received", "received"]
    assert first["items"][0]["occurred_at"].startswith("2026-03-01T01:00")
    assert first["items"][0]["recorded_at"].startswith("2026-03-02T04:00")


@pytest.mark.parametrize(
    ("moment", "refused"),
    [
        ("0001-01-01T00:00:00+14:00", "stock.too_long_ago"),
        ("9999-12-31T23:59:59-12:00", "stock.ahead_of_time"),
    ],
)
def test_a_moment_at_the_ends_of_the_calendar_is_refused_as_any_other(
    street: Street, moment: str, refused: str
) -> None:
    lots = [{"lot": "L1", "expiry": "2029-06-30", "quantity": 3}]
    for answer in (
        street.pharmacist.post("/stock/receipts", **receipt("L1", 20, "2029-06-30", occurred_at=moment)),
        street.pharmacist.post("/stock/adjustments", **L1, change=-1, reason="broken", occurred_at=moment),
        street.pharmacist.post("/stock/counts", product=TABLETS, lots=lots, occurred_at=moment),
    ):
        assert code_of(answer) == refused


def test_goods_that_expired_when_the_calendar_began_are_expired_and_hold_up_no_other_row(street: Street) -> None:
    order = street.pharmacist.post(
        "/orders", order_no="N1", supplier=SUPPLIER, lines=[{"line": 1, "product": TABLETS, "requested": 20}]
    ).json()
    for expiry in ("0001-01-01", "0001-02-01"):
        goods = [{"line": 1, "lot": "LX", "expiry": expiry, "quantity": 5, "unit_price": 3}]
        came = street.pharmacist.post(f"/orders/{order['order_id']}/receipts", lines=goods)
        assert code_of(came) == code_of(street.pharmacist.post("/stock/receipts", **receipt("LX", 20, expiry)))
        assert code_of(came) == "stock.lot_expired"
    rows = [
        {"row_key": "a", **receipt("LX", 20, "0001-01-01")},
        {"row_key": "b", **receipt("LX", 20, "2029-06-30", occurred_at="0001-01-01T00:00:00+14:00")},
        {"row_key": "c", **receipt("LY", 20, "2029-06-30")},
    ]

    report = street.pharmacist.post("/imports/stock", rows=rows).json()["rows"]

    assert [(row["key"], row["result"], row.get("errors")) for row in report] == [
        ("a", "refused", ["stock.lot_expired"]),
        ("b", "refused", ["stock.too_long_ago"]),
        ("c", "booked", None),
    ]


def test_packs_are_set_apart_and_the_quality_manager_decides(street: Street, quality: Desk) -> None:
    apart = street.pharmacist.post("/stock/quarantine", **L1, quantity=60, reason="damaged").json()
    assert (apart["on_hand"], apart["quarantined"]) == (140, 60)
    assert street.pharmacist.post("/stock/quarantine/releases", **L1, quantity=60, reason="x").status_code == 403
    released = quality.post("/stock/quarantine/releases", **L1, quantity=20, reason="only the carton")
    destroyed = quality.post("/stock/quarantine/destructions", **L1, quantity=40, reason="wet")

    assert released.json()["quarantined"] == 40
    assert (destroyed.json()["on_hand"], destroyed.json()["quarantined"]) == (160, 0)
    again = quality.post("/stock/quarantine/destructions", **L1, quantity=40, reason="wet")
    assert code_of(again) == "stock.not_in_quarantine"


def test_what_expires_soon_comes_in_pages_the_first_first(street: Street) -> None:
    for lot, expiry in (("M1", "2026-05-31"), ("M2", "2026-04-30"), ("M3", "2027-12-31")):
        street.pharmacist.post("/stock/receipts", **receipt(lot, 20, expiry))
    first = street.pharmacist.get("/stock/expiring", limit=1).json()
    second = street.pharmacist.get("/stock/expiring", limit=1, cursor=first["next"]).json()

    assert [page["items"][0]["lot"] for page in (first, second)] == ["M2", "M1"]
    assert second["next"] is None
    assert street.competitor.get("/stock/expiring").json()["items"] == []


def test_an_order_goes_its_way_between_pharmacy_and_supplier(street: Street, wholesaler: Desk) -> None:
    lines = [{"line": 1, "product": TABLETS, "requested": 400}, {"line": 2, "product": SYRUP, "requested": 5}]
    placed = street.pharmacist.post("/orders", order_no="N1", supplier=SUPPLIER, lines=lines)
    path = f"/orders/{placed.json()['order_id']}"
    said = [{"line": 1, "confirmed": 100, "back_ordered": 300, "promised_at": "2026-03-20"}]

    assert placed.status_code == 201
    assert wholesaler.post(f"{path}/confirmations", lines=said).json()["lines"][0]["status"] == "back_ordered"
    goods = [{"line": 1, "lot": "N1", "expiry": "2029-01-01", "quantity": 100, "unit_price": 1200}]
    assert wholesaler.post(f"{path}/receipts", lines=goods).status_code == 403
    assert street.pharmacist.post(f"{path}/receipts", lines=goods).json()["lines"][0]["filled"] == 100
    assert street.town.shelf().on_hand == 300
    assert wholesaler.post(f"{path}/shortfalls", lines=[1], reason="none left").json()["lines"][0]["short"] == 300
    called_off = street.pharmacist.post(f"{path}/cancellations", lines=[2], reason="not needed").json()
    assert called_off["lines"][1]["status"] == "cancelled"
    assert wholesaler.get(path).json()["lines"] == called_off["lines"]
    assert code_of(street.competitor.get(path)) == "order.not_yours"
    assert code_of(street.competitor.post(f"{path}/shortfalls", lines=[1], reason="x")) == "order.not_yours"


def test_orders_are_listed_to_both_sides_in_pages(street: Street, wholesaler: Desk) -> None:
    for number in ("N1", "N2"):
        lines = [{"line": 1, "product": TABLETS, "requested": 400}]
        street.pharmacist.post("/orders", order_no=number, supplier=SUPPLIER, lines=lines)
    first = wholesaler.get("/orders", limit=1).json()
    second = wholesaler.get("/orders", limit=1, cursor=first["next"]).json()

    assert [page["items"][0]["order_no"] for page in (first, second)] == ["N1", "N2"]
    assert len(street.pharmacist.get("/orders").json()["items"]) == 2
    assert street.competitor.get("/orders").json()["items"] == []


@pytest.mark.parametrize("kind", ["stock", "orders"])
def test_a_pharmacy_imports_its_own_goods_and_an_administrator_anybodys(street: Street, kind: str) -> None:
    row: dict[str, Any] = {"product": TABLETS, "lot": "N1", "expiry": "2029-01-01", "quantity": 20, "unit_price": 1}
    if kind == "orders":
        row = {"order_no": "N1", "line": 1, "supplier": SUPPLIER, "product": TABLETS, "requested": 20}

    assert street.pharmacist.post(f"/imports/{kind}", rows=[row, {}]).json()["refused"] == 1
    assert street.admin.post(f"/imports/{kind}", pharmacy=A, rows=[row]).json()["unchanged"] == 1
    assert code_of(street.competitor.post(f"/imports/{kind}", pharmacy=A, rows=[row])) == "stock.not_yours"
    assert code_of(street.admin.post(f"/imports/{kind}", rows=[])) == "import.size"


def test_a_recall_is_followed_and_patients_acknowledge_what_they_were_told(
    street: Street, town: Town, tmp_path: Path
) -> None:
    authority = Desk(Caller(town.store, router, tmp_path), "authority", Role.REGULATOR, region="430000")
    for _ in range(2):
        town.collected(town.release(), 60)
    recall_id = str(uuid4())
    body = {"product": TABLETS, "lots": ["L1"], "recall_class": "2", "reason": "weak", "instruction": "bring it back"}
    assert authority.post("/recalls", recall_id=recall_id, **body).status_code == 201
    assert street.pharmacist.post("/recalls", recall_id=recall_id, **body).status_code == 403
    for _ in range(20):
        town.store.move_clock(timedelta(0))

    first = street.patient.get("/recall-notices", limit=1).json()
    second = street.patient.get("/recall-notices", limit=1, cursor=first["next"]).json()
    notice = first["items"][0]
    assert (notice["lot"], notice["instruction"], second["next"]) == ("L1", "bring it back", None)
    assert street.stranger.get("/recall-notices").json()["items"] == []
    path = f"/recall-notices/{notice['notice_id']}/acknowledgements"
    assert code_of(street.stranger.post(path)) == "recall_notice.not_yours"
    assert street.patient.post(path).json()["acknowledged"] is True

    shown = street.pharmacist.get(f"/recalls/{recall_id}").json()
    assert shown["notices"] == {"told": 2, "acknowledged": 1}
    assert shown["done"] == {"shelf": 2, "patient_told": 2}
    assert code_of(street.pharmacist.get(f"/recalls/{uuid4()}")) == "recall.unknown"
