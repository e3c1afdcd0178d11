"""A patient is forgotten over all five services: nothing personal can be read any more, and everything else holds."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from rich.console import Console

from contracts.roles import Role
from contracts.topology import PORTS
from rxflow.client import Problem
from rxflow.play.journey import Journey
from rxflow.simulation.writing import a_journey, stores_of
from rxflow.verify_cli import verify_store
from services.seedwork.projector import Projector, ask_for_rebuild
from tests.support.doors import Knocking, doors
from tests.support.invariants import hold_at_rest
from tests.support.town import NAMES, Town, copy_of, town_in

YEARS = timedelta(days=5 * 366)
WAIT = timedelta(hours=25)


@pytest.fixture
def journey(town: Town) -> Journey:
    return delivered(town)


def delivered(town: Town) -> Journey:
    """Brought to the door, paid and settled: personal data of every class in every service that may have it."""
    person = replace(town.world.patients[6], name="欧阳独一")  # as nobody else of the demo world is called
    journey = a_journey(town, 6, admitted=town.stage.admit(person))
    journey.issue()
    journey.pass_review()
    store = stores_of(town, journey)[0]
    supply = journey.dispense(store, journey.hold(store, way="delivery"))
    journey.clear(store, supply)
    journey.deliver(store, town.world.carrier_near(store), supply)
    journey.wait_for_settlement()
    return journey


def words_of(journey: Journey) -> list[str]:
    """What tells who the patient is."""
    patient = journey.admitted.patient
    return [patient.name, patient.identity_number, patient.phone, patient.address]


def refused(wanted: Any) -> Problem:
    with pytest.raises(Problem) as problem:
        wanted()
    return problem.value


def forget(town: Town, journey: Journey) -> None:
    town.move_clock(YEARS)
    town.settle()
    assert (
        town.cast.patient(journey.admitted.patient_ref).ask_to_be_forgotten(journey.admitted.patient_ref).status == 202
    )
    town.move_clock(WAIT)
    town.settle()


def files_of(town: Town) -> Iterator[Path]:
    yield from (path for path in directory_of(town).iterdir() if path.is_file() and not path.name.endswith(".writer"))


def wrapped_keys(town: Town) -> list[bytes]:
    with closing(sqlite3.connect(keyring_of(town))) as connection:
        return [row[0] for row in connection.execute("SELECT wrapped_dek FROM key WHERE wrapped_dek IS NOT NULL")]


def test_everything_about_the_patient_is_gone_and_everything_else_holds(town: Town, journey: Journey) -> None:
    patient_ref = journey.admitted.patient_ref
    keys = wrapped_keys(town)
    assert len(keys) == 4
    seen = "".join(every_answer(town, journey))
    assert all(word in seen for word in words_of(journey)[:1])

    forget(town, journey)

    assert wrapped_keys(town) == []
    everything = {path.name: path.read_bytes() for path in files_of(town)}
    assert {"prescribe", "keyring"} <= {name.partition(".")[0] for name in everything}
    for name, content in everything.items():
        for word in words_of(journey):
            assert word.encode() not in content, f"{word} in {name}"
        for key in keys:
            assert key not in content, f"a destroyed key in {name}"
    for service in NAMES:
        assert verify_store(Console(quiet=True), town.settings, service, None) == 0
    hold_at_rest(town, forgotten=journey.prescription_id)
    with town_in(directory_of(town)) as reopened:  # no key in any cache
        told = "".join(every_answer(reopened, journey))
        assert not any(word in told for word in words_of(journey))
        assert str(patient_ref) in told, "quantities stay countable under the random reference"
        hold_at_rest(reopened, forgotten=journey.prescription_id)
        for name, office in reopened.offices.items():
            rebuild(office)
            assert office.projector.lag() == 0, name
        hold_at_rest(reopened, forgotten=journey.prescription_id)


def test_who_may_ask_and_when(town: Town, journey: Journey) -> None:
    patient_ref = journey.admitted.patient_ref
    running = a_journey(town, 12)
    running.issue()
    patient, administrator = town.cast.patient(patient_ref), town.cast.administrator()

    assert refused(lambda: patient.ask_to_be_forgotten(running.admitted.patient_ref)).code == "patient.not_yours"
    assert refused(lambda: administrator.forget_patient(uuid4())).code == "patient.unknown"
    runs = refused(lambda: administrator.forget_patient(running.admitted.patient_ref))
    assert (runs.status, runs.code) == (409, "patient.prescription_runs")
    kept = refused(lambda: patient.ask_to_be_forgotten(patient_ref))
    assert (kept.status, kept.code) == (409, "patient.kept_by_law")
    until = date.fromisoformat(kept.facts["until"])
    assert timedelta(days=5 * 365) < until - town.now().date() < timedelta(days=5 * 366 + 5)


def test_whoever_comes_after_is_told_that_the_patient_is_forgotten(town: Town, journey: Journey) -> None:
    patient_ref = journey.admitted.patient_ref
    patient, administrator = town.cast.patient(patient_ref), town.cast.administrator()
    key = uuid4().hex
    town.move_clock(YEARS)
    town.settle()
    assert town.applications.handle_request(asking(town, journey, key)).status_code == 202

    leaving = refused(lambda: a_journey(town, 6, admitted=journey.admitted).issue())
    assert leaving.code in {"patient.leaving", "prescriber.not_in_force", "signature.key_not_valid"}
    town.move_clock(WAIT)
    town.settle()

    gone = refused(lambda: patient.session.read("prescribe", f"/patients/{patient_ref}"))
    assert (gone.status, gone.code) == (410, "patient.forgotten")
    assert list(patient.prescriptions()) == []
    assert patient.fulfilments(journey.prescription_id) == []
    assert patient.claims(journey.supplies[0].supply_id) == []
    again = administrator.forget_patient(patient_ref)
    assert (again.status, again.body["status"]) == (200, "forgotten")
    balance = town.cast.insurer(journey.admitted.patient.insurer).trial_balance()
    assert sum(row["debit"] - row["credit"] for row in balance["accounts"]) == 0
    with town_in(directory_of(town)) as reopened:
        repeated = reopened.applications.handle_request(asking(reopened, journey, key))
    assert (repeated.status_code, repeated.json()["code"]) == (410, "patient.forgotten")


def asking(town: Town, journey: Journey, key: str) -> httpx.Request:
    token = town.cast.patient(journey.admitted.patient_ref).session.token
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": key}
    url = f"http://127.0.0.1:{PORTS['prescribe']}/patients/{journey.admitted.patient_ref}/forgettings"
    return httpx.Request("POST", url, headers=headers, json={"reason_code": "patient_asks"})


def test_a_restored_keyring_is_not_used_before_it_has_its_tombstones_again(founded: Path, tmp_path: Path) -> None:
    # given: a backup of the keyring from before
    backup = tmp_path / "backup.db"
    with copy_of(founded, tmp_path / "town") as town:
        journey = delivered(town)
        keyring = keyring_of(town)
        with closing(sqlite3.connect(keyring)) as connection:
            connection.execute("VACUUM INTO ?", (str(backup),))
        forget(town, journey)
        town.move_clock(timedelta(minutes=1))

    # when: it is put back
    for left in keyring.parent.glob(f"{keyring.name}*"):
        left.unlink()
    shutil.copy(backup, keyring)
    with town_in(directory_of(town)) as restored:
        assert len(wrapped_keys(restored)) == 4
        restored.follows = False  # no worker runs yet
        doctor = restored.cast.prescriber(journey.doctor)

        # then: nothing is read with the keys that came back, and the services say that they are not ready
        early = refused(lambda: doctor.prescription(journey.prescription_id))
        assert (early.status, early.code) == (503, "overload.shed")
        for name in ("prescribe", "review", "dispatch", "insurance"):
            asked = httpx.Request("GET", f"http://127.0.0.1:{PORTS[name]}/health/ready")
            ready = restored.applications.handle_request(asked)
            assert ready.status_code == 503
            assert [c["ok"] for c in ready.json()["checks"] if c["name"] == "forgotten patients"] == [False], name

        # and: once the workers have run, nothing is left to be read
        for office in restored.offices.values():
            office.work()
        assert wrapped_keys(restored) == []
    with town_in(directory_of(town)) as again:
        assert again.cast.prescriber(journey.doctor).prescription(journey.prescription_id)["patient_name"] is None


def keyring_of(town: Town) -> Path:
    return Path(town.settings.keyring_database_url.removeprefix("sqlite:///"))


def directory_of(town: Town) -> Path:
    return Path(town.settings.database_url.removeprefix("sqlite:///"))


def rebuild(office: Any) -> None:
    projector: Projector = office.projector
    for projection in office.service.projections:
        ask_for_rebuild(office.database, projection)
    while projector.step():
        pass


def every_answer(town: Town, journey: Journey) -> Iterator[str]:
    """All that any GET route tells of this prescription to whoever may ask."""
    ids = ids_of(town, journey)
    knocking = Knocking(town)
    for door in doors(town):
        if door.method == "GET" and not door.is_open and door.path != "/internal/feed/{family}":
            for token in tokens(town, journey, knocking):
                for values in ids:
                    if all(name in values or name in {"kind", "upstream"} for name in door.parameters):
                        path = door.at(**values)
                        if "prescription_id" in door.queries:
                            path += f"?prescription_id={journey.prescription_id}"
                        if "supply_id" in door.queries:
                            path += f"?supply_id={values.get('supply_id')}"
                        if "claim_id" in door.queries:
                            path += f"?claim_id={values.get('claim_id')}"
                        response = knocking.send(door, path, token=token)
                        assert response.status_code < 500, f"{door}: {response.text[:300]}"
                        yield response.text


def ids_of(town: Town, journey: Journey) -> list[dict[str, Any]]:
    """The ids a path may ask for; `id` is another thing in every service."""
    supply = journey.supplies[0]
    known = {
        "patient_ref": journey.admitted.patient_ref,
        "prescription_id": journey.prescription_id,
        "fulfilment_id": supply.hold.fulfilment_id,
        "hold_id": supply.hold.hold_id,
        "supply_id": supply.supply_id,
    }
    (claim,) = town.offices["insurance"].query(
        "SELECT claim_id FROM claims WHERE prescription_id = :id", id=journey.prescription_id.hex
    )
    topic = "SELECT stream_id FROM events WHERE topic = :topic"
    (delivery,) = town.offices["dispatch"].query(topic, topic="dispatch.delivery.delivery_created")
    (case,) = town.offices["review"].query(topic, topic="review.case.opened")
    return [{**known, "claim_id": claim[0], "delivery_id": delivery[0], "case_id": case[0]}]


def tokens(town: Town, journey: Journey, knocking: Knocking) -> list[str]:
    """Of everybody who had to do with it."""
    store = stores_of(town, journey)[0]
    pharmacy, cast = town.cast.pharmacy(store), town.cast
    users = [
        cast.prescriber(journey.doctor).session,
        cast.reviewer_of(journey.doctor)[0].session,
        pharmacy.pharmacist,
        cast.patient(journey.admitted.patient_ref).session,
        cast.insurer(journey.admitted.patient.insurer).session,
        cast.regulator(journey.admitted.patient.region).session,
        cast.administrator().session,
    ]
    return [user.token for user in users] + [knocking.token(Role.SERVICE)]
