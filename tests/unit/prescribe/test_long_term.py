"""Long-term supply (长期处方) in instalments: what may be written, when each opens and lapses, how it all ends."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from contracts.events import dispatch, review
from contracts.events import prescribe as public
from contracts.events import prescribe_later as later
from services.prescribe.application.use_cases import close_instalments, end_validity, open_instalment
from services.prescribe.application.views import show_prescription
from services.prescribe.domain.plan import WrittenPlan
from services.prescribe.domain.plan_checks import broken_plan
from services.prescribe.domain.prescription import PRESCRIPTION, fulfilment_id
from services.seedwork.ports import Outcome
from tests.unit.prescribe.conftest import ESTAZOLAM, METFORMIN, PHARMACY, Clinic, buckets, drug, line

DAY = timedelta(days=1)
TWO = {"instalments": 2, "days": 14}
THREE = {"instalments": 3, "days": 28, "assessment": "血压稳定", "patient_agreed": True}


def planned(clinic: Clinic, plan: dict[str, Any] = TWO, **changes: Any) -> Outcome:
    days = plan["instalments"] * plan["days"]
    return clinic.issue(**{"plan": plan, "lines": [line(days=days, quantity=days)]} | changes)


def released(clinic: Clinic, plan: dict[str, Any] = TWO) -> UUID:
    prescription_id = UUID(planned(clinic, plan).body["prescription_id"])
    clinic.answer(prescription_id, review.CasePassed)
    return prescription_id


def tell(
    clinic: Clinic, prescription_id: UUID, number: int, kind: Any, where: dict[str, int], /, **fields: Any
) -> Outcome:
    about = {"prescription_id": prescription_id, "fulfilment_id": fulfilment_id(prescription_id, number)}
    return clinic.hear(kind.model_validate(about | {"buckets": buckets(**where)} | fields))


def received(clinic: Clinic, prescription_id: UUID, number: int, **where: int) -> None:
    supply = {"supply_id": uuid4(), "accepted": (), "collector_kind": "patient", "identity_checked": True}
    outcome = tell(clinic, prescription_id, number, dispatch.SupplyReceived, where, **supply)
    assert outcome.refusal is None, outcome.refusal


def held(clinic: Clinic, prescription_id: UUID, number: int, **where: int) -> None:
    hold = {"hold_id": uuid4(), "kind": "normal", "pharmacy": PHARMACY, "region": "330102", "lines": ()}
    more = {"way": "counter", "expires_at": clinic.store.time}
    outcome = tell(clinic, prescription_id, number, dispatch.QuantityHeld, where, **hold, **more)
    assert outcome.refusal is None, outcome.refusal


def closed(clinic: Clinic, prescription_id: UUID, number: int, **where: int) -> None:
    outcome = tell(clinic, prescription_id, number, dispatch.FulfilmentClosed, where, outcome="mixed")
    assert outcome.refusal is None, outcome.refusal


def opened(clinic: Clinic, prescription_id: UUID) -> list[int]:
    told = clinic.store.told_of(public.InstalmentOpened)
    return [each.instalment for each in told if each.prescription_id == prescription_id]


def code(outcome: Outcome) -> str | None:
    return outcome.refusal.code if outcome.refusal else None


def test_a_plan_is_told_to_the_review_and_opens_with_its_first_instalment(clinic: Clinic) -> None:
    prescription_id = released(clinic, THREE)

    (issued,) = clinic.store.told_of(public.PrescriptionIssued)
    assert (issued.plan.instalments, issued.plan.days, issued.plan.lead_days) == (3, 28, 5)
    assert issued.plan_assessment == "血压稳定"
    (released_event,) = clinic.store.told_of(public.PrescriptionReleased)
    assert released_event.instalments == 3
    (first,) = clinic.store.told_of(public.InstalmentOpened)
    assert (first.instalment, first.of, first.lines[0].quantity) == (1, 3, 28)
    assert first.closes_at == released_event.valid_until
    assert clinic.state(prescription_id).buckets[1].remaining == 84


@pytest.mark.parametrize(
    ("plan", "changes", "expected"),
    [
        ({"instalments": 2, "days": 29}, {}, "plan.instalment_too_long"),
        ({"instalments": 4, "days": 28, "assessment": "x", "patient_agreed": True}, {}, "plan.too_long"),
        ({"instalments": 3, "days": 28, "patient_agreed": True}, {}, "plan.assessment_missing"),
        ({"instalments": 3, "days": 28, "assessment": "x"}, {}, "plan.assessment_missing"),
        (TWO, {"lines": [line(days=27, quantity=27)]}, "plan.days"),
        ({"instalments": 2, "days": 7}, {"lines": [line(days=14, quantity=7, dose="2.5")]}, "plan.uneven"),
        (TWO, {"visit_kind": "emergency"}, "plan.emergency"),
    ],
)
def test_a_plan_keeps_the_limits_of_long_term_supply(
    clinic: Clinic, plan: dict[str, Any], changes: dict[str, Any], expected: str
) -> None:
    assert code(planned(clinic, plan, **changes)) == expected


def test_each_instalment_is_whole_packs_where_a_pack_must_not_be_opened(clinic: Clinic) -> None:
    clinic.load("drug", ESTAZOLAM, drug("x", pack_size=28, splittable=False))
    whole = [line(product=ESTAZOLAM, days=28, quantity=28)]

    assert code(planned(clinic, lines=whole)) == "line.pack"
    assert code(clinic.issue(lines=whole, long_supply_reason="慢性病")) is None


def test_an_instalment_that_is_no_number_of_whole_packs_is_marked_as_split(clinic: Clinic) -> None:
    clinic.load("drug", ESTAZOLAM, drug("x", pack_size=28))
    outcome = planned(clinic, lines=[line(product=ESTAZOLAM, days=28, quantity=28)])

    (written,) = clinic.state(UUID(outcome.body["prescription_id"])).signed.lines
    assert written.split_pack


@pytest.mark.parametrize("more", [{"atc": "J01CA04"}, {"cold_chain": True}, {"drug_class": "psychotropic_2"}])
def test_what_is_excluded_is_not_supplied_long_term(clinic: Clinic, more: dict[str, Any]) -> None:
    clinic.load_person("D330102000001", prescribing_rights=["ordinary", "psychotropic_2"])
    clinic.load("drug", ESTAZOLAM, drug("x", **more))

    reason = {"long_supply_reason": "慢性病"}
    assert code(planned(clinic, lines=[line(product=ESTAZOLAM, days=28, quantity=28)], **reason)) == "plan.excluded"


def test_a_jurisdiction_without_long_term_supply_admits_none() -> None:
    refusal = broken_plan(WrittenPlan(instalments=2, days=7), [], None)

    assert refusal is not None
    assert refusal.code == "plan.not_admitted"


def test_the_next_one_opens_before_what_was_received_is_used_up(clinic: Clinic) -> None:
    prescription_id = released(clinic)
    clinic.store.move_clock(timedelta(hours=3))
    received(clinic, prescription_id, 1, in_hands=14)
    closed(clinic, prescription_id, 1, in_hands=14)
    assert clinic.status(prescription_id) == "released"

    clinic.store.move_clock(9 * DAY - timedelta(minutes=1))
    assert opened(clinic, prescription_id) == [1]
    clinic.store.move_clock(timedelta(minutes=1))

    assert opened(clinic, prescription_id) == [1, 2]
    second = clinic.store.told_of(public.InstalmentOpened)[-1]
    assert second.closes_at - second.opens_at > 13 * DAY
    received(clinic, prescription_id, 2, in_hands=14)
    closed(clinic, prescription_id, 2, in_hands=14)
    assert clinic.status(prescription_id) == "completed"
    assert clinic.state(prescription_id).buckets[1].in_hands == 28


def test_the_prescriber_may_plan_a_shorter_lead(clinic: Clinic) -> None:
    prescription_id = released(clinic, TWO | {"lead_days": 2})
    received(clinic, prescription_id, 1, in_hands=14)

    clinic.store.move_clock(11 * DAY)
    assert opened(clinic, prescription_id) == [1]
    clinic.store.move_clock(DAY + timedelta(minutes=1))

    assert opened(clinic, prescription_id) == [1, 2]


def test_while_something_of_it_is_under_way_the_next_does_not_open(clinic: Clinic) -> None:
    prescription_id = released(clinic)
    held(clinic, prescription_id, 1, held=14)

    clinic.store.move_clock(30 * DAY)

    assert opened(clinic, prescription_id) == [1]
    assert clinic.status(prescription_id) == "released"


def test_the_first_with_nothing_taken_ends_it_all(clinic: Clinic) -> None:
    prescription_id = released(clinic)

    clinic.store.move_clock(DAY)

    assert clinic.status(prescription_id) == "closing(expired)"
    (expired,) = clinic.store.told_of(public.PrescriptionExpired)
    assert expired.lines[0].lapsed == 28
    closed(clinic, prescription_id, 1, lapsed=14)
    assert clinic.status(prescription_id) == "expired"


def test_an_instalment_in_between_lapses_alone_and_the_next_still_opens(clinic: Clinic) -> None:
    prescription_id = released(clinic, THREE)
    received(clinic, prescription_id, 1, in_hands=28)
    closed(clinic, prescription_id, 1, in_hands=28)
    clinic.store.move_clock(23 * DAY + timedelta(minutes=1))
    assert opened(clinic, prescription_id) == [1, 2]

    clinic.store.move_clock(14 * DAY)

    (lapsed,) = clinic.store.told_of(later.InstalmentLapsed)
    assert (lapsed.instalment, lapsed.lines[0].quantity) == (2, 28)
    assert [each["kind"] for each in clinic.feedback()] == ["instalment_lapsed"]
    assert clinic.state(prescription_id).buckets[1].lapsed == 28
    closed(clinic, prescription_id, 2, lapsed=28)
    assert clinic.status(prescription_id) == "released"
    clinic.store.move_clock(15 * DAY)
    assert opened(clinic, prescription_id) == [1, 2, 3]


def test_after_the_last_one_lapsed_it_has_expired(clinic: Clinic) -> None:
    prescription_id = released(clinic)
    received(clinic, prescription_id, 1, in_hands=14)
    closed(clinic, prescription_id, 1, in_hands=14)
    clinic.store.move_clock(10 * DAY)

    clinic.store.move_clock(14 * DAY)

    assert clinic.status(prescription_id) == "closing(expired)"
    closed(clinic, prescription_id, 2, lapsed=14)
    assert clinic.status(prescription_id) == "expired"
    assert clinic.state(prescription_id).buckets[1].model_dump(exclude_defaults=True) == {
        "line": 1,
        "in_hands": 14,
        "lapsed": 14,
    }


def test_what_a_hold_frees_after_the_window_has_lapsed(clinic: Clinic) -> None:
    prescription_id = released(clinic)
    held(clinic, prescription_id, 1, held=7, in_hands=7)
    clinic.store.move_clock(DAY)
    about = {"hold_id": uuid4(), "pharmacy": PHARMACY, "how": "expired", "freed": ()}

    tell(clinic, prescription_id, 1, dispatch.HoldEnded, {"remaining": 7, "in_hands": 7}, **about)

    assert clinic.state(prescription_id).parts.instalments[1][1].lapsed == 7


def test_half_of_it_received_is_used_up_in_half_the_time(clinic: Clinic) -> None:
    prescription_id = released(clinic, THREE)
    received(clinic, prescription_id, 1, in_hands=14, remaining=14)
    clinic.store.move_clock(DAY)
    clinic.store.move_clock(21 * DAY)
    assert opened(clinic, prescription_id) == [1]  # the plan says day 23

    clinic.store.move_clock(2 * DAY)

    assert opened(clinic, prescription_id) == [1, 2]


def test_cancelled_between_two_instalments_it_ends_at_once(clinic: Clinic) -> None:
    prescription_id = released(clinic)
    received(clinic, prescription_id, 1, in_hands=14)
    closed(clinic, prescription_id, 1, in_hands=14)

    outcome = clinic.cancel(prescription_id)

    assert (outcome.status, outcome.body["status"], outcome.body["answer"]) == (200, "cancelled", "cancelled_in_part")
    assert outcome.body["lines"][0]["cancelled"] == 14
    assert outcome.body["lines"][0]["refused"] == 14
    (told,) = clinic.store.told_of(public.PrescriptionCancelled)
    assert (told.lines[0].cancelled, told.lines[0].in_hands) == (14, 14)


def test_what_has_not_opened_never_opens_and_dispatch_decides_about_the_rest(clinic: Clinic) -> None:
    prescription_id = released(clinic)
    request_id = uuid4()

    clinic.cancel(prescription_id, request_id=request_id)

    (asked,) = clinic.store.told_of(public.CancellationRequested)
    assert asked.fulfilments == (fulfilment_id(prescription_id, 1),)
    assert clinic.state(prescription_id).buckets[1].cancelled == 14
    clinic.decided(prescription_id, request_id, cancelled=14, where={"cancelled": 14})
    closed(clinic, prescription_id, 1, cancelled=14)
    assert clinic.status(prescription_id) == "cancelled"
    (request,) = clinic.state(prescription_id).cancellations
    assert (request.answer, request.lines[0].cancelled) == ("cancelled", 28)


def test_a_part_is_taken_from_the_last_instalment_first(clinic: Clinic) -> None:
    prescription_id = released(clinic, THREE)

    outcome = clinic.cancel(prescription_id, scope=({"line": 1, "quantity": 30},))

    assert (outcome.status, outcome.body["answer"], outcome.body["status"]) == (200, "cancelled", "released")
    parts = clinic.state(prescription_id).parts
    assert [parts.instalments[number][1].remaining for number in (1, 2, 3)] == [28, 26, 0]
    assert clinic.state(prescription_id).to_come == (2,)
    (asked,) = clinic.store.told_of(public.CancellationRequested)
    assert (asked.fulfilments, asked.scope) == ((), ())


def test_what_unopened_instalments_cannot_give_is_asked_of_dispatch(clinic: Clinic) -> None:
    prescription_id = released(clinic)
    request_id = uuid4()

    clinic.cancel(prescription_id, request_id=request_id, scope=({"line": 1, "quantity": 20},))

    (asked,) = clinic.store.told_of(public.CancellationRequested)
    assert asked.scope[0].quantity == 6
    clinic.decided(prescription_id, request_id, cancelled=6, where={"cancelled": 6, "remaining": 8})
    (request,) = clinic.state(prescription_id).cancellations
    assert (request.answer, request.lines[0].cancelled) == ("cancelled", 20)
    assert clinic.status(prescription_id) == "released"


def test_a_part_that_was_all_that_was_to_come_ends_it(clinic: Clinic) -> None:
    prescription_id = released(clinic)
    received(clinic, prescription_id, 1, in_hands=14)
    closed(clinic, prescription_id, 1, in_hands=14)

    clinic.cancel(prescription_id, scope=({"line": 1, "quantity": 14},))

    assert clinic.status(prescription_id) == "cancelled"


def test_a_line_less_is_opened_and_still_balances(clinic: Clinic) -> None:
    clinic.load("drug", METFORMIN, drug("盐酸二甲双胍"))
    both = [line(days=28, quantity=28), line(2, METFORMIN, days=28, quantity=28)]
    prescription_id = UUID(planned(clinic, lines=both).body["prescription_id"])
    clinic.answer(prescription_id, review.CasePassed)
    clinic.cancel(prescription_id, scope=({"line": 2, "quantity": 14},))
    told = (*buckets(in_hands=14), buckets(in_hands=14)[0].model_copy(update={"line": 2}))
    about = {"prescription_id": prescription_id, "fulfilment_id": fulfilment_id(prescription_id, 1)}
    supply = {"supply_id": uuid4(), "accepted": (), "collector_kind": "patient", "identity_checked": True}
    clinic.hear(dispatch.SupplyReceived.model_validate(about | supply | {"buckets": told}))
    clinic.store.move_clock(10 * DAY)

    second = clinic.store.told_of(public.InstalmentOpened)[-1]
    assert [(each.line, each.quantity) for each in second.lines] == [(1, 14)]
    received(clinic, prescription_id, 2, in_hands=14)
    closed(clinic, prescription_id, 2, in_hands=14)
    assert clinic.state(prescription_id).buckets[2].cancelled == 14


def test_of_an_instalment_that_was_not_opened_nothing_can_be_told(clinic: Clinic) -> None:
    prescription_id = released(clinic)
    request_id = uuid4()
    clinic.cancel(prescription_id, request_id=request_id)
    supply = {"supply_id": uuid4(), "accepted": (), "collector_kind": "patient", "identity_checked": True}
    decided = {"request_id": request_id, "lines": (), "final": True}

    told = tell(clinic, prescription_id, 2, dispatch.SupplyReceived, {"in_hands": 14}, **supply)
    answered = tell(clinic, prescription_id, 2, dispatch.CancellationDecided, {"cancelled": 14}, **decided)

    assert (code(told), code(answered)) == ("instalment.unknown", "instalment.unknown")


def test_the_clock_does_nothing_before_its_time_or_where_nothing_is_planned(clinic: Clinic) -> None:
    plain, planned_one = clinic.released(), released(clinic)
    before = PRESCRIPTION.next_due(clinic.state(planned_one))

    for prescription_id in (plain, planned_one, uuid4()):
        clinic.store.run(open_instalment(prescription_id))
        clinic.store.run(close_instalments(prescription_id))

    assert set(before) == {"instalment_closes"}
    assert opened(clinic, planned_one) == [1]
    assert clinic.status(plain) == "released"
    assert clinic.store.told_of(later.InstalmentLapsed) == []


def test_the_validity_of_a_plan_is_that_of_its_first_instalment(clinic: Clinic) -> None:
    prescription_id = released(clinic)
    clinic.store.time += DAY

    clinic.store.run(end_validity(prescription_id))

    assert clinic.status(prescription_id) == "released"


def test_what_an_instalment_is_and_when_it_may_be_held_is_shown(clinic: Clinic) -> None:
    prescription_id = released(clinic)
    received(clinic, prescription_id, 1, in_hands=14)

    (shown,) = show_prescription(clinic.state(prescription_id))["instalments"]

    assert (shown["instalment"], shown["lapsed"], shown["lines"][0]["in_hands"]) == (1, False, 14)
    assert shown["received_at"] is not None


def test_the_next_one_opens_by_the_day_of_the_receipt_however_late_it_is_told(clinic: Clinic) -> None:
    prescription_id = released(clinic)
    event = dispatch.SupplyReceived.model_validate(
        {
            "prescription_id": prescription_id,
            "fulfilment_id": fulfilment_id(prescription_id, 1),
            "supply_id": uuid4(),
            "accepted": (),
            "collector_kind": "patient",
            "identity_checked": True,
            "buckets": buckets(in_hands=14),
        }
    )
    then = clinic.store.time + timedelta(minutes=10)
    clinic.store.move_clock(timedelta(hours=3))

    clinic.hear(event, at=then)
    closed(clinic, prescription_id, 1, in_hands=14)

    assert clinic.state(prescription_id).windows[1].received_at == then
    clinic.store.move_clock(then + 9 * DAY - clinic.store.time)
    assert opened(clinic, prescription_id) == [1, 2]
