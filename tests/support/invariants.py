"""What must hold in a town: the invariants of the simulation, and that nobody has complained."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from rxflow.simulation import invariants
from rxflow.simulation.books import AllBooks
from tests.support.town import Town


def hold_at_rest(town: Town) -> None:
    """When everything that was said has arrived."""
    _hold(town, invariants.at_rest)


def hold_at_the_end(town: Town) -> None:
    """When the clock has passed every deadline."""
    _hold(town, invariants.at_the_end)


def _hold(town: Town, check: Callable[[AllBooks], Iterator[str]]) -> None:
    books = {name: office.books() for name, office in town.offices.items()}
    violated = [*check(books), *invariants.nobody_was_set_aside(books)]
    assert violated == [], violated
    assert town.refused == []
