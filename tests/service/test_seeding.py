"""An installation filled by COPY is one like any other: chained, signed, at rest, and its people go on from there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from typer.testing import CliRunner

from rxflow import bench_cli
from rxflow.play.journey import Journey
from rxflow.play.stage import Admitted
from rxflow.seeding.offices import SeedingFailed
from rxflow.seeding.running import FIRST_PATIENT, Amounts, seed
from rxflow.world import Draft
from rxflow.world.enlarged import enlarged, patients
from services.dispatch.domain.fulfilment.aggregate import FULFILMENTS
from services.dispatch.domain.prescription_content import CONTENTS
from services.dispatch.domain.stock.item import STOCK_ITEMS
from services.seedwork.identity import checkpoint_key
from services.seedwork.logs import configure_logging
from services.seedwork.store import reading
from services.seedwork.store.checkpoints import verify
from services.seedwork.store.opening import blocking_database
from tests.service.conftest import databases
from tests.support import servers
from tests.support.invariants import hold_at_rest
from tests.support.town import NAMES, Town, settings_in, town_in

pytestmark = pytest.mark.servers
AMOUNTS = Amounts(prescriptions=10, pharmacies=41, products=2, prescriptions_per_patient=4)
PATIENTS = 3


@pytest.fixture(scope="module")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """The town of a filled installation; nobody has worked in it yet."""
    directory = tmp_path_factory.mktemp("seeded")
    with databases() as database_url:
        seed(settings_in(directory, database_url), AMOUNTS)
        with town_in(directory, database_url=database_url) as town:
            yield town


def held_by(town: Town) -> dict[UUID, Any]:
    """What dispatch knows of each prescription."""
    contents = (each.content for each in town.offices["dispatch"].states(CONTENTS))
    return {content.prescription_id: content for content in contents if content}


def journey_of(town: Town, number: int) -> Journey:
    """The way of one of the prescriptions, as it stands."""
    content = list(held_by(town).values())[number]
    people = patients(town.world, FIRST_PATIENT, PATIENTS)
    patient = next(each for each in people if each.name == content.patient_name)
    doctor = next(each for each in town.world.doctors if each.code == content.prescriber)
    lines = [{"line": row.line, "product": row.product} for row in content.lines]
    draft = Draft(content.prescription_id, {"lines": lines}, doctor.key)
    return Journey(town.stage, doctor, Admitted(patient, content.patient_ref), draft)


def test_chains_checkpoints_and_witness_hold_in_every_store(seeded: Town) -> None:
    for name, office in seeded.offices.items():
        keyring = blocking_database(seeded.settings.keyring_database_url, 1)
        keyring.open()
        verdict = verify(name, office.database, keyring, checkpoint_key(seeded.settings))
        keyring.close()

        assert verdict.faults == []
        assert verdict.events == reading.tail(office.database) > 0
        assert verdict.checkpoints > 0


def test_there_is_as_much_as_was_asked_for(seeded: Town) -> None:
    fulfilments = seeded.offices["dispatch"].states(FULFILMENTS)
    shelves = seeded.offices["dispatch"].states(STOCK_ITEMS)
    products = [row.product for content in held_by(seeded).values() for row in content.lines]

    assert Counter(state.status for state in fulfilments) == {"open": AMOUNTS.prescriptions}
    assert len({state.patient_ref for state in fulfilments}) == PATIENTS
    assert len(shelves) == AMOUNTS.pharmacies * AMOUNTS.products
    assert len({state.pharmacy for state in shelves}) == AMOUNTS.pharmacies
    assert len(set(products)) > 1


def test_everything_is_at_rest(seeded: Town) -> None:
    """Nothing to seal, publish, project or fire, and everything that was said has been heard."""
    moved = {name: office.work() for name, office in seeded.offices.items()}

    assert not any(moved.values()), moved
    assert not any(seeded.post.waiting.values())
    hold_at_rest(seeded)


def test_feeds_have_nothing_to_catch_up_with(seeded: Town) -> None:
    cursors = dict(seeded.offices["dispatch"].query("SELECT name, log_index FROM cursor"))

    assert cursors["feed:prescribe:prescription"] == reading.tail(seeded.offices["prescribe"].database)
    assert cursors["epoch of feed:prescribe:prescription"] == 1


def test_a_prescription_goes_its_whole_way(seeded: Town) -> None:
    journey = journey_of(seeded, 0)
    store = seeded.world.stores_in(journey.admitted.patient.region)[0]

    supply = journey.dispense(store, journey.hold(store))
    journey.clear(store, supply)
    journey.collect(store, supply)
    journey.wait_for_settlement()

    hold_at_rest(seeded)


def test_a_prescription_is_cancelled_by_its_doctor(seeded: Town) -> None:
    journey = journey_of(seeded, AMOUNTS.prescriptions - 1)

    journey.cancel()
    journey.wait_for_status("cancelled")


def test_an_added_pharmacy_holds_what_is_on_its_shelves(seeded: Town) -> None:
    world = enlarged(seeded.world, AMOUNTS.pharmacies)
    added = next(store for store in world.stores if store.code not in seeded.world.store)
    shelves = [state for state in seeded.offices["dispatch"].states(STOCK_ITEMS) if state.pharmacy == added.code]

    assert len(shelves) == AMOUNTS.products
    assert seeded.cast.pharmacy(added).pharmacist.token
    assert {shelf.drug_key for shelf in shelves} <= {product.drug.drug_key for product in world.products}


def test_what_is_not_empty_is_left_alone(seeded: Town) -> None:
    before = {name: reading.tail(office.database) for name, office in seeded.offices.items()}

    with pytest.raises(SeedingFailed, match="not empty"):
        seed(seeded.settings, AMOUNTS)

    assert {name: reading.tail(office.database) for name, office in seeded.offices.items()} == before


@pytest.mark.parametrize("name", NAMES)
def test_read_models_are_what_a_rebuild_makes_of_the_log(seeded: Town, name: str) -> None:
    """The last test with this town: tables made anew by their owner are not the service's own any more."""
    seeded.settle()
    office = seeded.offices[name]
    tables = [table for projection in office.service.projections for table in projection.tables]

    def rows() -> dict[str, Counter[str]]:
        """Columns by name: what a migration added stands at the end of its table."""
        named = {table.name: ", ".join(table.columns.keys()) for table in tables}
        return {name: Counter(map(repr, office.query(f"SELECT {of} FROM {name}"))) for name, of in named.items()}

    before = rows()
    office.books().rebuild(office.service.projections)

    assert rows() == before
    assert any(before.values())


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str, **settings: str) -> Any:
    for name, value in settings.items():
        monkeypatch.setenv(f"RXFLOW_{name.upper()}", value)
    told = CliRunner().invoke(bench_cli.app, ["seed", *arguments])
    configure_logging("error")  # the command logs to a stream that has ended with it
    return told


def test_people_are_made_up_in_development_mode_only(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("RXFLOW_DEVELOPMENT", raising=False)

    told = run(monkeypatch, database_url=servers.DATABASE_URL, key_directory=str(tmp_path))

    assert told.exit_code == 1
    assert "development mode" in told.output


def test_an_embedded_installation_is_not_filled(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    told = run(monkeypatch, development="1", database_url=f"sqlite:///{tmp_path}", key_directory=str(tmp_path))

    assert told.exit_code == 1
    assert "postgresql://" in told.output
    assert not list(tmp_path.glob("*.db"))


@pytest.mark.parametrize("wrong", [("--prescriptions", "0"), ("--pharmacies", "39"), ("--products", "x")])
def test_amounts_have_limits(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, wrong: tuple[str, str]) -> None:
    assert run(monkeypatch, *wrong, development="1", key_directory=str(tmp_path)).exit_code == 2
