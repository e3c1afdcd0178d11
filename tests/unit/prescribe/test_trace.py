"""The trace: every event of the four services that know a prescription, causes before effects, with proofs."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

from contracts.envelope import message_id
from contracts.events import EVENTS, dispatch, review, shortage, shortage_responses
from services.prescribe.application.reactions import EFFECTS, REACTIONS, TRACED_FAMILIES
from services.prescribe.application.views import trace_lines
from services.prescribe.domain.trace import SUMMARY_FIELDS, Entry, causal_order, summary_of
from tests.unit.prescribe.conftest import NOW, PHARMACY, Clinic, fulfilment_event


def entry(name: str, *, at: int, **more: Any) -> Entry:
    fields = {
        "stream": name,
        "seq": 1,
        "own": False,
        "known_at": 10**9,
        "message_id": name,
        "causation_id": None,
        "row": {},
    }
    return Entry(**{**fields, "occurred_at": at, **more})


def names(entries: list[Entry]) -> list[str | None]:
    return [each.message_id for each in entries]


def test_every_event_of_the_traced_families_is_recorded(clinic: Clinic) -> None:
    taken = {event for event in EVENTS.values() if event.FAMILY in TRACED_FAMILIES}

    protocols = {shortage.ProtocolIssued, shortage.ProtocolEnded}
    allocations = {shortage_responses.AllocationSet, shortage_responses.AllocationEnded}
    assert set(REACTIONS) == taken | protocols | allocations
    assert set(EFFECTS) <= taken
    assert all("prescription_id" in event.model_fields for event in taken)


def test_a_foreign_event_stands_in_the_trace_with_its_proof(clinic: Clinic) -> None:
    prescription_id = clinic.issued()

    clinic.answer(prescription_id, review.CaseReturned)

    told = trace_lines(clinic.trace(prescription_id))
    assert [each["type"] for each in told] == [
        "prescribe.prescription.prescription_issued",
        "review.case_returned.v1",
        "prescribe.prescription.prescription_returned",
    ]
    foreign = told[1]
    assert (foreign["service"], foreign["actor"], len(foreign["hash"])) == ("review", "HY330102000001", 64)
    assert foreign["summary"]["codes"] == ["1-12"]
    assert "请说明理由" not in str(told)


def test_what_moves_nothing_is_recorded_too(clinic: Clinic) -> None:
    prescription_id = clinic.released()

    clinic.hear(
        dispatch.DeliveryHandedOver(
            prescription_id=prescription_id,
            fulfilment_id=uuid4(),
            delivery_id=uuid4(),
            supply_id=uuid4(),
            courier="顺",
            seal_no="S1",
            proof_sha256="0" * 64,
        )
    )

    assert trace_lines(clinic.trace(prescription_id))[-1]["summary"]["seal_no"] == "S1"


def test_an_event_is_recorded_and_applied_once(clinic: Clinic) -> None:
    prescription_id = clinic.issued()
    signed = clinic.state(prescription_id).signed
    closed = review.CaseClosed(
        case_id=uuid4(),
        prescription_id=prescription_id,
        patient_ref=signed.patient_ref,
        revision=1,
        confirmation_no=0,
        signed_sha256=signed.signature.sha256,
        closed_as="withdrawn",
    )
    held = fulfilment_event(
        clinic.released(),
        dispatch.QuantityHeld,
        hold_id=uuid4(),
        kind="normal",
        pharmacy=PHARMACY,
        region="330102",
        lines=(),
        way="counter",
        expires_at=NOW,
        buckets=({"line": 1, "held": 7} | dict.fromkeys(ALL_BUT_HELD, 0),),
    )
    before = len(clinic.store.streams[held.prescription_id])

    for event in (closed, held):
        envelope = clinic.envelope(event)
        for _ in range(2):
            clinic.hear(event, envelope=envelope)

    assert len(clinic.trace(prescription_id)) == 2
    assert len(clinic.store.streams[held.prescription_id]) == before + 1


ALL_BUT_HELD = ("remaining", "dispensed", "in_hands", "replaceable", "cancelled", "lapsed")


def test_a_summary_never_says_what_is_personal(clinic: Clinic) -> None:
    refused = EVENTS["review.case_refused.v1"]
    assert "reason" in SUMMARY_FIELDS
    assert "reason" in refused.model_fields
    prescription_id = clinic.issued()

    clinic.answer(prescription_id, review.CaseRefused)

    assert "reason" not in trace_lines(clinic.trace(prescription_id))[1]["summary"]
    assert summary_of(clinic.state(prescription_id).signed)["prescriber"]


def test_an_effect_stands_behind_its_cause_whatever_the_clocks_say() -> None:
    cause, effect = entry("cause", at=9), entry("effect", at=1, causation_id="cause")

    assert names(causal_order([effect, cause])) == ["cause", "effect"]


def test_a_stream_keeps_its_order_whatever_the_clock_said() -> None:
    first, second = entry("a1", at=5, stream="a"), entry("a2", at=4, stream="a", seq=2)

    assert names(causal_order([second, first])) == ["a1", "a2"]


def test_what_prescribe_knew_stands_before_what_it_did() -> None:
    told = entry("told", at=9, known_at=7)
    own = entry("own", at=7, known_at=7, own=True)

    assert names(causal_order([own, told])) == ["told", "own"]


def test_independent_events_stand_by_time() -> None:
    assert names(causal_order([entry("b", at=2), entry("a", at=1)])) == ["a", "b"]


def test_contradicting_causes_hide_nothing() -> None:
    egg = entry("egg", at=1, causation_id="hen")
    hen = entry("hen", at=2, causation_id="egg")

    assert names(causal_order([hen, egg, entry("self", at=0, causation_id="self")])) == ["self", "egg", "hen"]


def test_own_events_are_found_as_causes_by_their_public_number(clinic: Clinic) -> None:
    prescription_id = clinic.issued()
    signed = clinic.state(prescription_id).signed
    slow_clock = NOW - timedelta(hours=1)

    clinic.hear(
        review.CaseClosed(
            case_id=uuid4(),
            prescription_id=prescription_id,
            patient_ref=signed.patient_ref,
            revision=1,
            confirmation_no=0,
            signed_sha256=signed.signature.sha256,
            closed_as="superseded",
        ),
        at=slow_clock,
        causation=str(message_id(prescription_id, 1)),
    )

    told = trace_lines(clinic.trace(prescription_id))
    assert [each["service"] for each in told] == ["prescribe", "review"]
