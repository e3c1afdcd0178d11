"""The HTTP api of dispatch: the way of one fill, and what each role may not do."""

from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from contracts.roles import Role
from services.dispatch.api import router
from tests.support.http_caller import Caller
from tests.unit.dispatch.town import (
    COURIER,
    HOUR,
    PATIENT_CARD,
    SHA,
    SYRUP,
    TABLETS,
    A,
    B,
    Town,
    person,
    place,
)

CONTACT = {"name": "测试患者", "phone": "13800000000", "address": "长沙市示例路1号"}


class Desk:
    """One person's requests."""

    def __init__(self, caller: Caller, subject: str, role: Role, **claims: Any) -> None:
        self._caller = caller
        self._token = caller.token(subject, role, **claims)

    def get(self, path: str, **parameters: Any) -> httpx.Response:
        return self._caller(self._token, "GET", path, params=parameters)

    def post(self, path: str, **body: Any) -> httpx.Response:
        return self._caller(self._token, "POST", path, json=body)


def code_of(response: httpx.Response) -> str:
    assert response.headers["content-type"] == "application/problem+json"
    return str(response.json()["code"])


class Street:
    """Everybody who takes part."""

    def __init__(self, town: Town, keys: Path) -> None:
        self.town = town
        caller = Caller(town.store, router, keys)

        def staff(role: Role, pharmacy: str = A) -> Desk:
            return Desk(caller, person(role.value, pharmacy), role, organisation=pharmacy)

        self.staff = staff
        self.pharmacist = staff(Role.PHARMACIST)
        self.preparer = staff(Role.PREPARER)
        self.checker = staff(Role.CHECKER)
        self.competitor = staff(Role.PHARMACIST, B)
        self.patient = Desk(caller, "patient-1", Role.PATIENT, patient_ref=town.patient_ref)
        self.stranger = Desk(caller, "patient-2", Role.PATIENT, patient_ref=uuid4())
        self.nobody = Desk(caller, "patient-3", Role.PATIENT)
        self.quality = staff(Role.QUALITY_MANAGER)
        self.courier = Desk(caller, "rider-1", Role.COURIER, organisation=COURIER)
        self.admin = Desk(caller, "admin", Role.SYSTEM_ADMIN)
        self.officer = Desk(caller, "officer-1", Role.INSURANCE_OFFICER, organisation="I430100")
        self.regulator = Desk(caller, "regulator-1", Role.REGULATOR, region="430000")

    def token(self, fulfilment: Any) -> str:
        return str(self.patient.get(f"/fulfilments/{fulfilment}/token").json()["token"])

    def hold(self, fulfilment: Any, quantity: int = 60, way: str = "counter") -> httpx.Response:
        return self.pharmacist.post(
            f"/fulfilments/{fulfilment}/holds",
            token=self.token(fulfilment),
            way=way,
            lines=[{"line": 1, "quantity": quantity}],
        )

    def dispensed(self, fulfilment: Any) -> tuple[str, str]:
        """(supply, pickup code) over HTTP."""
        held = self.hold(fulfilment).json()
        base, secret = f"/fulfilments/{fulfilment}", held["secret"]
        assert self.pharmacist.post(f"{base}/holds/{held['hold_id']}/review", secret=secret).status_code == 200
        pick = self.town.pick().model_dump(mode="json")
        prepared = self.preparer.post(f"{base}/holds/{held['hold_id']}/supplies", secret=secret, lines=[pick])
        assert prepared.status_code == 201
        supply = prepared.json()["supply_id"]
        assert self.checker.post(f"{base}/supplies/{supply}/check", secret=secret).status_code == 200
        (pickup,) = self.patient.get(f"{base}/token").json()["pickup_codes"]
        assert pickup["supply_id"] == supply
        return supply, pickup["code"]


@pytest.fixture
def street(town: Town, tmp_path: Path) -> Street:
    return Street(town, tmp_path)


