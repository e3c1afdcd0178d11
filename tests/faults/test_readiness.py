"""Readiness: each condition with what makes it fail and what mends it. The api runs alone; the test is its worker."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
import sqlalchemy as sa

from contracts.roles import Role
from rxflow.installation import Installation
from rxflow.running import migrate_all
from rxflow.tokens import tokens_of
from rxflow.world import build_world
from services.prescribe.composition import SERVICE as PRESCRIBE
from services.prescribe.domain.patient_record import PATIENT
from services.seedwork.forgetting import Forgetting
from services.seedwork.forgotten import PatientForgotten
from services.seedwork.settings import Settings
from services.seedwork.store import condition
from services.seedwork.store.batch import Statement, Wanted
from services.seedwork.store.drivers import Driver
from services.seedwork.store.errors import StoreError
from services.seedwork.store.executor import Context, Work, perform
from services.seedwork.store.incoming import IncomingTables
from services.seedwork.store.migrating import heads, store
from services.seedwork.store.opening import blocking_database, store_core
from services.seedwork.store.rendering import Prepared
from services.seedwork.store.sealer import seal
from services.seedwork.store.tables import blocked, meta
from services.seedwork.usecase import Actor, Decision, UseCase
from tests.faults.systems import Servers, checks_that_fail, process_of, rxflow
from tests.support.envelopes import envelope
from tests.support.process import Program
from tests.support.waiting import eventually

pytestmark = [pytest.mark.xdist_group("faults"), pytest.mark.timeout(900)]

SERVICE = "prescribe"
CALM: dict[str, str] = {}
PROJECTIONS = ("projection prescriptions", "projection traces", "projection registers", "projection stop_use")


def _set(insert: Any) -> sa.ClauseElement:
    upsert = insert(meta)
    statement: sa.ClauseElement = upsert.on_conflict_do_update(
        index_elements=[meta.c.name], set_={"value": upsert.excluded.value}
    )
    return statement


_SET = Prepared(_set)
_BLOCK = Prepared(lambda insert: insert(blocked))


@dataclass
class House:
    """One service's api and its store; whatever a worker would do, the test does."""

    installation: Installation
    api: Program
    database: Any
    directory: Path
    servers: Servers | None = None
    ahead_seconds: int = 0
    tokens: Any = field(init=False)

    def __post_init__(self) -> None:
        self.tokens = tokens_of(self.installation)

    def set(self, name: str, value: int) -> None:
        self.database.write([_SET.bind(self.database, name=name, value=value)])

    def execute(self, text: str) -> None:
        self.database.write([Statement(text, {})])

    def beat(self, seconds_ago: int = 0) -> None:
        """As a worker that consumes."""
        self.set(condition.CONSUMING, self.database.load(Wanted()).now - seconds_ago * 1_000_000)

    def move_clock(self, seconds: int) -> None:
        """All of what was recorded is so much older; whoever consumes still does."""
        self.ahead_seconds += seconds
        self.set("clock_offset_us", self.ahead_seconds * 1_000_000)
        self.beat()

    def record_an_institution(self) -> httpx.Response:
        """A command with a public event."""
        entry = build_world().entries("institution")[0].as_json()
        token = self.tokens("administrator", Role.SYSTEM_ADMIN)
        return httpx.post(
            f"{self.installation.addresses.of(SERVICE)}/registers/institution",
            json={"entries": [entry]},
            headers={"Authorization": f"Bearer {token}", "Idempotency-Key": uuid4().hex},
            trust_env=False,
        )

    def ask_to_move_the_clock(self) -> httpx.Response:
        """By the route that development mode has for it, to where it is."""
        token = self.tokens("administrator", Role.SYSTEM_ADMIN)
        return httpx.put(
            f"{self.installation.addresses.of(SERVICE)}/development/clock",
            json={"offset_seconds": self.ahead_seconds},
            headers={"Authorization": f"Bearer {token}"},
            trust_env=False,
        )

    # -- what it says

    def failing(self) -> dict[str, str]:
        try:
            self.beat()
        except StoreError as error:  # this process's connection died with its server
            return {"beat": repr(error)}
        return checks_that_fail(self.installation, SERVICE)

    def until_it_fails(self, *checks: str) -> dict[str, str]:
        """Exactly these."""
        eventually(lambda: self.failing().keys() == set(checks), within=60, describe=f"{checks} to fail")
        return self.failing()

    def until_ready(self) -> None:
        eventually(lambda: self.failing() == CALM, within=120, describe="to be ready")


