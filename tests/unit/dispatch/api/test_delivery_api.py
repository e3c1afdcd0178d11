"""Deliveries over HTTP: who may do what, and the courier's signed messages."""

import asyncio
import hashlib
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import orjson
import pytest
from standardwebhooks import Webhook

from contracts.roles import Role
from services.dispatch.api import router
from services.dispatch.domain import secrets
from services.seedwork.settings import Settings
from services.seedwork.webhook_secrets import webhook_secret
from tests.support.http_caller import Caller
from tests.unit.dispatch.api.test_dispatch_api import Desk, code_of
from tests.unit.dispatch.road import COLD, QUALITY, Road
from tests.unit.dispatch.town import COURIER, DRUGS, SHA, TABLETS, A, B, Town, drug, person, refused


class Office:
    """Everybody around one parcel."""

    def __init__(self, town: Town, keys: Path, **road: Any) -> None:
        self.road = Road(town, **road)
        self._caller = Caller(town.store, router, keys)
        self._settings = Settings(development=True, key_directory=keys)
        self.pharmacist = self.desk(person("pharmacist"), Role.PHARMACIST, organisation=A)
        self.checker = self.desk(person("checker"), Role.CHECKER, organisation=A)
        self.quality = self.desk(QUALITY, Role.QUALITY_MANAGER, organisation=A)
        self.rider = self.desk("rider-1", Role.COURIER, organisation=self.road.courier)
        self.stranger = self.desk("rider-2", Role.COURIER, organisation="another")
        self.admin = self.desk("administrator", Role.SYSTEM_ADMIN)
        self.path = f"/deliveries/{self.road.delivery_id}"

    def desk(self, subject: str, role: Role, **claims: Any) -> Desk:
        return Desk(self._caller, subject, role, **claims)

    @property
    def code(self) -> str:
        return secrets.pickup_code(self._settings.secret_key("pickup"), self.road.supply_id)

    def send(self, body: Any, *, courier: str = COURIER, **changes: Any) -> httpx.Response:
        """A message as the courier's interface sends it."""
        content = body if isinstance(body, bytes) else orjson.dumps(body)
        now = datetime.now(UTC) + changes.pop("later", timedelta())
        message_id = changes.pop("message_id", uuid4().hex)
        secret = webhook_secret(self._settings, "courier", changes.pop("signed_for", courier))
        headers = {
            "content-type": changes.pop("media_type", "application/json"),
            "webhook-id": message_id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": Webhook(secret).sign(message_id, now, content.decode("utf-8", "replace")),
            **changes.pop("headers", {}),
        }

        async def call() -> httpx.Response:
            transport = httpx.ASGITransport(self._caller.app, raise_app_exceptions=True)
            async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
                return await client.post(f"/webhooks/couriers/{courier}", content=content, headers=headers)

        return asyncio.run(call())

    def message(self, kind: str, **data: Any) -> dict[str, Any]:
        told = {"delivery_id": str(self.road.delivery_id), **data}
        return {"type": f"parcel.{kind}", "timestamp": self.road.now.isoformat(), "data": told, "more": "unknown"}


@pytest.fixture
def office(town: Town, tmp_path: Path) -> Office:
    return Office(town, tmp_path)


def test_a_parcel_that_comes_back_over_http(office: Office) -> None:
    seal = {"seal_no": "SEAL-1"}
    assert office.pharmacist.post(f"{office.path}/pack", **seal).status_code == 200
    wrong = office.pharmacist.post(f"{office.path}/hand-over", proof_sha256=SHA, seal_no="SEAL-2")
    assert code_of(wrong) == "delivery.seal_differs"
    eta = (office.road.now + timedelta(hours=2)).isoformat()
    handed = office.pharmacist.post(f"{office.path}/hand-over", proof_sha256=SHA, seal_no="SEAL-1", eta=eta)
    assert handed.status_code == 200
    assert office.rider.post(f"{office.path}/in-transit").status_code == 200
    assert office.rider.post(f"{office.path}/fail-attempt", reason="nobody_there").status_code == 200
    again = (office.road.now + timedelta(hours=1)).isoformat()
    assert office.rider.post(f"{office.path}/schedule-retry", next_at=again).json()["next_attempt_at"] == again
    assert office.rider.post(f"{office.path}/refuse").json()["status"] == "returning"
    back = office.checker.post(f"{office.path}/return-arrived", seal_intact=False, packs=[1, 2, 3])
    assert back.json()["packs_back"] == [1, 2, 3]
    verdicts = [{"pack": number, "verdict": "quarantined", "reason": "封签破损"} for number in (1, 2, 3)]
    inspected = office.quality.post(f"{office.path}/inspect", verdicts=verdicts)
    assert inspected.json()["status"] == "quarantined"
    decided = office.quality.post(f"{office.path}/quarantine", to="restocked", reason="内包装完好", packs=[1])
    assert [each["verdict"] for each in decided.json()["verdicts"]] == ["restocked", "quarantined", "quarantined"]
    assert (
        office.quality.post(f"{office.path}/quarantine", to="destroyed", reason="过期").json()["status"] == "restocked"
    )


