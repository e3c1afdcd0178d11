"""Stores and stands for the suites of this directory; ids are random, so one store serves a whole module."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.stands import in_a_worker, stand
from tests.support.store import new_store, opened, problems_of_boxes

KINDS = ("worker",) if in_a_worker() else ("script", "api")
DATABASES = ("sqlite", pytest.param("postgresql", marks=pytest.mark.postgres))


@pytest.fixture(autouse=True)
def _problems() -> Iterator[None]:
    with problems_of_boxes():
        yield


@pytest.fixture(scope="module", params=DATABASES)
def url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A store shared by the module."""
    with new_store(request.param, tmp_path_factory.mktemp("store")) as made:
        yield made


@pytest.fixture(params=DATABASES)
def own_url(request: pytest.FixtureRequest, tmp_path: Any) -> Iterator[str]:
    """A store of the test's own, for what concerns the whole log."""
    with new_store(request.param, tmp_path) as made:
        yield made


@pytest.fixture(scope="module")
def database(url: str) -> Iterator[Any]:
    """Looks into the store beside whoever works on it."""
    with opened(url, 4) as made:
        yield made


@pytest.fixture(scope="module", params=KINDS)
def desk(request: pytest.FixtureRequest, url: str) -> Iterator[Any]:
    """The process under test."""
    with stand(request.param, url) as made:
        yield made


@pytest.fixture(params=KINDS)
def own_desk(request: pytest.FixtureRequest, own_url: str) -> Iterator[Any]:
    """A process on a store of the test's own, and a look into it."""
    with stand(request.param, own_url) as made, opened(own_url, 2) as database:
        yield made, database


@pytest.fixture(scope="module")
def neighbour(url: str) -> Iterator[Any]:
    """Another process on the same store."""
    with stand("script", url) as made:
        yield made
