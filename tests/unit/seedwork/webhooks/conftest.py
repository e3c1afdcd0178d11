"""A desk and a subscriber for each test."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.service_on_sqlite import found
from tests.support.webhook_receiver import Receiver, receiver
from tests.unit.seedwork.webhooks.notes import SERVICE, Desk, desk_in


@pytest.fixture(scope="session")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty store, made once."""
    directory = tmp_path_factory.mktemp("notes")
    found(SERVICE, directory)
    return directory


@pytest.fixture
def desk(founded: Path, tmp_path: Path) -> Iterator[Desk]:
    shutil.copytree(founded, tmp_path, dirs_exist_ok=True)
    with desk_in(tmp_path) as desk:
        yield desk


@pytest.fixture
def subscriber() -> Iterator[Receiver]:
    with receiver() as here:
        yield here
