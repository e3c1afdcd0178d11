"""Limits that are the jurisdiction's to set, by date: data files, so that a rule can change without a release."""

from __future__ import annotations

from datetime import date
from importlib.resources import files
from typing import Generic, TypeVar

from pydantic import Field, field_validator

from services.seedwork.model import Immutable


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


def read_policies(domain: str, form: type[P], jurisdiction: str = "cn") -> Policies[P]:
    """The file `policies/<jurisdiction>.json` of a service's domain package."""
    text = files(domain).joinpath("policies", f"{jurisdiction}.json").read_bytes()
    return Policies[form].model_validate_json(text)  # type: ignore[valid-type]  # a class at run time
