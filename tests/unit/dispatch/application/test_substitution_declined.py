"""The prescriber says no to a substitute: the question is over, and what was held for it is free again."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest

from contracts.events import dispatch as told
from contracts.events import prescribe_later
from contracts.events.dispatch_later import SubstitutionProposed
from services.dispatch.application.views import fulfilment_view
from services.dispatch.projections.pharmacy_feed import addressed
from tests.unit.dispatch.application.test_substitution import STRONG, Short
from tests.unit.dispatch.town import A, B, Town, fine, refused


@pytest.fixture
def short(town: Town) -> Short:
    return Short(town)


def decline(short: Short, fulfilment: UUID, **changes: Any) -> prescribe_later.SubstitutionDeclined:
    """Of what was proposed last."""
    proposed = short.town.store.told_of(SubstitutionProposed)[-1]
    fields = {
        "prescription_id": proposed.prescription_id,
        "patient_ref": proposed.patient_ref,
        "proposal_id": proposed.proposal_id,
        "fulfilment_id": fulfilment,
        "line": proposed.line,
        "substitute": proposed.substitute.product,
        "reason": "not tolerated",
        **changes,
    }
    event = prescribe_later.SubstitutionDeclined.model_validate(fields)
    short.town.store.react(event)
    return event


def fed(town: Town, hold_id: UUID) -> dict[str, Any]:
    """The hold as it stands in the feed."""
    asked = {**addressed(A, None), "position": -1, "subject_id": UUID(int=0), "limit": 50}
    rows = town.store.rows("fed_to_pharmacy", **asked)
    return next(row for row in rows if row["subject_id"] == hold_id)


def test_the_hold_ends_its_stock_is_free_and_the_pharmacy_reads_why(short: Short) -> None:
    town = short.town
    fulfilment = town.release()
    hold_id = short.hold(fulfilment)
    fine(short.propose(fulfilment, hold_id))

    event = decline(short, fulfilment)

    state = town.state(fulfilment)
    assert (state.holds[hold_id].status, state.holds[hold_id].how) == ("ended", "revoked")
    assert (state.lines[1].buckets.remaining, town.shelf(A, STRONG).reserved) == (60, {})
    (ended,) = town.store.told_of(told.HoldEnded)
    assert (ended.how, ended.reason) == ("revoked", "substitution_declined")
    (shown,) = fulfilment_view(state)["proposals"]
    assert (shown["declined"], shown["declined_because"], shown["confirmed"]) == (True, "not tolerated", False)
    row = fed(town, hold_id)
    assert (row["status"], row["reason"], row["notice"]) == (
        "revoked",
        "substitution_declined",
        "substitution_declined",
    )
    before = len(town.store.log)
    town.store.react(event)
    town.store.react(event.model_copy(update={"proposal_id": uuid4()}))
    assert len(town.store.log) == before


def test_other_lines_of_the_hold_go_on(short: Short) -> None:
    town = short.town
    fulfilment = town.release(60, 10)
    hold_id = short.hold(fulfilment, others=((2, 10),))
    fine(short.propose(fulfilment, hold_id))

    decline(short, fulfilment)

    state = town.state(fulfilment)
    assert (state.holds[hold_id].status, state.holds[hold_id].how) == ("active", None)
    assert [row.line for row in state.holds[hold_id].lines] == [2]
    assert (state.lines[1].buckets.remaining, state.lines[2].buckets.held) == (60, 10)
    row = fed(town, hold_id)
    assert (row["status"], row["notice"]) == ("held", "substitution_declined")
    fine(town.review(fulfilment, hold_id))


def test_the_same_is_neither_held_nor_proposed_again_what_was_prescribed_is(short: Short) -> None:
    town = short.town
    fulfilment = town.release()
    elsewhere = short.hold(fulfilment, 20, pharmacy=B)
    fine(short.propose(fulfilment, short.hold(fulfilment, 40)))

    decline(short, fulfilment)

    refused(short.try_hold(fulfilment, 40), "substitution.declined")
    refused(short.propose(fulfilment, elsewhere, pharmacy=B), "substitution.declined")
    fine(town.release_hold(fulfilment, elsewhere, pharmacy=B))
    town.accepted(fulfilment, (1, 60))


def test_what_was_signed_under_another_proposal_stays_held(short: Short) -> None:
    town = short.town
    fulfilment = town.release()
    here, there = short.hold(fulfilment, 40), short.hold(fulfilment, 20, pharmacy=B)
    fine(short.propose(fulfilment, here))
    fine(short.propose(fulfilment, there, pharmacy=B))
    first, second = town.store.told_of(SubstitutionProposed)
    short.confirm(fulfilment)

    decline(short, fulfilment, proposal_id=first.proposal_id)
    decline(short, fulfilment, proposal_id=second.proposal_id)

    state = town.state(fulfilment)
    assert [state.holds[hold].status for hold in (here, there)] == ["active", "active"]
    assert [state.proposals[each.proposal_id].declined is None for each in (first, second)] == [False, True]
    fine(town.review(fulfilment, here))


def test_a_hold_that_is_over_is_only_told(short: Short) -> None:
    town = short.town
    fulfilment = town.release()
    hold_id = short.hold(fulfilment)
    fine(short.propose(fulfilment, hold_id))
    fine(town.release_hold(fulfilment, hold_id))
    before = len(town.store.told_of(told.HoldEnded))

    decline(short, fulfilment)

    assert len(town.store.told_of(told.HoldEnded)) == before
    assert fulfilment_view(town.state(fulfilment))["proposals"][0]["declined"] is True


def test_a_hold_that_gives_back_a_part_goes_on_in_the_feed(town: Town) -> None:
    fulfilment = town.release()
    hold_id = town.hold(fulfilment, (1, 60))

    fine(town.release_hold(fulfilment, hold_id, lines=({"line": 1, "quantity": 20},)))
    assert fed(town, hold_id)["status"] == "held"

    fine(town.release_hold(fulfilment, hold_id))
    assert (fed(town, hold_id)["status"], fed(town, hold_id)["reason"]) == ("released", "mistake")
