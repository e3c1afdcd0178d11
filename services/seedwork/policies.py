"""Limits that are the jurisdiction's to set, by date: data files, so that a rule can change without a release."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from importlib.resources import files
from operator import itemgetter
from typing import Any, Generic, TypeVar

from orjson import dumps, loads
from pydantic import Field, field_validator

from services.seedwork.model import Immutable

DEFAULT_JURISDICTION = "cn"


class DatedPolicy(Immutable):
    """What holds from one day on, until the next version; `source` is where the rules come from."""

    valid_from: date
    source: str


P = TypeVar("P", bound=DatedPolicy)


class Policies(Immutable, Generic[P]):
    """All versions for one jurisdiction."""

    jurisdiction: str
    versions: tuple[P, ...] = Field(min_length=1)

    @field_validator("versions")
    @classmethod
    def oldest_first(cls, versions: tuple[P, ...]) -> tuple[P, ...]:
        return tuple(sorted(versions, key=lambda version: version.valid_from))

    def on(self, day: date) -> P:
        """The version in force that day; before the first one, the first."""
        in_force = [version for version in self.versions if version.valid_from <= day]
        return in_force[-1] if in_force else self.versions[0]


class Jurisdictions(Generic[P]):
    """A service's policies by jurisdiction; which of them holds is a setting of the installation."""

    def __init__(self, policies: Mapping[str, Policies[P]]) -> None:
        self._policies = policies

    @property
    def names(self) -> frozenset[str]:
        return frozenset(self._policies)

    def of(self, jurisdiction: str) -> Policies[P]:
        """All versions of one jurisdiction; the installation was checked to name one that there is."""
        return self._policies[jurisdiction]

    def on(self, day: date, jurisdiction: str) -> P:
        """What holds there on that day."""
        return self.of(jurisdiction).on(day)


def read_policies(domain: str, form: type[P]) -> Jurisdictions[P]:
    """The files `policies/<jurisdiction>.json` of a service's domain package."""
    found = (file for file in files(domain).joinpath("policies").iterdir() if file.name.endswith(".json"))
    read = [_policies(form, loads(file.read_bytes())) for file in found]
    return Jurisdictions({each.jurisdiction: each for each in read})


def _policies(form: type[P], written: dict[str, Any]) -> Policies[P]:
    """A version says what it changes; the rest goes on as it was."""
    so_far: dict[str, Any] = {}
    versions = []
    for version in sorted(written["versions"], key=itemgetter("valid_from")):
        so_far = {**so_far, **version}
        versions.append(so_far)
    return Policies[form].model_validate_json(dumps({**written, "versions": versions}))  # type: ignore[valid-type]  # a class at run time