def test_from_token_to_hand_out(street: Street) -> None:
    fulfilment = street.town.release()
    shown = street.pharmacist.post("/lookups", token=street.token(fulfilment)).json()
    assert shown["prescription"]["diagnoses"][0]["code"] == "I10"
    supply, code = street.dispensed(fulfilment)
    who = {"name": "测试患者", "identity_no": PATIENT_CARD}
    path = f"/fulfilments/{fulfilment}/supplies/{supply}/hand-out"

    assert code_of(street.pharmacist.post(path, code=code, collector=who)) == "supply.not_cleared"
    street.town.clear(fulfilment, next(iter(street.town.state(fulfilment).supplies)))
    assert code_of(street.pharmacist.post(path, code="00000000", collector=who)) == "supply.wrong_pickup_code"
    assert street.pharmacist.post(path, code=code, collector=who).status_code == 200

    assert code_of(street.patient.get(f"/fulfilments/{fulfilment}/token")) == "token.used_up"
    assert street.patient.get(f"/fulfilments/{fulfilment}").json()["outcome"] == "supplied"


def test_from_packing_to_the_door(street: Street) -> None:
    fulfilment = street.town.release()
    supply, code = street.dispensed(fulfilment)
    street.town.clear(fulfilment, next(iter(street.town.state(fulfilment).supplies)))
    arranged = street.pharmacist.post(
        f"/fulfilments/{fulfilment}/supplies/{supply}/deliveries", courier=COURIER, contact=CONTACT
    )
    assert arranged.status_code == 201
    path = f"/deliveries/{arranged.json()['delivery_id']}"

    assert street.pharmacist.post(f"{path}/pack", seal_no="S1").status_code == 200
    assert street.pharmacist.post(f"{path}/hand-over", proof_sha256=SHA).status_code == 200
    assert street.courier.post(f"{path}/in-transit").status_code == 200
    assert street.courier.post(f"{path}/fail-attempt", reason="nobody_there").json()["attempts"] == 1
    assert street.courier.post(f"{path}/in-transit").status_code == 200
    assert street.courier.post(f"{path}/arrive").status_code == 200
    assert street.courier.get(path).json()["contact"]["phone"] == "138****0000"
    assert street.courier.post(f"{path}/deliver", proof_sha256=SHA, code=code).json()["status"] == "delivered"

    assert street.patient.get(path).json()["exception"] is False
    assert street.pharmacist.get(path).json()["status"] == "delivered"
    assert code_of(street.stranger.get(path)) == "delivery.not_yours"
    assert code_of(street.courier.get(f"/deliveries/{uuid4()}")) == "delivery.unknown"


def test_what_happened_against_a_rule_is_on_the_list_of_the_organisation_that_did_it(street: Street) -> None:
    town = street.town
    regular, handed_out, delivered = (town.release() for _ in range(3))
    town.collected(regular)
    by_courier = town.dispensed(delivered)
    parcel = town.on_the_road(delivered, by_courier)
    town.deliver(parcel, by_courier, code="00000000")
    over_counter = town.dispensed(handed_out)
    town.clear(handed_out, over_counter)
    town.load("pharmacy", A, place(28.2, 112.98, "430102"), suspended=True)
    town.try_hand_out(handed_out, over_counter)

    (of_pharmacy,) = street.pharmacist.get("/irregularities").json()["items"]
    (of_courier,) = street.courier.get("/irregularities", limit=1).json()["items"]

    assert (of_pharmacy["supply_id"], of_pharmacy["irregularities"]) == (str(over_counter), ["pharmacy.not_admitted"])
    assert of_pharmacy["handed_out_by"] == person("pharmacist")
    assert of_courier["irregularities"] == ["supply.wrong_pickup_code", "delivery.wrong_state"]
    assert street.competitor.get("/irregularities").json() == {"items": [], "next": None}
    assert street.patient.get("/irregularities").status_code == 403


