"""The storm at a store finds the two seeded bugs that only PostgreSQL shows, and nothing where there is none."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.chaos.store_storm import ON_POSTGRESQL, ROUNDS_MAX, find, storm
from tests.support.store import dawdling_store

pytestmark = pytest.mark.postgres


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with dawdling_store(seconds=0.0005, deadlock_ms=20) as url:
        yield url


def test_a_storm_loses_nothing_and_nobody_blocks_another(url: str) -> None:
    assert storm(url, ROUNDS_MAX) == []


@pytest.mark.parametrize("bug", ON_POSTGRESQL)
def test_a_seeded_bug_is_found(bug: str, url: str) -> None:
    assert find(bug, url) is not None
