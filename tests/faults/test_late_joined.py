"""A service that is started only after its producers have long been at work."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from contracts.topology import queue_name
from rxflow.installation import Installation
from rxflow.supervisor import Child
from tests.faults.circulation import Circulation, circulation_in
from tests.faults.stores import stores_of
from tests.faults.systems import CORE, Servers, System, only, supervised
from tests.integration.messaging.conftest import connect
from tests.support.waiting import eventually

pytestmark = [pytest.mark.xdist_group("faults"), pytest.mark.timeout(900)]

PRESCRIPTIONS = 50
LATE = "review"


def issue_before_it_joins(system: System) -> Circulation:
    """Issued, and told to the broker of now."""
    eventually(lambda: system.ready("prescribe"), within=180, describe="prescribe to be ready")
    circulation = circulation_in(system.installation)
    circulation.issue(PRESCRIPTIONS)
    with stores_of(system.settings, ("prescribe",)) as stores:
        eventually(lambda: not stores.unrest(), within=120, describe="all to be told")
    return circulation


def assert_nothing_was_missed(system: System, circulation: Circulation) -> None:
    with stores_of(system.settings, CORE) as stores, circulation.reviewing():
        eventually(lambda: circulation.decided == PRESCRIPTIONS, within=180, describe="all to be reviewed")
        eventually(lambda: not stores.unrest(), within=150, describe="all to be at rest")
        assert stores.topics()["review.case.opened"] == PRESCRIPTIONS
        assert stores.aside() == {}
    assert {status for _, status in circulation.statuses()} <= {"released", "refused"}


def test_embedded_the_broker_forgot_everything_before_it_joined(tmp_path: Path) -> None:
    installation = Installation.in_directory(tmp_path)
    of_prescribe: Sequence[Child] = only(installation.separate_children(), lambda name: name.startswith("prescribe-"))

    with supervised(installation, of_prescribe) as system:
        circulation = issue_before_it_joins(system)
    # the worker that published is gone, and its broker with it

    with supervised(installation, installation.embedded_children()) as system:
        system.wait_until_ready()
        assert_nothing_was_missed(system, circulation)


@pytest.mark.servers
def test_real_its_queue_did_not_exist_when_it_was_told(own_servers: Servers, tmp_path: Path) -> None:
    installation = own_servers.installation(tmp_path)
    children = only(installation.separate_children(), lambda name: name.startswith(CORE))
    early = only(children, lambda name: not name.startswith(LATE))
    late = only(children, lambda name: name.startswith(LATE))

    with supervised(installation, early) as system:
        circulation = issue_before_it_joins(system)
        with connect(own_servers.rabbit.url) as connection:  # producers declare every queue there is today
            for family in ("prescription", "register"):
                connection.channel().queue_delete(queue_name(LATE, family))

        with supervised(installation, late):
            system.wait_until_ready(*CORE)
            assert_nothing_was_missed(system, circulation)