def test_it_is_explained_once_by_a_named_person_of_the_organisation_that_did_it(street: Street) -> None:
    town = street.town
    fulfilment = town.release()
    supply = town.dispensed(fulfilment)
    town.clear(fulfilment, supply)
    town.load("pharmacy", A, place(28.2, 112.98, "430102"), suspended=True)
    town.try_hand_out(fulfilment, supply)
    (shown,) = street.pharmacist.get("/irregularities").json()["items"]
    assert shown["explanation"] is None
    path = f"/irregularities/{shown['irregularity_id']}/explanation"
    why = "the notice came while the patient stood at the counter"

    assert code_of(street.competitor.post(path, explanation=why)) == "irregularity.unknown"
    assert code_of(street.pharmacist.post(f"/irregularities/{uuid4()}/explanation", explanation=why)) == (
        "irregularity.unknown"
    )
    assert code_of(street.pharmacist.post(path, explanation="")) == "request.invalid"
    assert code_of(street.pharmacist.post(path, explanation="x" * 1_001)) == "request.invalid"
    assert code_of(street.checker.post(path, explanation=why)) == "identity.forbidden"

    said = street.pharmacist.post(path, explanation=why).json()
    assert said["explanation"]["explained_by"] == person("pharmacist")
    before = len(town.store.log)
    assert street.pharmacist.post(path, explanation=why).json() == said
    assert code_of(street.quality.post(path, explanation="another story")) == "irregularity.explained"
    assert code_of(street.quality.post(path, explanation=why)) == "irregularity.explained", "by somebody else"
    assert len(town.store.log) == before

    (shown,) = street.pharmacist.get("/irregularities").json()["items"]
    assert shown["explanation"] == said["explanation"]
    assert (shown["explanation"]["explanation"], shown["irregularities"]) == (why, ["pharmacy.not_admitted"])


def test_a_delivery_may_be_called_off_and_the_supply_given_up(street: Street) -> None:
    fulfilment = street.town.release()
    supply, _ = street.dispensed(fulfilment)
    base = f"/fulfilments/{fulfilment}/supplies/{supply}"
    delivery = street.pharmacist.post(f"{base}/deliveries", courier=COURIER, contact=CONTACT).json()["delivery_id"]

    assert (
        street.pharmacist.post(f"/deliveries/{delivery}/cancel", reason="patient_wish").json()["status"] == "cancelled"
    )
    assert code_of(street.stranger.post(f"{base}/give-up")) == "fulfilment.not_yours"
    assert street.patient.post(f"{base}/give-up").json()["status"] == "undone"


def test_a_holds_secret_is_in_the_answer_and_can_be_fetched_again(street: Street) -> None:
    fulfilment = street.town.release()
    held = street.hold(fulfilment)
    assert held.status_code == 201
    path = f"/fulfilments/{fulfilment}/holds/{held.json()['hold_id']}"

    assert street.pharmacist.post(f"{path}/secret").json()["secret"] == held.json()["secret"]
    assert code_of(street.competitor.post(f"{path}/secret")) == "hold.not_yours"
    assert code_of(street.pharmacist.post(f"{path}/release", secret="guess", reason="other")) == "hold.wrong_secret"
    released = street.pharmacist.post(f"{path}/release", secret=held.json()["secret"], reason="out_of_stock")
    assert released.json()["how"] == "released"


def test_a_supply_can_be_put_back(street: Street) -> None:
    fulfilment = street.town.release()
    held = street.hold(fulfilment).json()
    base, secret = f"/fulfilments/{fulfilment}", held["secret"]
    street.pharmacist.post(f"{base}/holds/{held['hold_id']}/review", secret=secret)
    pick = street.town.pick().model_dump(mode="json")
    prepared = street.preparer.post(f"{base}/holds/{held['hold_id']}/supplies", secret=secret, lines=[pick]).json()

    path = f"{base}/supplies/{prepared['supply_id']}/unprepare"
    assert street.preparer.post(path, secret=secret).json()["status"] == "unprepared"


def test_a_hold_without_stock_is_a_problem_that_says_what_there_is(street: Street) -> None:
    short = street.hold(street.town.release(300), 300)

    assert (short.status_code, code_of(short)) == (409, "stock.not_enough")
    assert short.json()["facts"] == {"product": TABLETS, "available": 200}


def test_wrong_codes_are_problems_and_lock(street: Street) -> None:
    fulfilment = street.town.release()
    token = street.token(fulfilment)

    for _ in range(5):
        assert code_of(street.pharmacist.post("/lookups", token="000000000000")) == "token.wrong"
    locked = street.pharmacist.post("/lookups", token=token)

    assert (locked.status_code, code_of(locked)) == (423, "token.locked")
    street.town.store.move_clock(HOUR)
    wrong = street.pharmacist.post(
        f"/fulfilments/{fulfilment}/holds", token="0" * 12, way="counter", lines=[{"line": 1, "quantity": 1}]
    )
    assert code_of(wrong) == "token.wrong"


