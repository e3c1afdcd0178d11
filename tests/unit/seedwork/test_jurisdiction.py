"""The installation's jurisdiction: a setting that every decision knows, and that must have its policies."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from services.dispatch.composition import SERVICE as DISPATCH
from services.insurance.composition import SERVICE as INSURANCE
from services.prescribe.composition import SERVICE as PRESCRIBE
from services.seedwork.composition import Service
from services.seedwork.failures import ConfigurationError
from services.seedwork.settings import Settings
from services.seedwork.store.opening import store_core
from services.shortage.composition import SERVICE as SHORTAGE


def settings(directory: Path, jurisdiction: str) -> Settings:
    return Settings(development=True, key_directory=directory, jurisdiction=jurisdiction)


@pytest.mark.parametrize("service", [DISPATCH, INSURANCE, SHORTAGE], ids=lambda service: service.name)
def test_an_unknown_jurisdiction_stops_the_start_and_says_which_there_are(tmp_path: Path, service: Service) -> None:
    with pytest.raises(ConfigurationError, match=f"{service.name} has no policies for atlantis; there are cn"):
        store_core(service, settings(tmp_path, "atlantis"))


def test_the_jurisdiction_reaches_the_decisions_of_a_service(tmp_path: Path) -> None:
    assert store_core(PRESCRIBE, settings(tmp_path, "demo-eu")).jurisdiction == "demo-eu"


def test_a_service_without_limits_of_its_own_runs_in_every_jurisdiction(tmp_path: Path) -> None:
    unlimited = replace(DISPATCH, jurisdictions=None)

    assert store_core(unlimited, settings(tmp_path, "atlantis")).jurisdiction == "atlantis"


def test_china_is_what_holds_where_nothing_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RXFLOW_JURISDICTION", raising=False)

    assert Settings().jurisdiction == "cn"
