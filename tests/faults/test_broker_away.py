"""Services whose broker is not there when they start, not there when they stop, or not as it should be."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from contracts.topology import queue_name
from rxflow.installation import Installation
from rxflow.running import migrate_all
from services.seedwork.messaging import topology
from services.seedwork.settings import Settings
from tests.faults.circulation import Circulation, circulation_in
from tests.faults.systems import Servers, checks_that_fail, only, process_of, supervised
from tests.integration.messaging.conftest import connect
from tests.support.process import Program
from tests.support.waiting import eventually

pytestmark = [pytest.mark.servers, pytest.mark.xdist_group("faults"), pytest.mark.timeout(900)]

AWAY = "the broker is away"
STOP_SECONDS_MAX = 20.0
"""A worker's own deadline; its module would make this process cooperative."""


@pytest.fixture
def installation(own_servers: Servers, tmp_path: Path) -> Installation:
    """Migrated; nothing of it runs."""
    installation = own_servers.installation(tmp_path)
    for _ in migrate_all(Settings(**installation.settings)):
        pass
    return installation


@contextmanager
def running(installation: Installation, service: str, directory: Path) -> Iterator[tuple[Program, Program]]:
    """The api and the worker of one service."""
    with ExitStack() as stack:
        api, worker = (
            stack.enter_context(process_of(installation, service, kind, directory)) for kind in ("api", "worker")
        )
        yield api, worker


def until_ready(installation: Installation, service: str) -> None:
    installation_failures: list[dict[str, str]] = []

    def ready() -> bool:
        installation_failures[:] = [checks_that_fail(installation, service)]
        return installation_failures == [{}]

    eventually(ready, within=150, describe=f"{service} to be ready")


def until_it_says(installation: Installation, service: str, check: str) -> str:
    """What the service says is wrong, once it does."""
    found = eventually(
        lambda: checks_that_fail(installation, service).get(check), within=150, describe=f"{check} to fail"
    )
    assert isinstance(found, str)
    return found


def test_a_service_that_starts_before_its_broker_is_ready_when_it_is_there(
    own_servers: Servers, installation: Installation, tmp_path: Path
) -> None:
    own_servers.rabbit.stop()

    with running(installation, "review", tmp_path) as (api, worker):
        worker.until(AWAY, within=150)
        assert "no worker consumes" in until_it_says(installation, "review", "consuming")

        own_servers.rabbit.start()

        until_ready(installation, "review")
        assert api.running()
        assert worker.running()


def test_a_service_stops_in_time_while_its_broker_is_down(
    own_servers: Servers, installation: Installation, tmp_path: Path
) -> None:
    with running(installation, "review", tmp_path) as (api, worker):
        until_ready(installation, "review")
        own_servers.rabbit.kill()
        worker.until(AWAY, within=150)

        begun = time.monotonic()
        for process in (api, worker):
            process.signal(signal.SIGTERM)
        statuses = [process.exit_status(within=STOP_SECONDS_MAX) for process in (api, worker)]

    assert statuses[1] == 0
    assert statuses[0] in {0, -signal.SIGTERM}
    assert time.monotonic() - begun < STOP_SECONDS_MAX


def test_what_was_said_while_the_broker_was_down_is_shown_and_arrives_later(
    own_servers: Servers, installation: Installation, tmp_path: Path
) -> None:
    with running(installation, "prescribe", tmp_path), running(installation, "review", tmp_path):
        until_ready(installation, "prescribe")
        until_ready(installation, "review")
        own_servers.rabbit.kill()

        circulation = circulation_in(installation)

        assert "old" in until_it_says(installation, "prescribe", "unpublished")
        own_servers.rabbit.start()
        until_ready(installation, "prescribe")
        circulation.issue_and_review(3)
        assert_all_decided(circulation)


def assert_all_decided(circulation: Circulation) -> None:
    eventually(
        lambda: {status for _, status in circulation.statuses()} <= {"released", "refused"},
        within=150,
        describe="all released or refused",
    )


def test_changed_queue_arguments_end_the_process_and_the_supervisor_says_so(
    own_servers: Servers, installation: Installation
) -> None:
    # given: a queue as another version declared it
    queue = queue_name("review", "prescription")
    with connect(own_servers.rabbit.url) as connection:
        connection.channel().queue_delete(queue)
        arguments = {"x-queue-type": "quorum", "x-delivery-limit": 3}
        connection.channel().queue_declare(queue, durable=True, auto_delete=False, arguments=arguments)

    # when
    children = only(installation.separate_children(), lambda name: name.startswith("review-"))
    with supervised(installation, children) as system:
        # then: nobody believes that it works
        eventually(
            lambda: any("exit status 1" in what for what in system.heard("review-worker")),
            within=150,
            describe="the supervisor to report the worker's end",
        )
        assert installation.logs is not None
        written = (installation.logs / "review-worker.log").read_text()
        assert f"{queue} exists with other arguments" in written
        assert "no worker consumes" in until_it_says(installation, "review", "consuming")

        # when: a person decides
        with connect(own_servers.rabbit.url) as connection:
            connection.channel().queue_delete(queue)

        # then: the supervisor's next attempt succeeds
        until_ready(installation, "review")
        with connect(own_servers.rabbit.url) as connection:
            assert topology.depth(connection.channel(), queue) == 0
