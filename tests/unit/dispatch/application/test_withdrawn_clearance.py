"""A clearance that is withdrawn: nothing leaves the pharmacy by it any more; what has left is a physical fact."""

from __future__ import annotations

from uuid import UUID

from contracts.events import insurance
from services.dispatch.projections.pharmacy_feed import addressed
from tests.unit.dispatch.town import A, Town


def withdraw(town: Town, fulfilment: UUID, supply_id: UUID, attempt: int = 1) -> None:
    told = insurance.ClearanceWithdrawn(reason="claim_refused", **town.claim(fulfilment, supply_id, attempt))
    town.store.react(told)


def test_at_the_counter_the_hand_out_is_blocked_until_it_is_cleared_again(town: Town) -> None:
    fulfilment = town.release(60)
    supply_id = town.dispensed(fulfilment)
    town.clear(fulfilment, supply_id)
    withdraw(town, fulfilment, supply_id)

    refused = town.try_hand_out(fulfilment, supply_id).refusal

    assert refused is not None
    assert (refused.code, refused.facts["claim"]) == ("supply.not_cleared", "withdrawn")
    assert town.state(fulfilment).supplies[supply_id].status == "dispensed"
    town.clear(fulfilment, supply_id, attempt=2)
    assert town.try_hand_out(fulfilment, supply_id).refusal is None


def test_a_withdrawal_told_twice_is_noted_once_and_the_pharmacy_reads_it(town: Town) -> None:
    fulfilment = town.release(60)
    supply_id = town.dispensed(fulfilment)
    town.clear(fulfilment, supply_id)
    withdraw(town, fulfilment, supply_id)
    before = len(town.store.log)
    withdraw(town, fulfilment, supply_id)
    assert len(town.store.log) == before
    rows = town.store.rows("fed_to_pharmacy", **addressed(A, None), position=0, subject_id=UUID(int=0), limit=50)
    assert [row["claim"] for row in rows if row["kind"] == "hold"] == ["withdrawn"]


def test_a_refusal_that_came_first_keeps_its_time_to_choose(town: Town) -> None:
    fulfilment = town.release(60)
    supply_id = town.dispensed(fulfilment)
    town.clear(fulfilment, supply_id)
    facts = town.claim(fulfilment, supply_id)
    town.store.react(insurance.ClaimRefused(stage="authorise", reasons=("x",), may_self_pay=True, **facts))
    decide_by = town.state(fulfilment).supplies[supply_id].decide_by
    assert decide_by is not None

    withdraw(town, fulfilment, supply_id)

    supply = town.state(fulfilment).supplies[supply_id]
    assert (supply.claim, supply.decide_by) == ("refused", decide_by)


def test_an_older_attempts_withdrawal_is_late(town: Town) -> None:
    fulfilment = town.release(60)
    supply_id = town.dispensed(fulfilment)
    town.clear(fulfilment, supply_id, attempt=2)
    withdraw(town, fulfilment, supply_id, attempt=1)
    assert town.state(fulfilment).supplies[supply_id].cleared


def test_what_is_in_hands_stays_there(town: Town) -> None:
    fulfilment = town.release(60)
    supply_id = town.collected(fulfilment)
    withdraw(town, fulfilment, supply_id)
    supply = town.state(fulfilment).supplies[supply_id]
    assert (supply.status, supply.claim) == ("in_hands", "withdrawn")
