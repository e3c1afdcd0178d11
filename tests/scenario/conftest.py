from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.scenario.installations import System, on_stage, rxflow_up, ten_processes

PAIRS = (
    pytest.param("embedded", marks=pytest.mark.xdist_group("scenario-embedded")),
    pytest.param("real", marks=[pytest.mark.servers, pytest.mark.xdist_group("scenario-real")]),
)


@pytest.fixture(scope="package", params=PAIRS)
def system(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """The same system on both pairs of database and broker, for one module after the other: its clock only goes on.

    It ends with this folder: even while nobody asks anything of it, it takes a good part of a processor."""
    directory = tmp_path_factory.mktemp(request.param)
    if request.param == "embedded":
        with rxflow_up(directory) as (installation, _), on_stage(installation) as system:
            yield system
    else:
        with ten_processes(directory) as installation, on_stage(installation) as system:
            yield system
