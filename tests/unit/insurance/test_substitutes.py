"""A substitute is claimed by its own entry and price; whether all of it was received is counted in prescribed units."""

import pytest

from services.insurance.application.claims import authorise_claim
from services.insurance.application.reactions import claim_lines
from services.insurance.domain.claim import AuthoriseClaim, claim_id_of
from tests.unit.insurance.memory import (
    JIA,
    PATIENT_ACTOR,
    SUPPLY,
    dispensed,
    dispensed_line,
    insured_world,
    received,
    taken_back,
)


@pytest.mark.parametrize(("given", "counted"), [(2, 40), (4, 20)], ids=["stronger", "weaker"])
def test_a_substitute_is_settled_when_the_prescribed_quantity_is_received(given: int, counted: int) -> None:
    memory = insured_world(account_balance=100_000)
    line = dispensed_line(1, JIA, given, 2550, prescribed_quantity=counted, substitution="protocol")
    memory.hear(dispensed(lines=(line,)))
    command = AuthoriseClaim(claim_id=claim_id_of(SUPPLY, 1), credential="token-4711")
    memory.run(authorise_claim(command, memory.outside), PATIENT_ACTOR)
    assert memory.claim().state == "authorised(cleared)"

    memory.hear(received(((1, counted),)))

    assert memory.claim().state == "settled"


def test_what_comes_back_of_a_substitute_is_counted_in_prescribed_units() -> None:
    memory = insured_world(account_balance=100_000)
    line = dispensed_line(1, JIA, 2, 2550, prescribed_quantity=40, substitution="protocol")
    memory.hear(dispensed(lines=(line,)))
    command = AuthoriseClaim(claim_id=claim_id_of(SUPPLY, 1), credential="token-4711")
    memory.run(authorise_claim(command, memory.outside), PATIENT_ACTOR)
    memory.hear(received(((1, 40),)))
    first = memory.claim().opened

    memory.hear(taken_back(((1, 10),)))

    assert memory.claim().state == "reversed"
    second = memory.claim(2).opened
    assert first is not None
    assert second is not None
    ((before,), (after,)) = (first.lines, second.lines)
    assert (after.quantity * 4, after.counted, after.amount * 4) == (before.quantity * 3, 30, before.amount * 3)


def test_lots_of_one_substitute_are_one_claim_line() -> None:
    rows = [dispensed_line(1, JIA, 1, 2550, lot=lot, prescribed_quantity=20) for lot in ("L1", "L2")]

    (line,) = claim_lines(rows)

    assert (line.quantity, line.counted) == (20, 40)