@contextmanager
def house_on(installation: Installation, directory: Path, servers: Servers | None = None) -> Iterator[House]:
    settings = Settings(**installation.settings)
    for _ in migrate_all(settings):
        pass
    database = blocking_database(settings.service_database_url(SERVICE), 1)
    database.open()
    try:
        with process_of(installation, SERVICE, "api", directory) as api:
            house = House(installation, api, database, directory, servers)
            house.until_ready()
            yield house
    finally:
        database.close()


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.servers)])
def built(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    directory = tmp_path_factory.mktemp("house")
    if request.param == "sqlite":
        with house_on(Installation.in_directory(directory), directory) as house:
            yield house
    else:
        servers: Servers = request.getfixturevalue("running_servers")
        servers.prepare()
        with house_on(servers.installation(directory), directory, servers) as house:
            yield house


@pytest.fixture
def house(built: House) -> Iterator[House]:
    """Ready before, and mended afterwards."""
    built.until_ready()
    yield built
    built.until_ready()


def test_not_ready_while_no_worker_consumes(house: House) -> None:
    house.beat(seconds_ago=11)
    eventually(lambda: checks_that_fail(house.installation, SERVICE).keys() == {"consuming"})


def test_not_ready_while_a_person_must_decide_about_a_stream(house: House) -> None:
    stream = uuid4()
    row = {"upstream": "review", "stream_id": stream, "reason": "poison", "blocked_at": 1}
    house.database.write([_BLOCK.bind(house.database, **row)])

    assert "1 streams" in house.until_it_fails("blocked streams")["blocked streams"]

    house.execute("DELETE FROM blocked")


def test_not_ready_while_there_is_a_fork_until_somebody_skips_it(house: House) -> None:
    IncomingTables(SERVICE, house.database).set_aside(envelope(number=1), "fork")

    house.until_it_fails("forks", "blocked streams")

    skipped = rxflow(house.installation, "dead-letters", "skip", SERVICE, "1", "--reason", "the copy was restored")
    assert skipped.returncode == 0, skipped.stderr


def _newest() -> str:
    own = heads(store(SERVICE, Settings()))
    return next(revision for revision in own if revision.startswith(SERVICE))


def test_not_ready_while_migrations_are_pending_but_while_the_store_is_ahead(house: House) -> None:
    def migrated_to(revision: str) -> None:
        house.execute(f"UPDATE alembic_version SET version_num = '{revision}' WHERE version_num LIKE '{SERVICE}_%'")

    migrated_to(f"{SERVICE}_0000")
    found = house.until_it_fails("migrations")["migrations"]
    assert f"pending: {_newest()}" in found
    assert "rxflow migrate" in found

    migrated_to(f"{SERVICE}_9999")
    house.until_ready()
    migrated_to(_newest())


def test_a_store_that_was_never_migrated_is_not_ready(house: House) -> None:
    house.execute("ALTER TABLE alembic_version RENAME TO alembic_version_away")
    try:
        assert _newest() in house.until_it_fails("migrations")["migrations"]
    finally:  # the next tests have the same house
        house.execute("ALTER TABLE alembic_version_away RENAME TO alembic_version")


def test_a_restored_store_refuses_commands_until_it_was_compared(house: House) -> None:
    assert rxflow(house.installation, "restored", SERVICE).returncode == 0

    assert "restore-check" in house.until_it_fails("restored store")["restored store"]
    refused = house.record_an_institution()
    assert (refused.status_code, refused.json()["code"]) == (503, "store.restored")

    # its consumers are not there: nothing is decided
    undecided = rxflow(house.installation, "restore-check", SERVICE)
    assert undecided.returncode == 3
    assert "not decided" in undecided.stderr
    assert house.failing().keys() == {"restored store"}

    house.execute("DELETE FROM meta WHERE name = 'restoring'")
    house.until_ready()


def test_not_ready_while_the_keys_of_a_forgotten_patient_may_be_left(house: House) -> None:
    settings = Settings(**house.installation.settings)
    keyring = blocking_database(settings.keyring_database_url, 1)
    keyring.open()
    core, driver = store_core(PRESCRIBE, settings), Driver(house.database, keyring)
    patient = PATIENT.ref(uuid4())
    forgotten = PatientForgotten(patient_ref=patient.stream_id)
    use_case = UseCase((patient,), lambda _moment, loaded: Decision.on(loaded, [forgotten]))
    driver.run(perform(core, Work(use_case, Context(Actor.service(SERVICE), "test", "test"))))
    while seal(house.database):
        pass
    house.move_clock(6)

    failing = house.until_it_fails("forgotten patients", "unpublished")
    assert "a key to destroy" in failing["forgotten patients"]

    Forgetting(core, driver).step()
    house.until_it_fails("unpublished")
    keyring.close()
    with process_of(house.installation, SERVICE, "worker", house.directory):
        house.until_ready()


def test_not_ready_while_the_store_does_not_answer(house: House) -> None:
    if house.servers is not None:
        house.servers.postgres.kill()
        eventually(lambda: checks_that_fail(house.installation, SERVICE).keys() == {"store"}, within=60)
        refused = house.record_an_institution()
        assert refused.status_code == 503
        assert refused.headers["Retry-After"]
        assert house.ask_to_move_the_clock().status_code == 503
        house.servers.postgres.start()
    else:
        house.execute("ALTER TABLE meta RENAME TO meta_away")
        eventually(lambda: checks_that_fail(house.installation, SERVICE).keys() == {"store"}, within=60)
        house.execute("ALTER TABLE meta_away RENAME TO meta")


def test_not_ready_while_something_old_is_unsealed_unpublished_or_not_projected_until_a_worker_runs(
    house: House,
) -> None:
    # given: a command, and nobody who leads the store
    assert [row["result"] for row in house.record_an_institution().json()["rows"]] != ["refused"]
    assert house.failing() == CALM  # it is young

    house.move_clock(6)
    house.until_it_fails("unsealed")

    # when: it is sealed, and not told
    while seal(house.database):
        pass
    assert house.failing().keys() <= {"unsealed"}
    house.move_clock(6)
    house.until_it_fails("unpublished")

    # when: and not projected for longer
    house.move_clock(25)
    failing = house.until_it_fails("unpublished", *PROJECTIONS)
    assert "behind" in failing[PROJECTIONS[0]]

    # then: a worker mends it all
    with process_of(house.installation, SERVICE, "worker", house.directory):
        house.until_ready()
