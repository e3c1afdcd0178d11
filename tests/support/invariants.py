"""What must hold in a town: the invariants of the simulation, and that nobody has complained."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from uuid import UUID

from rxflow.simulation import invariants
from rxflow.simulation.books import AllBooks
from services.insurance.domain.claim import CLAIM
from tests.support.town import Town


def hold_at_rest(town: Town, *, forgotten: UUID | None = None) -> None:
    """When everything that was said has arrived. `forgotten`: the one prescription of a patient who was forgotten; it
    is gone from the list, and what its claims took is gone from the member's books, and nothing else is."""
    _hold(town, invariants.at_rest, forgotten)


def hold_at_the_end(town: Town) -> None:
    """When the clock has passed every deadline."""
    _hold(town, invariants.at_the_end)


def _hold(town: Town, check: Callable[[AllBooks], Iterator[str]], forgotten: UUID | None = None) -> None:
    books = {name: office.books() for name, office in town.offices.items()}
    violated = [*check(books), *invariants.nobody_was_set_aside(books)]
    gone = tuple(_gone(books, forgotten)) if forgotten else ()
    violated = [each for each in violated if not each.startswith(gone) or ";" in each]
    assert violated == [], violated
    assert town.refused == []


def _gone(books: AllBooks, prescription_id: UUID) -> Iterator[str]:
    """How the checks begin to tell of what is gone with a patient; a `;` stands between several entries."""
    yield f"prescribe: the list of prescriptions is wrong: {prescription_id}: listed None, known "
    for claim in books["insurance"].states(CLAIM):
        if claim.opened and claim.opened.supply.prescription_id == prescription_id:
            yield f"claim {claim.opened.claim_id} is {claim.state}: (0, 0) of year and account are taken, "
