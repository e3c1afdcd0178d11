"""The error catalogue: every problem any service can answer with, by its code. Rendered into `docs/errors.md`."""

from importlib import import_module

from contracts.errors.catalogue import Problem

__all__ = ["CATALOGUE", "Problem"]

_PARTS = (
    "common",
    "webhooks",
    "prescribe",
    "prescribe_later",
    "representation",
    "review",
    "dispatch",
    "dispatch_later",
    "stock",
    "dispatch_road",
    "insurance",
    "insured",
    "share",
    "books",
    "shortage",
)

CATALOGUE: dict[str, Problem] = {}
for _part in _PARTS:
    for _problem in import_module(f"contracts.errors.{_part}").PROBLEMS:
        if _problem.code in CATALOGUE:
            raise ValueError(f"problem code {_problem.code} is defined twice")
        CATALOGUE[_problem.code] = _problem
