"""A producer's database comes back from a backup while its consumers remember what happened since."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID, uuid4

import httpx
import pytest

from contracts.roles import Role
from rxflow.installation import Installation
from rxflow.tokens import tokens_of
from services.seedwork.restoring import consumers_of
from services.seedwork.settings import Settings
from tests.faults.circulation import Circulation, circulation_in
from tests.faults.stores import Stores, stores_of
from tests.faults.systems import CORE, Servers, System, checks_that_fail, only, rxflow, supervised
from tests.support.waiting import eventually

pytestmark = [pytest.mark.xdist_group("faults"), pytest.mark.timeout(900)]

BEFORE, LOST, AFTER = 12, 8, 10
SERVICE = "prescribe"


@dataclass(frozen=True)
class House:
    """An installation that is started and stopped as a whole, and whose first service has a backup."""

    installation: Installation
    running: Callable[[], AbstractContextManager[System]]
    back_up: Callable[[], None]
    restore: Callable[[], None]


def embedded_house(directory: Path) -> House:
    installation = Installation.in_directory(directory)
    database, backup = directory / f"{SERVICE}.db", directory / "backup.db"

    def copy(source: Path, target: Path) -> None:
        for leftover in directory.glob(f"{target.name}*"):
            if not leftover.name.endswith((".writer", ".leader")):
                leftover.unlink()
        with closing(sqlite3.connect(source)) as read, closing(sqlite3.connect(target)) as written:
            read.backup(written)

    return House(
        installation,
        lambda: supervised(installation, installation.embedded_children()),
        lambda: copy(database, backup),
        lambda: copy(backup, database),
    )


def real_house(directory: Path, servers: Servers) -> House:
    installation = servers.installation(directory)
    concerned = only(installation.separate_children(), lambda name: name.startswith((SERVICE, *consumers_of(SERVICE))))
    url = Settings(**installation.settings).service_database_url(SERVICE)
    backup = directory / "backup.dump"

    def restore() -> None:
        servers.postgres.execute(f'DROP DATABASE "{url.rpartition("/")[2]}" WITH (FORCE)')
        servers.postgres.execute(f'CREATE DATABASE "{url.rpartition("/")[2]}"')
        servers.postgres.run_tool("pg_restore", "--dbname", url, str(backup))

    return House(
        installation,
        lambda: supervised(installation, concerned),
        lambda: servers.postgres.run_tool("pg_dump", "--format=custom", "--file", str(backup), url),
        restore,
    )


@pytest.fixture(params=["embedded", pytest.param("real", marks=pytest.mark.servers)])
def house(request: pytest.FixtureRequest, tmp_path: Path) -> House:
    if request.param == "embedded":
        return embedded_house(tmp_path)
    return real_house(tmp_path, request.getfixturevalue("own_servers"))


@contextmanager
def up(house: House) -> Iterator[System]:
    with house.running() as system:
        system.wait_until_ready(*CORE)
        yield system


def until_at_rest(stores: Stores) -> None:
    eventually(lambda: not stores.unrest(), within=150, describe="all to be at rest")


def command(house: House) -> httpx.Response:
    """Any command, once."""
    token = tokens_of(house.installation)("administrator", Role.SYSTEM_ADMIN)
    return httpx.post(
        f"{house.installation.addresses.of(SERVICE)}/registers/institution",
        json={"entries": [{"code": "nothing"}]},
        headers={"Authorization": f"Bearer {token}", "Idempotency-Key": uuid4().hex},
        trust_env=False,
    )


def live_until_the_loss(house: House) -> tuple[Circulation, set[UUID], set[UUID]]:
    """Those the backup knows as issued and that were released since, and those it does not know."""
    with up(house) as system, stores_of(system.settings, CORE) as stores:
        circulation = circulation_in(house.installation)
        until_at_rest(stores)
        circulation.issue_and_review(BEFORE)
        known = set(circulation.issue(LOST))
        until_at_rest(stores)
        house.back_up()
        unknown = circulation.issue_and_review(LOST)
        with circulation.reviewing():
            eventually(lambda: known <= circulation.passed | circulation.refused, within=150, describe="all decided")
        until_at_rest(stores)
    return circulation, known & circulation.passed, unknown


def until_it_is_closed(house: House) -> None:
    eventually(
        lambda: checks_that_fail(house.installation, SERVICE).keys() == {"restored store"},
        within=180,
        describe="only the restored store to be in the way",
    )
    assert command(house).json()["code"] == "store.restored"


def until_they_ended(circulation: Circulation, these: set[UUID]) -> None:
    def all_ended() -> bool:
        statuses = dict(circulation.statuses())
        return all(statuses.get(each) in {"released", "refused"} for each in these)

    eventually(all_ended, within=150, describe="all to be released or refused")


def test_a_restored_producer_is_compared_and_goes_on_but_for_what_its_consumers_know_better(house: House) -> None:
    circulation, released_since, unknown = live_until_the_loss(house)

    # when: the database comes back from the backup
    house.restore()
    assert "epoch 2" in rxflow(house.installation, "restored", SERVICE).stdout

    with house.running() as system, stores_of(system.settings, CORE) as stores:
        # then: it is closed
        until_it_is_closed(house)
        system.wait_until_ready(*consumers_of(SERVICE))

        # when: it is compared
        checked = rxflow(house.installation, "restore-check", SERVICE)

        # then: exactly the streams that consumers know better are set aside
        assert checked.returncode == 1, checked.stderr
        assert {each for each in circulation.issued if str(each) in checked.stdout} == released_since | unknown
        eventually(lambda: command(house).status_code != 503, within=60)
        eventually(lambda: checks_that_fail(house.installation, SERVICE).keys() == {"blocked streams"})

        # and: all others go on to their end
        later = circulation.issue_and_review(AFTER)
        until_they_ended(circulation, later)

        # and: nobody hears two stories
        expected = len(circulation.passed)
        eventually(
            lambda: stores.topics()["dispatch.fulfilment.fulfilment_opened"] == expected,
            within=150,
            describe="dispatch to hear of the later ones",
        )
        assert stores.aside() == {f"{SERVICE}.blocked": len(released_since | unknown)}
        assert stores.broken_chains() == []
