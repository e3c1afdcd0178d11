from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults.systems import Servers, private_servers
from tests.support.private_servers import missing_private_servers
from tests.support.servers import demand


@pytest.fixture(scope="package")
def running_servers() -> Iterator[Servers]:
    """One private cluster and node for the folder: starting them takes longer than most tests."""
    demand(missing_private_servers())
    with private_servers() as servers:
        yield servers


@pytest.fixture
def own_servers(running_servers: Servers) -> Servers:
    """A database cluster and a broker to kill, running; the broker without queues of an earlier test."""
    running_servers.prepare()
    return running_servers