def test_patients_see_their_own_and_pharmacies_what_they_hold(street: Street) -> None:
    fulfilment = street.town.release()
    path = f"/fulfilments/{fulfilment}"
    prescription_id = str(street.town.state(fulfilment).prescription_id)

    assert "prescription" not in street.patient.get(path).json()
    for other in (street.stranger, street.pharmacist):
        assert code_of(other.get(path)) == "fulfilment.not_yours"
        assert other.get("/fulfilments", prescription_id=prescription_id).json() == {"items": []}
    assert code_of(street.stranger.get(f"{path}/token")) == "fulfilment.not_yours"
    assert code_of(street.patient.get(f"/fulfilments/{uuid4()}")) == "fulfilment.unknown"
    street.hold(fulfilment)

    assert street.pharmacist.get(path).json()["prescription"]["patient_name"] == "测试患者"
    (item,) = street.patient.get("/fulfilments", prescription_id=prescription_id).json()["items"]
    assert item["lines"][0]["buckets"]["held"] == 60


def test_a_pharmacy_reads_while_it_holds_and_what_it_has_supplied_but_nothing_after_a_hold_without_supply(
    street: Street,
) -> None:
    town = street.town
    fulfilment = town.release()
    path, prescription_id = f"/fulfilments/{fulfilment}", str(town.state(fulfilment).prescription_id)
    released, expired = town.hold(fulfilment, (1, 20)), town.hold(fulfilment, (1, 20), pharmacy=B)
    assert street.pharmacist.get(path).status_code == street.competitor.get(path).status_code == 200

    town.release_hold(fulfilment, released)
    town.store.time = town.state(fulfilment).holds[expired].expires_at  # the clock has not swept it yet

    for former in (street.pharmacist, street.competitor):
        assert code_of(former.get(path)) == "fulfilment.not_yours"
        assert former.get("/fulfilments", prescription_id=prescription_id).json() == {"items": []}
    supply = town.dispensed(fulfilment, 20)
    assert "prescription" in street.pharmacist.get(path).json()
    town.give_up(fulfilment, supply)
    assert [each["status"] for each in street.pharmacist.get(path).json()["supplies"]] == ["undone"]


def test_a_pharmacy_sees_its_own_holds_and_supplies_only(street: Street) -> None:
    town = street.town
    fulfilment = town.release()
    path, prescription_id = f"/fulfilments/{fulfilment}", str(town.state(fulfilment).prescription_id)
    for pharmacy in (A, B):
        town.dispensed(fulfilment, 20, pharmacy)

    one = street.pharmacist.get(path).json()
    (other,) = street.competitor.get("/fulfilments", prescription_id=prescription_id).json()["items"]
    looked_up = street.pharmacist.post("/lookups", token=street.token(fulfilment)).json()["fulfilment"]
    whole = street.patient.get(path).json()

    for shown, pharmacies in ((one, {A}), (other, {B}), (looked_up, {A}), (whole, {A, B})):
        for part in ("holds", "supplies"):
            assert {each["pharmacy"] for each in shown[part]} == pharmacies
        assert shown["lines"][0]["buckets"]["dispensed"] == 40


def test_a_pharmacy_finds_what_it_is_nominated_for_and_sees_no_patient_before_it_holds(street: Street) -> None:
    fulfilment = street.town.release(60, 2)
    path = f"/fulfilments/{fulfilment}/nominations"
    assert street.pharmacist.get("/nominations").json() == {"items": [], "next": None}
    assert code_of(street.stranger.post(path, pharmacy=A)) == "fulfilment.not_yours"
    assert code_of(street.pharmacist.post(path, pharmacy=A)) == "identity.forbidden"
    assert street.patient.post(path, pharmacy=A).json()["nominated_pharmacy"] == A

    (found,) = street.pharmacist.get("/nominations").json()["items"]

    assert set(found) == {
        *("fulfilment_id", "instalment", "instalments", "insurance_intent", "opens_at", "closes_at", "lines"),
        "withdrawn",
    }
    assert {name: found["lines"][0][name] for name in ("product", "remaining", "blocked")} == {
        "product": TABLETS,
        "remaining": 60,
        "blocked": False,
    }
    assert str(street.town.patient_ref) not in str(found)
    assert street.competitor.get("/nominations").json()["items"] == []
    assert code_of(street.pharmacist.get(f"/fulfilments/{fulfilment}")) == "fulfilment.not_yours"
    lines = [{"line": 1, "quantity": 60}]
    wanted = {"way": "counter", "lines": lines}
    assert code_of(street.competitor.post(f"/fulfilments/{fulfilment}/holds", **wanted)) == "hold.not_nominated"
    assert street.pharmacist.post(f"/fulfilments/{fulfilment}/holds", **wanted).status_code == 201
    whole = street.pharmacist.get(f"/fulfilments/{fulfilment}").json()
    assert whole["prescription"]["patient_name"] == "测试患者"
    assert whole["nominated_pharmacy"] == A
    street.competitor.post(
        f"/fulfilments/{fulfilment}/holds",
        token=street.token(fulfilment),
        way="counter",
        lines=[{"line": 2, "quantity": 1}],
    )
    assert street.competitor.get(f"/fulfilments/{fulfilment}").json()["nominated_pharmacy"] is None
    assert street.patient.get(f"/fulfilments/{fulfilment}").json()["nominated_pharmacy"] == A


