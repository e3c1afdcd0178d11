"""Following dispatch: where the quantities are, what the prescriber hears, how a prescription ends, and the clock."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from contracts.events import dispatch, review
from contracts.events import prescribe as public
from contracts.events.dispatch_returned import SupplyTakenBack
from contracts.events.dispatch_road import DeliveryReturnStarted
from contracts.events.insurance_audit import AuditFlagged
from rxflow.docs.schemas import examples
from services.prescribe.application.use_cases import end_validity
from services.prescribe.domain.prescription import PRESCRIPTION, PrescriptionState, fulfilment_id
from services.prescribe.domain.prescription_events import InstalmentEnded
from tests.unit.prescribe.conftest import (
    NOW,
    PHARMACY,
    Clinic,
    buckets,
    fulfilment_event,
    line,
    supply_dispensed,
    supply_received,
)


def test_held_dispensed_and_received_completes(clinic: Clinic) -> None:
    prescription_id, supply_id = clinic.released(), uuid4()

    hold_id = clinic.held(prescription_id, held=7)
    assert clinic.state(prescription_id).holders == {hold_id: PHARMACY}
    clinic.hear(supply_dispensed(prescription_id, supply_id, hold_id, dispensed=7))
    assert clinic.state(prescription_id).holders == {supply_id: PHARMACY}
    clinic.hear(supply_received(prescription_id, supply_id, in_hands=7))
    assert clinic.state(prescription_id).holders == {}
    clinic.closed(prescription_id, "supplied", in_hands=7)

    assert clinic.status(prescription_id) == "completed"
    (told,) = clinic.store.told_of(public.PrescriptionCompleted)
    assert told.lines[0].quantity == 7
    assert clinic.feedback() == []


def test_the_prescriber_hears_of_what_did_not_go_as_prescribed(clinic: Clinic) -> None:
    prescription_id, supply_id, hold_id = clinic.released(), uuid4(), uuid4()
    back = fulfilment_event(
        prescription_id,
        dispatch.SupplyUndone,
        supply_id=supply_id,
        lines=(),
        why="not_collected",
        disposition="restocked",
        buckets=buckets(remaining=7),
    )
    ended = fulfilment_event(
        prescription_id,
        dispatch.HoldEnded,
        hold_id=hold_id,
        pharmacy=PHARMACY,
        how="released",
        reason="out_of_stock",
        freed=(),
        buckets=buckets(remaining=7),
    )

    clinic.hear(ended)
    clinic.hear(ended.model_copy(update={"reason": None, "how": "expired"}))
    clinic.hear(supply_dispensed(prescription_id, supply_id, hold_id, dispensed=4, remaining=3))
    clinic.hear(supply_received(prescription_id, supply_id, rejected=1, in_hands=3, remaining=4))
    clinic.hear(back)

    kinds = [told["kind"] for told in clinic.feedback()]
    assert kinds == ["undone", "rejected", "partly_dispensed", "out_of_stock"]
    assert clinic.state(prescription_id).buckets[1].remaining == 7


def test_what_the_patient_brings_back_is_told_and_counted_even_after_the_end(clinic: Clinic) -> None:
    prescription_id, supply_id = clinic.released(), uuid4()
    clinic.hear(supply_received(prescription_id, supply_id, in_hands=7))
    clinic.hear(
        fulfilment_event(prescription_id, dispatch.FulfilmentClosed, outcome="supplied", buckets=buckets(in_hands=7))
    )
    assert clinic.status(prescription_id) == "completed"
    taken = fulfilment_event(
        prescription_id,
        SupplyTakenBack,
        supply_id=supply_id,
        pharmacy=PHARMACY,
        lines=(),
        why="quality",
        replace_until=clinic.store.time,
        buckets=buckets(in_hands=4, replaceable=3),
    )

    clinic.hear(taken)

    assert clinic.feedback()[0]["kind"] == "taken_back"
    assert clinic.state(prescription_id).buckets[1].replaceable == 3
    assert clinic.status(prescription_id) == "completed"

    clinic.closed(prescription_id, "mixed", in_hands=4, lapsed=3)

    assert clinic.state(prescription_id).buckets[1].lapsed == 3, "nobody replaced it in time"
    last = clinic.feedback()[0]
    assert (last["kind"], last["facts"]) == ("not_replaced", {"instalment": 1, "lapsed": 3, "offer": "renew"})
    assert clinic.status(prescription_id) == "completed"


def delivery_event(prescription_id: UUID, kind: type[dispatch.DeliveryEvent], **fields: Any) -> Any:
    about = {"fulfilment_id": uuid4(), "delivery_id": uuid4(), "supply_id": uuid4()}
    return kind.model_validate({"prescription_id": prescription_id, **about, **fields})


def test_the_prescriber_hears_of_attempts_that_failed_and_of_a_parcel_that_turns_round(clinic: Clinic) -> None:
    prescription_id = clinic.released()
    failed = delivery_event(
        prescription_id, dispatch.DeliveryAttemptFailed, attempt=2, reason="nobody_there", may_retry=False
    )

    for event in (failed, delivery_event(prescription_id, DeliveryReturnStarted, reason="attempts_used_up")):
        clinic.hear(event)

    returning, attempt = clinic.feedback()
    assert (attempt["kind"], returning["kind"]) == ("delivery_failed", "delivery_returning")
    about = {name: str(getattr(failed, name)) for name in ("delivery_id", "fulfilment_id", "supply_id")}
    assert attempt["facts"] == {**about, "attempt": 2, "may_retry": False, "reason": "nobody_there"}
    assert returning["facts"]["reason"] == "attempts_used_up"
    assert clinic.state(prescription_id).buckets[1].remaining == 7


def undone(prescription_id: UUID, **where: int) -> Any:
    return fulfilment_event(
        prescription_id,
        dispatch.SupplyUndone,
        supply_id=uuid4(),
        lines=(),
        why="returned",
        disposition="quarantined",
        buckets=buckets(**where),
    )


def test_what_came_back_too_late_is_told_with_the_offer_to_renew_it(clinic: Clinic) -> None:
    prescription_id = clinic.released()
    hold_id = clinic.held(prescription_id, held=7)
    clinic.hear(supply_dispensed(prescription_id, uuid4(), hold_id, dispensed=7))
    clinic.hear(undone(prescription_id, remaining=2, dispensed=5))
    assert "offer" not in clinic.feedback()[0]["facts"]
    clinic.store.move_clock(timedelta(days=1))

    clinic.hear(undone(prescription_id, lapsed=7))

    assert clinic.feedback()[0]["kind"] == "undone"
    assert clinic.feedback()[0]["facts"]["lapsed"] == 5  # two had lapsed with the validity, as told then
    assert clinic.feedback()[0]["facts"]["offer"] == "renew"


def test_who_may_replace_it_and_does_not_brings_the_offer_to_renew(clinic: Clinic) -> None:
    prescription_id = clinic.released()
    hold_id = clinic.held(prescription_id, held=7)
    clinic.hear(supply_dispensed(prescription_id, uuid4(), hold_id, dispensed=7))
    clinic.store.move_clock(timedelta(days=1))
    clinic.hear(undone(prescription_id, replaceable=7))
    assert "offer" not in clinic.feedback()[0]["facts"]

    clinic.closed(prescription_id, "lapsed", lapsed=7)

    assert clinic.feedback()[0]["kind"] == "not_replaced"
    assert clinic.feedback()[0]["facts"] == {"instalment": 1, "lapsed": 7, "offer": "renew"}
    assert clinic.status(prescription_id) == "expired"


def test_validity_ends_at_midnight_in_shanghai(clinic: Clinic) -> None:
    issued, released = clinic.issued(), clinic.released()

    clinic.store.move_clock(timedelta(hours=15) - timedelta(seconds=1))
    assert clinic.status(issued) == "issued"
    clinic.store.move_clock(timedelta(seconds=1))

    assert clinic.status(issued) == "expired"
    assert clinic.status(released) == "closing(expired)"
    told = clinic.store.told_of(public.PrescriptionExpired)
    assert [(each.lines[0].lapsed, each.lines[0].running) for each in told] == [(7, 0), (7, 0)]


def test_the_clock_does_nothing_before_its_time(clinic: Clinic) -> None:
    prescription_id = clinic.issued()

    clinic.store.run(end_validity(prescription_id))
    clinic.store.run(end_validity(uuid4()))

    assert clinic.status(prescription_id) == "issued"


def test_a_hold_of_the_last_second_still_runs_and_what_it_frees_has_lapsed(clinic: Clinic) -> None:
    prescription_id = clinic.released()
    clinic.store.move_clock(timedelta(days=1))

    hold_id = clinic.held(prescription_id, held=5, remaining=2)
    assert clinic.state(prescription_id).buckets[1].lapsed == 2
    clinic.hear(supply_dispensed(prescription_id, uuid4(), hold_id, dispensed=5, lapsed=2))
    clinic.closed(prescription_id, "mixed", in_hands=5, lapsed=2)

    assert clinic.status(prescription_id) == "expired"
    assert len(clinic.store.told_of(public.PrescriptionExpired)) == 1


def test_dispatch_may_see_the_end_of_validity_first(clinic: Clinic) -> None:
    prescription_id = clinic.released()

    clinic.closed(prescription_id, "lapsed", lapsed=7)

    assert clinic.status(prescription_id) == "expired"
    assert len(clinic.store.told_of(public.PrescriptionExpired)) == 1


def test_a_fulfilment_closes_once(clinic: Clinic) -> None:
    prescription_id = clinic.released()
    clinic.closed(prescription_id, "supplied", in_hands=7)

    clinic.closed(prescription_id, "supplied", in_hands=7)

    ended = [each for each in clinic.store.streams[prescription_id] if isinstance(each, InstalmentEnded)]
    assert len(ended) == 1


def test_a_replacement_after_the_end_moves_quantities_only(clinic: Clinic) -> None:
    prescription_id = clinic.released()
    clinic.closed(prescription_id, "supplied", in_hands=7)

    clinic.held(prescription_id, in_hands=6, held=1)

    assert clinic.status(prescription_id) == "completed"
    assert clinic.state(prescription_id).buckets[1].held == 1


@pytest.mark.parametrize("where", [{"held": 6}, {"held": 8}])
def test_what_does_not_balance_is_refused_and_traced(clinic: Clinic, where: dict[str, int]) -> None:
    prescription_id = clinic.released()
    event = fulfilment_event(
        prescription_id,
        dispatch.QuantityHeld,
        hold_id=uuid4(),
        kind="normal",
        pharmacy=PHARMACY,
        region="330102",
        lines=(),
        way="counter",
        expires_at=clinic.store.time,
        buckets=buckets(**where),
    )

    held = clinic.hear(event)
    closed = clinic.closed(prescription_id, "mixed", **where)

    codes = [each.refusal.code for each in (held, closed) if each.refusal]
    assert codes == ["prescription.buckets_unbalanced"] * 2
    assert clinic.state(prescription_id).buckets[1].remaining == 7
    assert len(clinic.trace(prescription_id)) == 6


def test_a_line_told_twice_does_not_balance(clinic: Clinic) -> None:
    prescription_id = clinic.released()
    event = fulfilment_event(
        prescription_id, dispatch.FulfilmentClosed, outcome="supplied", buckets=buckets(in_hands=7) * 2
    )

    assert clinic.hear(event).refusal is not None


def test_facts_about_what_is_unknown_or_not_released_are_refused(clinic: Clinic) -> None:
    issued, unknown = clinic.issued(), uuid4()

    outcomes = [
        clinic.hear(supply_received(issued, uuid4(), in_hands=7)),
        clinic.hear(supply_received(unknown, uuid4(), in_hands=7)),
        clinic.closed(unknown, "supplied", in_hands=7),
    ]

    codes = [each.refusal.code for each in outcomes if each.refusal]
    assert codes == ["prescription.wrong_state", "prescription.unknown", "prescription.unknown"]


def test_facts_about_an_instalment_that_was_not_opened_are_refused(clinic: Clinic) -> None:
    prescription_id = clinic.released()
    other = fulfilment_id(prescription_id, 2)
    received = supply_received(prescription_id, uuid4(), in_hands=7).model_copy(update={"fulfilment_id": other})

    outcomes = [
        clinic.hear(received),
        clinic.fulfilment(
            prescription_id,
            dispatch.FulfilmentClosed,
            fulfilment_id=other,
            outcome="supplied",
            buckets=buckets(in_hands=7),
        ),
    ]

    assert [each.refusal.code for each in outcomes if each.refusal] == ["instalment.unknown"] * 2
    assert clinic.status(prescription_id) == "released"
    assert clinic.state(prescription_id).buckets[1].remaining == 7


def test_a_closed_fulfilment_is_refused_where_the_table_has_no_row(clinic: Clinic) -> None:
    prescription_id = clinic.released()
    instalment = clinic.store.streams[prescription_id][-1]
    issued = clinic.issued()
    clinic.store.streams[issued].append(instalment)

    outcome = clinic.closed(issued, "supplied", in_hands=7)

    assert outcome.refusal is not None
    assert outcome.refusal.code == "prescription.wrong_state"


def test_no_deadline_runs_once_it_has_ended(clinic: Clinic) -> None:
    issued = clinic.issued()
    assert set(PRESCRIPTION.next_due(clinic.state(issued))) == {"validity"}
    released = clinic.released()
    clinic.cancel(released, scope=({"line": 1, "quantity": 1},))
    assert set(PRESCRIPTION.next_due(clinic.state(released))) == {"validity", "answer_due"}
    clinic.cancel(issued)

    assert PRESCRIPTION.next_due(clinic.state(issued)) == {}
    assert PRESCRIPTION.next_due(PrescriptionState()) == {}


def test_nothing_is_signed_before_it_arrives() -> None:
    with pytest.raises(LookupError):
        _ = PrescriptionState().signed


def test_lines_end_each_on_their_own(clinic: Clinic) -> None:
    prescription_id = clinic.released(lines=[line(), line(2, "XA10BAE101A001010201234")])
    first, second = buckets(in_hands=7)[0], buckets(lapsed=7)[0].model_copy(update={"line": 2})

    clinic.fulfilment(prescription_id, dispatch.FulfilmentClosed, outcome="mixed", buckets=(first, second))

    assert clinic.status(prescription_id) == "expired"


def test_the_prescriber_hears_of_a_late_review_and_of_a_pharmacists_advice(clinic: Clinic) -> None:
    prescription_id, advice_id = clinic.released(), uuid4()
    about = {"prescription_id": prescription_id, "patient_ref": uuid4()}
    case = {"case_id": uuid4(), "revision": 1, "confirmation_no": 0, "signed_sha256": "0" * 64}
    pharmacist = {"person": "HY1", "name": "孙丽", "organisation": "H1", "signed_sha256": None}
    told = {"advice_id": advice_id, "kind": "medication_review", "prescriptions": [prescription_id]}

    clinic.hear(review.CaseEscalated.model_validate(about | case | {"level": 2, "deadline": NOW}))
    clinic.hear(
        review.AdviceGiven.model_validate(
            about | told | {"text": "建议停用", "candidates": [], "pharmacist": pharmacist}
        )
    )

    advice, late = clinic.feedback()
    assert (late["kind"], late["facts"]["level"]) == ("late", 2)
    assert (advice["kind"], advice["facts"]) == ("advice", {"advice_id": str(advice_id), "kind": "medication_review"})
    assert advice["prescription_id"] == prescription_id
    assert [entry["type"] for entry in clinic.trace(prescription_id)][-2:] == [
        "review.case_escalated.v1",
        "review.advice_given.v1",
    ]


@pytest.mark.parametrize("about_prescribing", [True, False])
def test_the_prescriber_hears_of_an_audit_that_is_about_prescribing(clinic: Clinic, about_prescribing: bool) -> None:
    prescription_id = clinic.released()
    example = examples()["insurance.audit_flagged.v1"]
    told = {**example, "prescription_id": str(prescription_id), "about_prescribing": about_prescribing}

    clinic.hear(AuditFlagged.model_validate(told))

    heard = [(entry["kind"], entry["facts"]["grade"]) for entry in clinic.feedback()]
    assert heard == ([("audit_flagged", example["grade"])] if about_prescribing else [])
    assert clinic.trace(prescription_id)[-1]["type"] == "insurance.audit_flagged.v1"
