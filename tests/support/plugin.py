"""What every suite shares: tests marked `servers` run where there are servers; elsewhere one line says so."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support import servers

_not_run: list[str] = []


def _missing(item: pytest.Item) -> str:
    """What this test needs and this machine has not."""
    missing = []
    if item.get_closest_marker("servers") or item.get_closest_marker("postgres"):
        missing.append(servers.missing_postgres())
    if item.get_closest_marker("servers"):
        missing.append(servers.missing_rabbitmq())
    return "; ".join(filter(None, missing))


def pytest_runtest_setup(item: pytest.Item) -> None:
    reason = _missing(item)
    if not reason:
        return
    if not servers.REQUIRED:
        _not_run.append(item.nodeid)
    servers.demand(reason)


@pytest.hookimpl(tryfirst=True, specname="pytest_collection_modifyitems")
def pytest_group_what_shares(items: list[pytest.Item]) -> None:
    """Tests that share what their module has set up stay with one worker: two would set it up twice."""
    for item in items:
        shared = {each[-1].scope for each in item._fixtureinfo.name2fixturedefs.values()}  # type: ignore[attr-defined]
        if "module" in shared and not item.get_closest_marker("xdist_group"):
            item.add_marker(pytest.mark.xdist_group(item.nodeid.partition("::")[0]))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Tests of a group share servers that they kill; a pair of pytest and xdist that ignores groups is refused."""
    if getattr(config.option, "loadgroup", False):
        apart = [item.nodeid for item in items if item.get_closest_marker("xdist_group") and "@" not in item.nodeid]
        if apart:
            raise pytest.UsageError(f"this pytest-xdist does not group tests: {apart[0]}")


def pytest_sessionfinish() -> None:
    servers.drop_emptied_databases()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if _not_run:
        reason = "; ".join(filter(None, [servers.missing_postgres(), servers.missing_rabbitmq()]))
        terminalreporter.write_line(f"not run: {len(_not_run)} tests that need servers ({reason})", yellow=True)


@pytest.fixture
def database_url() -> Iterator[str]:
    """A PostgreSQL database of the test's own."""
    with servers.database() as url:
        yield url


@pytest.fixture
def amqp_url() -> Iterator[str]:
    """A RabbitMQ virtual host of the test's own."""
    with servers.virtual_host() as url:
        yield url
