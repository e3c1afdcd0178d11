"""Cancelling by table C: who may, what happens where the quantity is, and which answer comes when."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from contracts.events import prescribe as public
from contracts.events import review
from contracts.values import LineQuantity
from services.prescribe.application.use_cases import tell_undecided
from services.prescribe.domain.cancellation import combined
from services.prescribe.domain.policy import CN
from services.prescribe.domain.prescription import fulfilment_id
from services.prescribe.domain.prescription_events import CancellationUndecided
from services.prescribe.domain.values import CancelledLine
from tests.unit.prescribe.conftest import COLLEAGUE, NOW, PHARMACY, Clinic, line


def requested(clinic: Clinic, prescription_id: UUID, **changes: object) -> UUID:
    request_id = uuid4()
    outcome = clinic.cancel(prescription_id, request_id=request_id, **changes)
    assert (outcome.status, outcome.body["answer"]) == (202, "requested")
    return request_id


def test_before_release_it_is_cancelled_at_once(clinic: Clinic) -> None:
    issued, returned = clinic.issued(), clinic.issued()
    clinic.answer(returned, review.CaseReturned)

    outcomes = [clinic.cancel(each) for each in (issued, returned)]

    assert [(each.status, each.body["answer"], each.body["final"]) for each in outcomes] == [
        (200, "cancelled", True)
    ] * 2
    told = clinic.store.told_of(public.PrescriptionCancelled)
    assert [each.lines[0].cancelled for each in told] == [7, 7]
    assert clinic.status(issued) == "cancelled"


def test_a_delegate_of_the_institution_may_cancel_and_nobody_else(clinic: Clinic) -> None:
    prescription_id = clinic.issued()

    strangers = [clinic.doctor(COLLEAGUE), clinic.delegate("H33010200002"), clinic.delegate(None)]
    refused = [clinic.cancel(prescription_id, stranger) for stranger in strangers]
    by_delegate = clinic.cancel(prescription_id, clinic.delegate())

    assert [each.refusal.code for each in refused if each.refusal] == ["prescription.not_yours"] * 3
    assert by_delegate.body["answer"] == "cancelled"


def test_a_cancellation_that_comes_first_is_kept_and_the_review_never_sees_it(clinic: Clinic) -> None:
    prescription_id, request_id = uuid4(), uuid4()

    kept = clinic.cancel(prescription_id, request_id=request_id)
    again = clinic.cancel(prescription_id, request_id=request_id)
    arrived = clinic.issue(prescription_id=str(prescription_id))
    later = clinic.cancel(prescription_id, request_id=request_id)

    assert (kept.status, kept.body["answer"]) == (202, "kept")
    assert again.body == kept.body
    assert (arrived.status, arrived.body["status"]) == (201, "cancelled")
    assert (later.status, later.body["answer"]) == (200, "cancelled")
    assert clinic.state(prescription_id).buckets[1].cancelled == 7
    assert not clinic.store.told_of(public.PrescriptionIssued)


@pytest.mark.parametrize("change", [{"scope": None}, {"reason_code": "other"}, {"urgent": True}])
def test_an_id_stands_for_one_request(clinic: Clinic, change: dict[str, Any]) -> None:
    prescription_id, request = clinic.released(), {"request_id": uuid4(), "scope": [{"line": 1, "quantity": 2}]}
    first = clinic.cancel(prescription_id, **request)

    other = clinic.cancel(prescription_id, **(request | change))

    assert clinic.cancel(prescription_id, **request).body == first.body
    assert other.refusal is not None
    assert other.refusal.code == "cancellation.other_request"
    assert clinic.status(prescription_id) == "released"


def test_an_id_stands_for_one_request_that_came_first_too(clinic: Clinic) -> None:
    prescription_id, request_id = uuid4(), uuid4()
    clinic.cancel(prescription_id, request_id=request_id)

    other = clinic.cancel(prescription_id, request_id=request_id, reason_code="other")

    assert other.refusal is not None
    assert other.refusal.code == "cancellation.other_request"


def test_a_kept_cancellation_of_a_delegate_counts_for_the_institution(clinic: Clinic) -> None:
    prescription_id = uuid4()
    clinic.cancel(prescription_id, clinic.delegate())

    assert clinic.issue(prescription_id=str(prescription_id)).body["status"] == "cancelled"


def test_a_strangers_kept_cancellation_has_no_effect(clinic: Clinic) -> None:
    prescription_id = uuid4()
    clinic.cancel(prescription_id, clinic.doctor(COLLEAGUE))

    assert clinic.issue(prescription_id=str(prescription_id)).body["status"] == "issued"


def test_a_released_prescription_closes_and_dispatch_is_asked(clinic: Clinic) -> None:
    prescription_id = clinic.released()

    request_id = requested(clinic, prescription_id, urgent=True)

    assert clinic.status(prescription_id) == "closing(cancelled)"
    (asked,) = clinic.store.told_of(public.CancellationRequested)
    assert asked.request_id == request_id
    assert asked.fulfilments == (fulfilment_id(prescription_id, 1),)
    assert (asked.scope, asked.urgent, asked.answer_due_at) == (None, True, clinic.store.time + timedelta(hours=2))


def test_all_cancelled_ends_cancelled(clinic: Clinic) -> None:
    prescription_id = clinic.released()
    request_id = requested(clinic, prescription_id)

    clinic.decided(prescription_id, request_id, cancelled=7, where={"cancelled": 7})
    clinic.closed(prescription_id, "cancelled", cancelled=7)

    state = clinic.state(prescription_id)
    assert str(state.status) == "cancelled"
    assert (state.cancellations[0].answer, state.cancellations[0].final) == ("cancelled", True)
    (told,) = clinic.store.told_of(public.PrescriptionCancelled)
    assert (told.request_id, told.lines[0].cancelled) == (request_id, 7)
    assert clinic.feedback()[0]["facts"]["answer"] == "cancelled"


def test_what_is_with_the_courier_is_answered_again_when_it_is_known(clinic: Clinic) -> None:
    prescription_id = clinic.released()
    request_id = requested(clinic, prescription_id)

    clinic.decided(prescription_id, request_id, awaiting_return=7, where={"dispensed": 7}, final=False)
    interim = clinic.state(prescription_id)
    clinic.decided(prescription_id, request_id, refused=7, reason="delivered", where={"in_hands": 7})
    clinic.decided(prescription_id, request_id, cancelled=7, where={"cancelled": 7})
    clinic.closed(prescription_id, "supplied", in_hands=7)

    assert (str(interim.status), interim.cancellations[0].answer) == ("closing(cancelled)", "awaiting_return")
    final = clinic.state(prescription_id)
    assert (str(final.status), final.cancellations[0].answer) == ("completed", "refused")


def test_the_final_word_may_come_after_the_end(clinic: Clinic) -> None:
    prescription_id = clinic.released()
    request_id = requested(clinic, prescription_id)
    clinic.closed(prescription_id, "supplied", in_hands=7)

    clinic.decided(prescription_id, request_id, refused=7, reason="in_hands", where={"in_hands": 7})

    state = clinic.state(prescription_id)
    assert (str(state.status), state.cancellations[0].answer) == ("completed", "refused")


def test_a_part_leaves_the_rest_open(clinic: Clinic) -> None:
    prescription_id = clinic.released()

    request_id = requested(clinic, prescription_id, scope=(LineQuantity(line=1, quantity=3).model_dump(),))
    clinic.decided(prescription_id, request_id, cancelled=3, where={"remaining": 4, "cancelled": 3})

    assert clinic.status(prescription_id) == "released"
    clinic.closed(prescription_id, in_hands=4, cancelled=3)
    assert clinic.status(prescription_id) == "cancelled"
    (asked,) = clinic.store.told_of(public.CancellationRequested)
    assert asked.scope[0].quantity == 3


def test_quantity_that_stays_open_opens_the_prescription_again(clinic: Clinic) -> None:
    prescription_id = clinic.released()
    request_id = requested(clinic, prescription_id)

    clinic.decided(prescription_id, request_id, cancelled=3, refused=4, where={"cancelled": 3, "dispensed": 4})

    state = clinic.state(prescription_id)
    assert (str(state.status), state.cancellations[0].answer) == ("released", "cancelled_in_part")


def test_a_whole_cancellation_that_waits_keeps_it_closing(clinic: Clinic) -> None:
    prescription_id = clinic.released()
    part = requested(clinic, prescription_id, scope=({"line": 1, "quantity": 3},))
    requested(clinic, prescription_id)

    clinic.decided(prescription_id, part, cancelled=3, where={"cancelled": 3, "dispensed": 4})

    assert clinic.status(prescription_id) == "closing(cancelled)"


def test_what_an_expired_prescription_still_runs_can_be_cancelled(clinic: Clinic) -> None:
    prescription_id = clinic.released()
    clinic.held(prescription_id, held=5, remaining=2)
    clinic.store.move_clock(timedelta(days=1))

    request_id = requested(clinic, prescription_id)
    clinic.decided(prescription_id, request_id, refused=5, where={"dispensed": 5, "lapsed": 2})

    assert clinic.status(prescription_id) == "closing(expired)"


def test_nothing_runs_in_an_expired_prescription_that_nobody_held(clinic: Clinic) -> None:
    prescription_id = clinic.released()
    clinic.store.move_clock(timedelta(days=1))

    outcome = clinic.cancel(prescription_id)

    assert outcome.refusal is not None
    assert outcome.refusal.code == "cancellation.nothing_runs"


def test_no_answer_in_time_is_told_with_who_holds_it(clinic: Clinic) -> None:
    prescription_id = clinic.released()
    clinic.held(prescription_id, held=7)
    request_id = requested(clinic, prescription_id)

    clinic.store.move_clock(timedelta(hours=2))
    clinic.store.move_clock(timedelta(hours=2))

    undecided = [e for e in clinic.store.streams[prescription_id] if isinstance(e, CancellationUndecided)]
    assert [(each.request_id, each.holders) for each in undecided] == [(request_id, (PHARMACY,))]
    assert clinic.status(prescription_id) == "closing(cancelled)"
    assert clinic.feedback()[0]["kind"] == "cancellation_undecided"


def test_the_clock_says_nothing_before_its_time_and_nothing_after_the_end(clinic: Clinic) -> None:
    prescription_id = clinic.released()
    requested(clinic, prescription_id)
    before = len(clinic.store.streams[prescription_id])

    clinic.store.run(tell_undecided(prescription_id))
    clinic.closed(prescription_id, "supplied", in_hands=7)
    clinic.store.time += timedelta(hours=3)
    clinic.store.run(tell_undecided(prescription_id))

    told = clinic.store.streams[prescription_id][before:]
    assert not [each for each in told if isinstance(each, CancellationUndecided)]


@pytest.mark.parametrize(
    "scope",
    [
        ({"line": 2, "quantity": 1},),
        ({"line": 1, "quantity": 8},),
        ({"line": 1, "quantity": 0},),
        ({"line": 1, "quantity": 1}, {"line": 1, "quantity": 1}),
    ],
)
def test_a_scope_names_known_lines_once_with_no_more_than_prescribed(clinic: Clinic, scope: object) -> None:
    outcome = clinic.cancel(clinic.released(), scope=scope)

    assert outcome.refusal is not None
    assert outcome.refusal.code == "cancellation.scope"


def test_only_a_released_prescription_has_parts(clinic: Clinic) -> None:
    scope = ({"line": 1, "quantity": 1},)

    outcomes = [clinic.cancel(each, scope=scope) for each in (clinic.issued(), uuid4())]

    assert [each.refusal.code for each in outcomes if each.refusal] == ["cancellation.part_before_release"] * 2


def test_what_has_ended_cannot_be_cancelled(clinic: Clinic) -> None:
    prescription_id = clinic.released(lines=[line()])
    clinic.closed(prescription_id, "supplied", in_hands=7)

    outcome = clinic.cancel(prescription_id)

    assert outcome.refusal is not None
    assert (outcome.refusal.code, outcome.refusal.facts["state"]) == ("prescription.ended", "completed")


def test_a_second_whole_cancellation_finds_it_closing(clinic: Clinic) -> None:
    prescription_id = clinic.released()
    requested(clinic, prescription_id)

    outcome = clinic.cancel(prescription_id)

    assert outcome.refusal is not None
    assert outcome.refusal.code == "prescription.wrong_state"


def test_requests_on_one_prescription_are_limited(clinic: Clinic) -> None:
    prescription_id = uuid4()
    for number in range(CN.on(NOW.date()).cancellations_max):
        clinic.cancel(prescription_id, clinic.doctor(f"D{number}"))

    outcome = clinic.cancel(prescription_id)

    assert outcome.refusal is not None
    assert outcome.refusal.code == "cancellation.too_many"


def test_a_decision_about_an_unknown_request_is_recorded_without_effect(clinic: Clinic) -> None:
    prescription_id = clinic.released()

    for unknown in (prescription_id, uuid4()):
        outcome = clinic.decided(unknown, uuid4(), cancelled=7, where={"cancelled": 7})

        assert outcome.refusal is not None
        assert outcome.refusal.code == "cancellation.unknown"
    assert clinic.status(prescription_id) == "released"


def test_a_decision_that_does_not_balance_changes_nothing(clinic: Clinic) -> None:
    prescription_id = clinic.released()
    request_id = requested(clinic, prescription_id)

    outcome = clinic.decided(prescription_id, request_id, cancelled=8, where={"cancelled": 8})

    assert outcome.refusal is not None
    assert outcome.refusal.code == "prescription.buckets_unbalanced"
    assert clinic.state(prescription_id).buckets[1].remaining == 7


def test_one_word_says_what_became_of_all_lines() -> None:
    both = (CancelledLine(line=1, cancelled=1), CancelledLine(line=2, refused=1))

    assert combined(both, final=True) == "cancelled_in_part"
    assert combined(both[:1], final=True) == "cancelled"
    assert combined(both[1:], final=True) == "refused"
    assert combined(both, final=False) == "awaiting_return"