def test_temperature_over_http(town: Town, tmp_path: Path) -> None:
    office = Office(town, tmp_path, cold=True)
    office.road.out()
    readings = [{"at": office.road.now.isoformat(), "celsius": 26.004}]

    found = office.rider.post(f"{office.path}/temperatures", readings=readings).json()

    (excursion,) = found["excursions"]
    assert (excursion["kind"], excursion["worst_hundredths"], excursion["decision"]) == ("hot", 2600, None)
    assert code_of(office.stranger.post(f"{office.path}/temperatures", readings=readings)) == "delivery.not_yours"
    foreign = office.pharmacist.post(f"{office.path}/excursions/1/assess", decision="released", reason="r")
    assert code_of(foreign) == "identity.forbidden"
    done = office.quality.post(f"{office.path}/excursions/1/assess", decision="rejected", reason="超温")
    assert done.json()["status"] == "returning"
    office.pharmacist.post(f"{office.path}/temperatures", readings=readings)


def test_lost_damaged_found_and_called_back_over_http(town: Town, tmp_path: Path) -> None:
    office = Office(town, tmp_path)
    office.road.out()

    assert office.pharmacist.post(f"{office.path}/recall").json()["return_reason"] == "pharmacy_wish"
    assert office.rider.post(f"{office.path}/report-damaged").json()["return_reason"] == "damaged"
    assert office.pharmacist.post(f"{office.path}/report-lost").json()["status"] == "lost"
    found = office.checker.post(f"{office.path}/found", seal_intact=True, packs=[1, 2])
    assert found.json()["status"] == "return_arrived"


def test_what_was_not_as_it_should_be_at_the_door_is_said_with_the_delivery(town: Town, tmp_path: Path) -> None:
    town.refer("drug", TABLETS, drug(**DRUGS[TABLETS], drug_class="psychotropic_2"))
    office = Office(town, tmp_path, cold=True)
    office.road.at_the_door()

    told = office.rider.post(f"{office.path}/deliver", proof_sha256=SHA, seal_intact=False, attended=False)

    assert told.json()["exception"]
    assert set(office.road.supply.irregularities) == {
        "supply.wrong_pickup_code",
        "delivery.seal_broken",
        "delivery.identity_unchecked",
        "delivery.unattended",
    }


def test_the_label_is_for_who_packs_and_who_carries(office: Office) -> None:
    assert code_of(office.pharmacist.get(f"{office.path}/label")) == "delivery.no_label"
    office.road.packed()

    printed = office.rider.get(f"{office.path}/label")

    assert printed.content.startswith(b"%PDF")
    assert printed.headers["content-type"] == "application/pdf"
    assert code_of(office.stranger.get(f"{office.path}/label")) == "delivery.not_yours"
    assert code_of(office.quality.get(f"{office.path}/label")) == "identity.forbidden"
    assert code_of(office.rider.get(f"/deliveries/{uuid4()}/label")) == "delivery.unknown"


def test_the_way_of_the_goods_is_for_their_pharmacy_and_the_regulator(office: Office) -> None:
    path = f"/fulfilments/{office.road.fulfilment}/supplies/{office.road.supply_id}/epcis"

    made = office.pharmacist.get(path)

    assert made.json()["type"] == "EPCISDocument"
    regulator = office.desk("authority", Role.REGULATOR, region="430000")
    assert regulator.get(path).json()["epcisBody"]["eventList"] == made.json()["epcisBody"]["eventList"]
    other = office.desk(person("pharmacist", B), Role.PHARMACIST, organisation=B)
    assert code_of(other.get(path)) == "supply.not_yours"
    nowhere = f"/fulfilments/{office.road.fulfilment}/supplies/{uuid4()}/epcis"
    assert code_of(office.pharmacist.get(nowhere)) == "supply.unknown"