def test_nominations_come_in_pages_the_oldest_choice_first(street: Street) -> None:
    fulfilments = [street.town.release() for _ in range(3)]
    for each in reversed(fulfilments):
        street.patient.post(f"/fulfilments/{each}/nominations", pharmacy=A)

    first = street.pharmacist.get("/nominations", limit=2).json()
    rest = street.pharmacist.get("/nominations", limit=2, cursor=first["next"]).json()

    seen = [row["fulfilment_id"] for row in (*first["items"], *rest["items"])]
    assert seen == [str(each) for each in reversed(fulfilments)]
    assert rest["next"] is None


def test_a_list_that_is_late_shows_nothing_of_what_was_taken_back(street: Street, town: Town) -> None:
    fulfilment = town.release()
    path = f"/fulfilments/{fulfilment}/nominations"
    street.patient.post(path, pharmacy=A)
    assert street.pharmacist.get("/nominations").json()["items"][0]["withdrawn"] is False
    town.store.lists_lag = True
    street.patient.post(path, pharmacy=None)

    assert street.pharmacist.get("/nominations").json()["items"] == [
        {"fulfilment_id": str(fulfilment), "withdrawn": True}
    ]


def test_a_suspended_pharmacy_sees_nothing_that_it_is_nominated_for(street: Street, town: Town) -> None:
    fulfilment = town.release()
    path = f"/fulfilments/{fulfilment}/nominations"
    street.patient.post(path, pharmacy=A)
    town.load("pharmacy", A, place(28.2, 112.98, "430102"), suspended=True)

    assert code_of(street.pharmacist.get("/nominations")) == "pharmacy.not_admitted"
    assert code_of(street.patient.post(path, pharmacy="P99999999999")) == "pharmacy.not_admitted"


def test_a_patient_token_without_a_patient_owns_nothing(street: Street, town: Town, tmp_path: Path) -> None:
    nobody = Desk(Caller(town.store, router, tmp_path), "patient-3", Role.PATIENT)
    fulfilment = town.release()
    supply = town.dispensed(fulfilment)

    assert code_of(nobody.get(f"/fulfilments/{fulfilment}")) == "fulfilment.not_yours"
    assert code_of(nobody.post(f"/fulfilments/{fulfilment}/supplies/{supply}/give-up")) == "fulfilment.not_yours"


def test_a_pharmacy_books_its_own_goods_and_an_administrator_anybodys(street: Street) -> None:
    goods = {"product": TABLETS, "lot": "L9", "expiry": "2027-06-30", "quantity": 20, "unit_price": 1300}

    assert street.pharmacist.post("/stock/receipts", **goods).json()["on_hand"] == 220
    assert code_of(street.pharmacist.post("/stock/receipts", pharmacy=B, **goods)) == "stock.not_yours"
    assert street.admin.post("/stock/receipts", pharmacy=B, **goods).json()["on_hand"] == 220
    assert (
        street.pharmacist.post("/stock/adjustments", product=TABLETS, lot="L9", change=-20, reason="broken").json()[
            "on_hand"
        ]
        == 200
    )


def test_stock_comes_in_pages(street: Street) -> None:
    first = street.pharmacist.get("/stock", limit=1).json()
    second = street.pharmacist.get("/stock", limit=1, cursor=first["next"]).json()

    assert [page["items"][0]["product"] for page in (first, second)] == sorted([TABLETS, SYRUP])
    assert second["next"] is None


