"""Each user of the client asks for routes that exist, in the form that they take."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from importlib import import_module
from typing import Any
from uuid import UUID

import httpx
import pytest
from fastapi import APIRouter
from starlette.routing import Match

from contracts.topology import PORTS
from rxflow.client import (
    Addresses,
    Administrator,
    Connection,
    Courier,
    Hold,
    Insurer,
    Patient,
    Pharmacy,
    Prescriber,
    Problem,
    Regulator,
    Reviewer,
    Session,
    Subscriber,
    Supply,
)
from rxflow.client.hints import Place, Priced, Said
from rxflow.client.subscriber import WEBHOOKS
from services.seedwork.api.internal import router as internal

ID = UUID("5f1c2b7e-5c0e-4a6e-9c68-3f0f6d9b2a11")
TEXT = str(ID)
SERVICE_AT = {port: service for service, port in PORTS.items()}
HOLD = Hold(TEXT, TEXT, "secret", {"lines": []})
SUPPLY = Supply(HOLD, TEXT, {})
ANSWER: dict[str, Any] = {
    "patient_ref": TEXT,
    "hold_id": TEXT,
    "supply_id": TEXT,
    "delivery_id": TEXT,
    "secret": "secret",
    "token": "7KQ2M9XWZ3TB",
    "pickup_codes": [{"supply_id": TEXT, "code": "CODE"}],
    "events": [],
    "items": [],
    "next": None,
    "rows": [{"code": "P1", "result": "recorded", "errors": []}],
}


class Services:
    """Answers whatever there is a route for; remembers what it was asked."""

    def __init__(self, answer: Callable[[httpx.Request], dict[str, Any] | httpx.Response] | None = None) -> None:
        self.requests: list[httpx.Request] = []
        self._answer = answer
        self._routers = {name: (import_module(f"services.{name}.api").router, internal) for name in PORTS}

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        service = SERVICE_AT[request.url.port or 0]
        assert self._has_route(service, request), f"{request.method} {service}{request.url.path}: no such route"
        answer = self._answer(request) if self._answer else ANSWER
        return answer if isinstance(answer, httpx.Response) else httpx.Response(200, json=answer)

    def _has_route(self, service: str, request: httpx.Request) -> bool:
        scope = {"type": "http", "method": request.method, "path": request.url.path, "headers": []}
        routers: tuple[APIRouter, ...] = self._routers[service]
        return any(route.matches(scope)[0] is Match.FULL for router in routers for route in router.routes)

    def session(self) -> Session:
        return Session(Connection(Addresses.local(), transport=httpx.MockTransport(self)), "token")

    @property
    def last(self) -> dict[str, Any]:
        return dict(json.loads(self.requests[-1].content))


@pytest.fixture
def services() -> Services:
    return Services()


@pytest.fixture
def pharmacy(services: Services) -> Pharmacy:
    preparer, checker, quality = services.session(), services.session(), services.session()
    return Pharmacy(pharmacist=services.session(), preparer=preparer, checker=checker, quality=quality)


def test_a_prescriber_registers_issues_amends_cancels_and_reads(services: Services) -> None:
    doctor = Prescriber(services.session())

    assert doctor.register_patient({"name": "n"}) == ID
    doctor.issue("a.b.c")
    doctor.amend(ID, "a.b.c")
    doctor.cancel(ID, "wrong_drug", scope=[{"line": 1, "quantity": 7}], urgent=True, request_id=ID)
    assert services.last == {
        "request_id": TEXT,
        "scope": [{"line": 1, "quantity": 7}],
        "reason_code": "wrong_drug",
        "urgent": True,
    }
    doctor.cancel(ID, "wrong_drug")
    assert services.last["scope"] is None
    doctor.prescription(ID)
    assert doctor.trace(ID) == []
    assert list(doctor.feedback()) == []
    assert "only" not in services.requests[-1].url.params
    assert list(doctor.feedback(open_only=True)) == []
    assert services.requests[-1].url.params["only"] == "open"
    doctor.acknowledge(ID, [3, 4])
    assert services.last == {"entries": [3, 4]}


def test_hints_before_signing_are_asked_of_their_owners_and_say_how_old_they_are() -> None:
    case = {"case_id": TEXT, "drug_key": "a|b|c"}

    def owner(request: httpx.Request) -> httpx.Response:
        near = request.url.path == "/pharmacies/near"
        body = {"as_of": "2026-03-02T01:00:00+00:00", "items": []} if near else {"items": [case], "next": None}
        return httpx.Response(200, json=body, headers={"X-Age-Seconds": "1.6"})

    services = Services(owner)
    place = Place("330102", 30.25, 120.17)

    near, short = Prescriber(services.session()).hints(place, {"X1": "a|b|c", "X2": "a|b|c"})

    assert services.requests[0].url.params.get_list("products") == ["X1", "X2"]
    assert services.requests[1].url.params["drug_key"] == "a|b|c"
    assert len(services.requests) == 2
    assert near.seen == {"kind": "availability", "id": "near:2026-03-02T01:00:00+00:00", "age_seconds": 2}
    assert short.seen == {"kind": "shortage", "id": TEXT, "age_seconds": 2}
    assert short.facts == case


def test_the_patients_share_is_a_hint_with_the_rules_that_make_it_larger() -> None:
    concerns = [{"code": "share.not_designated", "line": None}, {"code": "share.class_c", "line": 2}]
    body = {"id": "share:0123", "concerns": concerns, "audit_hints": []}
    services = Services(lambda _: httpx.Response(200, json=body, headers={"X-Age-Seconds": "0.4"}))
    lines = [Priced("X1", 20, 10, 1500), Priced("X2", 7, 7)]

    share, *rules = Prescriber(services.session()).share_hints(ID, "pooled_outpatient", lines)

    asked = services.requests[0].url.params
    assert asked.get_list("lines") == ["X1:20:10:1500", "X2:7:7"]
    assert "pharmacy" not in asked
    assert share.seen == {"kind": "patient_share", "id": "share:0123", "age_seconds": 0}
    assert [(rule.kind, rule.id) for rule in rules] == [
        ("payment_rule", "share.not_designated@share:0123"),
        ("payment_rule", "share.class_c:2@share:0123"),
    ]
    assert {"sex", "age_days", "diagnoses", "days"}.isdisjoint(asked)


def test_what_the_audit_finds_in_what_is_said_is_a_hint_too() -> None:
    finding = {"rule": "AGE", "grade": "suspicious", "lines": [1]}
    body = {"id": "share:0123", "concerns": [], "audit_hints": [finding]}
    services = Services(lambda _: httpx.Response(200, json=body, headers={"X-Age-Seconds": "0.4"}))
    lines = [Priced("X1", 20, 10, days=10), Priced("X2", 7, 7, days=7)]
    said = Said("female", 3_650, ("J06.9", "K21.0"))

    _share, found = Prescriber(services.session()).share_hints(ID, "pooled_outpatient", lines, said=said)

    asked = services.requests[0].url.params
    assert (asked["sex"], asked["age_days"], asked.get_list("diagnoses")) == ("female", "3650", ["J06.9", "K21.0"])
    assert asked.get_list("days") == ["10", "7"]
    assert (found.kind, found.id, found.facts) == ("payment_rule", "audit:AGE@share:0123", finding)


def test_a_patient_names_a_pharmacy_and_takes_it_back(services: Services) -> None:
    patient = Patient(services.session())

    patient.nominate(ID, "P33010200001")
    assert services.last == {"pharmacy": "P33010200001"}
    patient.nominate(ID, None)
    assert services.last == {"pharmacy": None}
    patient.nominate_for(TEXT, "P33010200001")
    assert services.last == {"pharmacy": "P33010200001"}


def test_a_reviewer_takes_and_decides_cases(services: Services) -> None:
    reviewer = Reviewer(services.session())

    assert reviewer.case_of(ID) is None
    reviewer.case(TEXT)
    reviewer.take(TEXT)
    reviewer.put_back(TEXT)
    reviewer.pass_case(TEXT, "a.b.c")
    reviewer.return_case(TEXT, [{"code": "2-1", "lines": [1]}], "comment")
    reviewer.refuse(TEXT, ["3-1"], "reason")
    assert services.last == {"codes": ["3-1"], "reason": "reason"}


def test_a_case_is_found_in_the_queue_by_its_prescription() -> None:
    services = Services(lambda _: {"items": [{"case_id": "c", "prescription_id": TEXT}], "next": None})

    assert Reviewer(services.session()).case_of(ID) == {"case_id": "c", "prescription_id": TEXT}


def test_a_case_is_found_by_its_revision_in_a_list_that_still_shows_the_one_before() -> None:
    old, new = ({"case_id": name, "prescription_id": TEXT, "revision": number} for number, name in ((1, "o"), (2, "n")))
    stale, fresh = (
        Reviewer(Services(lambda _, items=items: {"items": items, "next": None}).session())
        for items in ([old], [old, new])
    )

    assert stale.case_of(ID, 2) is None
    assert fresh.case_of(ID, 2) == new


def test_lists_are_read_page_by_page() -> None:
    pages = iter([{"items": [1, 2], "next": "more"}, {"items": [3], "next": None}])
    services = Services(lambda _: next(pages))

    assert list(Reviewer(services.session()).queue()) == [1, 2, 3]
    assert [request.url.params.get("cursor") for request in services.requests] == [None, "more"]


def test_a_pharmacy_holds_reviews_prepares_checks_and_hands_out(services: Services, pharmacy: Pharmacy) -> None:
    pharmacy.look_up("token")
    hold = pharmacy.hold(TEXT, "token", [{"line": 1, "quantity": 7}], way="delivery")
    assert services.last == {"token": "token", "way": "delivery", "lines": [{"line": 1, "quantity": 7}]}
    pharmacy.hold_nominated(TEXT, [{"line": 1, "quantity": 7}])
    assert services.last == {"way": "counter", "lines": [{"line": 1, "quantity": 7}]}
    assert list(pharmacy.nominations()) == []
    pharmacy.changes()
    assert dict(services.requests[-1].url.params) == {"wait_seconds": "0"}
    pharmacy.changes("here", wait_seconds=9.5)
    assert dict(services.requests[-1].url.params) == {"wait_seconds": "9.5", "cursor": "here"}
    assert (hold.hold_id, hold.secret) == (TEXT, "secret")
    assert "secret" not in repr(hold)
    assert pharmacy.fetch_secret(TEXT, TEXT).secret == "secret"
    pharmacy.pass_review(hold)
    pharmacy.release(hold, "out_of_stock")
    assert services.last == {"secret": "secret", "reason": "out_of_stock", "lines": None}
    pharmacy.release(hold, "mistake", [{"line": 1, "quantity": 1}])
    supply = pharmacy.prepare(hold, [{"line": 1}])
    pharmacy.check(supply)
    pharmacy.hand_out(supply, "CODE", {"name": "n", "identity_no": "i"})
    assert services.last["collector_kind"] == "patient"
    pharmacy.fulfilment(TEXT)
    pharmacy.receive_stock({"product": "p"})
    assert list(pharmacy.stock()) == []


def test_of_a_proof_only_the_digest_is_sent(services: Services, pharmacy: Pharmacy) -> None:
    delivery = pharmacy.arrange_delivery(SUPPLY, "C1", {"name": "n", "phone": "1", "address": "a"})
    pharmacy.pack(delivery, "SEAL")
    pharmacy.hand_over(delivery, b"signature")
    assert services.last == {"proof_sha256": hashlib.sha256(b"signature").hexdigest()}

    courier = Courier(services.session())
    courier.in_transit(delivery)
    courier.arrive(delivery)
    courier.fail_attempt(delivery, "nobody_there")
    courier.deliver(delivery, b"signature", "CODE")
    assert services.last == {
        "proof_sha256": hashlib.sha256(b"signature").hexdigest(),
        "code": "CODE",
        "identity_checked": True,
        "rejected_lines": [],
    }


def test_a_patient_sees_authorises_pays_and_gives_up(services: Services) -> None:
    patient = Patient(services.session())

    patient.give_standing_authorisation()
    assert list(patient.prescriptions()) == []
    patient.prescription(ID)
    assert patient.fulfilments(ID) == []
    assert patient.token(TEXT) == "7KQ2M9XWZ3TB"
    assert patient.pickup_code(SUPPLY) == "CODE"
    assert patient.claims(TEXT) == []
    assert patient.payments(TEXT) == []
    patient.pay(TEXT, "reference")
    patient.give_up(SUPPLY)


def test_an_insurer_reads_settlements_to_their_end() -> None:
    pages = {"0": {"items": [1], "next": 7}, "7": {"items": [], "next": 7}}
    services = Services(lambda request: pages.get(request.url.params.get("after", ""), {}))
    insurer = Insurer(services.session())

    assert list(insurer.settlements()) == [1]
    insurer.claim(TEXT)
    insurer.trial_balance()


def test_a_subscriber_opens_endpoints_and_decides_about_dead_letters(services: Services) -> None:
    for service in WEBHOOKS:
        subscriber = Subscriber(services.session(), service)

        subscriber.open("https://insurer.example/hooks", ["kind"], after=3)
        assert services.last == {"url": "https://insurer.example/hooks", "kinds": ["kind"], "after": 3}
        assert list(subscriber.endpoints()) == []
        assert list(subscriber.deliveries(TEXT, "dead")) == []
        assert services.requests[-1].url.params["status"] == "dead"
        subscriber.replay(TEXT, 7)
        subscriber.skip(TEXT, 7, "reason")
        assert services.last == {"reason": "reason"}


def test_a_regulator_reads_and_decides_shortages(services: Services) -> None:
    regulator = Regulator(services.session())

    assert list(regulator.shortages(region="330000")) == []
    regulator.shortage(TEXT)
    regulator.confirm(TEXT, "reason")
    regulator.dismiss(TEXT, "reason")
    assert regulator.trace(ID) == []


def test_an_administrator_loads_members_stock_and_moves_the_clock(services: Services) -> None:
    administrator = Administrator(services.session())

    assert administrator.register_patient({"name": "n"}) == ID
    administrator.import_member({"patient_ref": TEXT})
    administrator.receive_stock({"pharmacy": "P1"})
    administrator.move_clock("review", 3600)
    assert services.requests[-1].method == "PUT"
    assert services.last == {"offset_seconds": 3600}


def test_register_entries_are_sent_in_parts_and_reported_in_order() -> None:
    def report(request: httpx.Request) -> dict[str, Any]:
        rows = json.loads(request.content)["entries"]
        wrong = {"result": "refused", "errors": ["code: not of the form"]}
        right = {"result": "recorded", "errors": []}
        return {"rows": [{"code": row["code"], **(wrong if row["code"] == "7" else right)} for row in rows]}

    services = Services(report)
    entries = [{"code": str(number)} for number in range(100)]

    found = Administrator(services.session()).record("dispatch", "pharmacy", entries)

    assert len(services.requests) == 2
    assert [number for number, problem in enumerate(found) if problem] == [7]
    assert found[7] == "code: not of the form"


def test_a_load_without_the_right_fails_as_a_whole() -> None:
    services = Services(lambda _: httpx.Response(403, json={"code": "identity.forbidden"}))

    with pytest.raises(Problem, match=r"identity\.forbidden"):
        Administrator(services.session()).record("insurance", "insurer", [{"code": "I1"}])