def test_what_must_be_frozen_travels_alone_and_with_who_can(town: Town) -> None:
    town.refer("drug", TABLETS, drug(**DRUGS[TABLETS], storage="frozen"))
    with pytest.raises(AssertionError, match=re.escape("courier.not_qualified")):
        Road(town)
    town.load("courier", COURIER, {"name": "x", "agreement_until": "2027-12-31", "cold_chain": True, "frozen": True})
    assert Road(town).state.storage == "frozen"
    with pytest.raises(AssertionError, match=re.escape("delivery.storage_differs")):
        Road(town, lines=(60, 2))
    town.receive(A, TABLETS, "L1", 100)
    facts = {"name": "x", "agreement_until": "2027-12-31", "cold_chain": True, "cold_chain_until": "2026-01-31"}
    town.load("courier", COURIER, facts)
    town.refer("drug", TABLETS, drug(**DRUGS[TABLETS], storage="refrigerated"))
    road = Road.__new__(Road)
    road.town, road.courier, road.fulfilment = town, COURIER, town.release()
    road.supply_id = town.dispensed(road.fulfilment)
    refused(road.arrange(), "courier.not_qualified")
    later = {"name": "x", "agreement_until": "2027-12-31", "agreement_from": "2026-04-01", "cold_chain": True}
    town.load("courier", COURIER, later)
    refused(road.arrange(), "courier.not_qualified")


# the courier's interface -------------------------------------------------------------------------------------------
def test_a_signed_message_moves_the_parcel_without_a_token(office: Office) -> None:
    office.road.handed_over()
    office.road.wait(minutes=5)

    assert office.send(office.message("in_transit")).json() == {"status": "in_transit"}
    office.road.wait(minutes=5)
    proof = {"proof_sha256": hashlib.sha256(b"x").hexdigest(), "code": office.code}
    assert office.send(office.message("delivered", proof=proof)).json() == {"status": "delivered"}
    assert office.road.ended == [("delivered", False)]


@pytest.mark.parametrize(
    "changes",
    [
        {"headers": {"webhook-signature": "v1,AAAA"}},
        {"headers": {"webhook-signature": "nonsense"}},
        {"headers": {"webhook-signature": ""}},
        {"headers": {"webhook-timestamp": "yesterday"}},
        {"signed_for": COLD},
        {"later": timedelta(minutes=-6)},
        {"later": timedelta(minutes=6)},
        {"message_id": "x" * 129},
    ],
    ids=["wrong", "no form", "none", "no time", "another's secret", "old", "early", "long id"],
)
def test_a_message_with_a_wrong_signature_changes_nothing(office: Office, changes: dict[str, Any]) -> None:
    office.road.handed_over()
    before = len(office.road.town.store.log)

    response = office.send(office.message("in_transit"), **changes)

    assert (response.status_code, code_of(response)) == (401, "webhook.signature")
    assert len(office.road.town.store.log) == before


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{", "request.malformed"),
        ([1], "webhook.body"),
        ({"type": "parcel.teleported"}, "webhook.body"),
        ("delivered", "webhook.body"),
        ("temperature", "webhook.body"),
        ("eaten", "webhook.body"),
    ],
    ids=["no JSON", "a list", "no fields", "no proof", "no readings", "unknown type"],
)
def test_a_signed_message_of_the_wrong_form_is_refused(office: Office, body: Any, code: str) -> None:
    office.road.handed_over()

    response = office.send(office.message(body) if isinstance(body, str) else body)

    assert code_of(response) == code
    assert office.road.state.status == "handed_over"


def test_a_message_is_taken_for_its_own_courier_only(office: Office) -> None:
    office.road.handed_over()

    assert code_of(office.send(office.message("in_transit"), courier=COLD)) == "delivery.not_yours"
    lost = {**office.message("in_transit"), "data": {"delivery_id": str(uuid4())}}
    assert code_of(office.send(lost)) == "delivery.unknown"


def test_a_message_of_more_than_64_kib_is_too_large(office: Office) -> None:
    assert code_of(office.send(b'{"a":"' + b"x" * 70_000 + b'"}')) == "request.too_large"


def test_readings_come_by_message_too(town: Town, tmp_path: Path) -> None:
    office = Office(town, tmp_path, cold=True)
    office.road.out()
    readings = [{"at": office.road.now.isoformat(), "celsius": 30}]

    office.send(office.message("temperature", readings=readings), courier=COLD)

    assert len(office.road.state.open_excursions) == 1


def test_the_secret_is_shown_to_who_sets_the_interface_up(office: Office) -> None:
    shown = office.admin.get(f"/couriers/{COURIER}/webhook-secret")

    assert shown.json()["secret"].startswith("whsec_")
    assert code_of(office.admin.get("/couriers/nobody/webhook-secret")) == "courier.unknown"
    assert code_of(office.rider.get(f"/couriers/{COURIER}/webhook-secret")) == "identity.forbidden"