def test_pharmacies_near_are_a_hint_by_stock_and_distance(street: Street) -> None:
    near = street.patient.get("/pharmacies/near", lat=28.2, lon=112.98, products=[TABLETS, SYRUP]).json()

    assert [(row["pharmacy"], row["has_all"]) for row in near["items"]] == [(A, True), (B, True)]
    assert near["as_of"].startswith("2026-03-02")
    close = street.patient.get("/pharmacies/near", lat=28.2, lon=112.98, products=[TABLETS], radius_metres=500).json()
    assert [row["pharmacy"] for row in close["items"]] == [A]
    unknown = street.patient.get("/pharmacies/near", lat=28.2, lon=112.98, products=["X"])
    assert code_of(unknown) == "product.unknown"


def test_registers_are_loaded_row_by_row_and_listed(street: Street) -> None:
    entry = {"code": "P43010200010", "content": place(28, 113, "430102"), "valid_from": "2024-01-01"}

    report = street.admin.post("/registers/pharmacy", entries=[entry, {}]).json()
    assert (report["recorded"], report["refused"]) == (1, 1)
    first = street.admin.get("/registers/pharmacy", limit=2).json()
    rest = street.admin.get("/registers/pharmacy", limit=2, cursor=first["next"]).json()
    assert [row["code"] for row in (*first["items"], *rest["items"])] == sorted([A, B, "P43010200010"])
    assert street.patient.get("/registers/pharmacy").status_code == 403
    assert code_of(street.admin.post("/registers/insurer", entries=[entry])) == "register.kind"
    assert code_of(street.admin.post("/registers/pharmacy", entries=[])) == "register.size"


def test_a_courier_whose_orders_would_not_be_sent_is_not_recorded(street: Street) -> None:
    facts = {"name": "示例医药配送", "agreement_until": "2027-12-31", "interface": "webhook"}

    def load(url: str | None) -> Any:
        entry = {"code": COURIER, "content": {**facts, "booking_url": url}, "valid_from": "2024-01-01"}
        return street.admin.post("/registers/courier", entries=[entry]).json()["rows"]

    wrong = ["booking_url: register.url (credentials)"]
    assert load("https://user:word@courier.example/") == [{"code": COURIER, "result": "refused", "errors": wrong}]
    nowhere = ["booking_url: register.url (missing)"]
    assert load(None) == [{"code": COURIER, "result": "refused", "errors": nowhere}]
    for url in ("https://courier.example/orders", "http://127.0.0.1:9/orders"):  # development mode
        assert load(url) == [{"code": COURIER, "result": "recorded"}]


def test_insurers_and_regulators_ask_about_a_code_and_pharmacies_about_their_returns(street: Street) -> None:
    fulfilment = street.town.release()
    supply, _ = street.dispensed(fulfilment)
    state = street.town.state(fulfilment)
    code = next(iter(state.supplies.values())).lines[0].trace_codes[0]

    for desk in (street.officer, street.regulator):
        shown = desk.get("/trace-codes", code=code, supply_id=supply).json()
        assert (shown["status"], shown["pharmacy"], shown["of_this_supply"]) == ("sold", A, True)
        assert str(street.town.patient_ref) not in str(shown)
    assert code_of(street.officer.get("/trace-codes", code="nonsense")) == "trace_code.malformed"
    assert code_of(street.patient.get("/trace-codes", code=code)) == "identity.forbidden"

    assert street.pharmacist.post("/trace-codes/returns", trace_code=code).json()["supplies"] == [supply]
    assert code_of(street.competitor.post("/trace-codes/returns", trace_code=code)) == "trace_code.repeated"
    assert street.officer.get("/trace-codes", code=code).json()["repeats"] == 1


def test_opened_packs_are_listed_and_thrown_away(street: Street) -> None:
    town = street.town
    fulfilment = town.release()
    code = town.new_codes(1)
    hold_id = town.accepted(fulfilment, (1, 12))
    town.try_check(fulfilment, town.prepare(fulfilment, hold_id, town.pick(12, trace_codes=code)))

    (item,) = street.preparer.get("/stock/opened-packs", product=TABLETS).json()["items"]
    assert (item["key"], item["remaining"], item["good"]) == (code[0], 8, True)
    assert street.competitor.get("/stock/opened-packs", product=TABLETS).json()["items"] == []
    thrown = street.pharmacist.post("/stock/opened-packs/discards", product=TABLETS, key=code[0], reason="wet")
    assert thrown.json()["items"] == []
