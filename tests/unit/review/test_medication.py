"""What a patient takes: from prescriptions in circulation and supplies in hands, day by day."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest

from contracts.events.dispatch import SupplyDispensed, SupplyReceived
from contracts.events.dispatch_returned import SupplyTakenBack
from contracts.events.prescribe import (
    PrescriptionCancelled,
    PrescriptionCompleted,
    PrescriptionExpired,
    PrescriptionIssued,
)
from services.review.application.reactions import on_supply_taken_back
from services.review.domain.case import case_id, case_ref
from services.review.domain.medication import (
    MEDICATION,
    MedicationState,
    PrescriptionEnded,
    PrescriptionListed,
    current_medicines,
    medication_ref,
    shorten_supply,
)
from tests.support.store_in_memory import enveloped
from tests.unit.review.conftest import NOW, Hospital, issued, line, released

EXAMPLES = Path(__file__).parents[3] / "contracts" / "examples"
PATIENT = UUID(int=7)
TODAY = date(2026, 3, 2)
NUMBERS = count(1)
ASPIRIN = "阿司匹林|片剂|100mg"


def prescribed(
    hospital: Hospital, *, days: int = 7, drug: str = "阿司匹林|片剂|100mg", **changes: Any
) -> PrescriptionIssued:
    """One drug for so many days, three a day, in circulation."""
    event = issued(lines=[line(days=days, drug_key=drug) | {"generic_name": drug.partition("|")[0]}], **changes)
    hospital.store.react(event)
    hospital.store.react(released(event))
    return event


def receive(
    hospital: Hospital, event: PrescriptionIssued, quantity: int, *, on: date = TODAY, supply: UUID | None = None
) -> None:
    fields = {
        "prescription_id": event.prescription_id,
        "fulfilment_id": uuid4(),
        "supply_id": supply or uuid4(),
        "accepted": [{"line": 1, "quantity": quantity}],
        "collector_kind": "patient",
        "identity_checked": True,
        "buckets": [],
    }
    hospital.store.react(SupplyReceived.model_validate(fields), datetime(on.year, on.month, on.day, 2, tzinfo=UTC))


def until(hospital: Hospital, day: date = TODAY) -> dict[str, date]:
    state = hospital.store.state(medication_ref(PATIENT))
    return {each.generic_name: each.until for each in current_medicines(state, day)}


def bring_back(hospital: Hospital, event: PrescriptionIssued, supply: UUID, quantity: int, line_no: int = 1) -> Any:
    fields = {
        "prescription_id": event.prescription_id,
        "fulfilment_id": uuid4(),
        "supply_id": supply,
        "pharmacy": "P43010200001",
        "lines": [{"line": line_no, "quantity": quantity, "bucket": "replaceable"}],
        "why": "quality",
        "replace_until": NOW,
        "buckets": [],
    }
    told = SupplyTakenBack.model_validate(fields)
    envelope = replace(enveloped(told, NOW), public_seq=next(NUMBERS))
    return hospital.store.run(on_supply_taken_back(told, envelope))


def ended(event: PrescriptionIssued, kind: Any) -> Any:
    more = {
        PrescriptionCancelled: {"request_id": uuid4(), "reason_code": "x"},
        PrescriptionExpired: {"valid_until": NOW},
        PrescriptionCompleted: {},
    }[kind]
    names = {"prescription_id": event.prescription_id, "patient_ref": PATIENT, "lines": []}
    return kind.model_validate(names | more)


def test_what_is_in_circulation_counts_for_its_days(hospital: Hospital) -> None:
    prescribed(hospital, days=7)

    assert until(hospital) == {"阿司匹林": date(2026, 3, 8)}
    assert until(hospital, date(2026, 3, 8)) != {}
    assert until(hospital, date(2026, 3, 9)) == {}


def test_what_is_brought_back_is_not_taken_any_more(hospital: Hospital) -> None:
    event, supply = prescribed(hospital, days=7), uuid4()
    receive(hospital, event, 21, supply=supply)
    hospital.store.react(ended(event, PrescriptionCompleted))
    assert until(hospital) == {"阿司匹林": date(2026, 3, 8)}

    bring_back(hospital, event, supply, 8)
    assert until(hospital) == {"阿司匹林": date(2026, 3, 6)}  # 13 are left, three a day
    bring_back(hospital, event, supply, 2, line_no=9)
    bring_back(hospital, event, uuid4(), 5)
    assert until(hospital) == {"阿司匹林": date(2026, 3, 6)}

    bring_back(hospital, event, supply, 13)
    assert until(hospital) == {}


def test_the_same_return_told_twice_counts_once(hospital: Hospital) -> None:
    event, supply = prescribed(hospital, days=7), uuid4()
    receive(hospital, event, 21, supply=supply)
    hospital.store.react(ended(event, PrescriptionCompleted))
    state = hospital.store.state(medication_ref(PATIENT))
    written = hospital.store.state(case_ref(case_id(event.prescription_id, 1, 0))).opened.lines
    lines, message = {each.line: each for each in written}, uuid4()

    told = shorten_supply(state, PATIENT, event.prescription_id, supply, {1: 3}, lines, message)
    again = shorten_supply(MEDICATION.fold(told, state), PATIENT, event.prescription_id, supply, {1: 3}, lines, message)

    assert (len(told), again) == (1, [])
    unknown = shorten_supply(state, PATIENT, event.prescription_id, supply, {1: 3}, {}, uuid4())
    assert MEDICATION.fold(unknown, state).supplied == state.supplied


def test_a_return_of_what_no_case_is_known_of_changes_nothing(hospital: Hospital) -> None:
    event = issued(lines=[line(days=7, drug_key=ASPIRIN)])

    assert bring_back(hospital, event, uuid4(), 1).refusal is None
    assert until(hospital) == {}


def test_what_is_only_issued_does_not_count(hospital: Hospital) -> None:
    hospital.issue()

    assert until(hospital) == {}


@pytest.mark.parametrize(("quantity", "last"), [(21, 8), (20, 8), (3, 2), (1, 2)])
def test_a_supply_lasts_as_long_as_its_directions_make_of_it(hospital: Hospital, quantity: int, last: int) -> None:
    event = prescribed(hospital, days=7)
    receive(hospital, event, quantity)
    hospital.store.react(ended(event, PrescriptionCompleted))

    assert until(hospital) == {"阿司匹林": date(2026, 3, last)}


def test_the_second_supply_begins_where_the_first_ends(hospital: Hospital) -> None:
    event = prescribed(hospital, days=14)
    receive(hospital, event, 21)
    receive(hospital, event, 21, on=date(2026, 3, 5))

    assert until(hospital) == {"阿司匹林": date(2026, 3, 15)}


def test_a_supply_after_a_gap_begins_on_its_day(hospital: Hospital) -> None:
    event = prescribed(hospital, days=14)
    receive(hospital, event, 21)
    receive(hospital, event, 21, on=date(2026, 3, 20))

    assert until(hospital, date(2026, 3, 20)) == {"阿司匹林": date(2026, 3, 26)}


@pytest.mark.parametrize("kind", [PrescriptionCancelled, PrescriptionExpired, PrescriptionCompleted])
def test_the_end_takes_off_what_never_came_and_leaves_what_was_received(hospital: Hospital, kind: Any) -> None:
    nothing = prescribed(hospital, drug="氨氯地平|片剂|5mg")
    part = prescribed(hospital, drug="二甲双胍|片剂|0.5g")
    receive(hospital, part, 9)

    hospital.store.react(ended(nothing, kind))
    hospital.store.react(ended(part, kind))

    assert until(hospital) == {"二甲双胍": date(2026, 3, 4)}


def test_whatever_is_told_twice_counts_once(hospital: Hospital) -> None:
    event, supply = prescribed(hospital), uuid4()
    for _ in range(2):
        hospital.store.react(released(event))
        receive(hospital, event, 21, supply=supply)
    once = hospital.store.log_index

    receive(hospital, event, 21, supply=supply)
    hospital.store.react(ended(event, PrescriptionExpired))
    hospital.store.react(ended(event, PrescriptionExpired))
    hospital.store.react(released(event))

    assert hospital.store.log_index == once + 2  # the case closed, the expectation ended
    assert until(hospital) == {"阿司匹林": date(2026, 3, 8)}


def test_rejected_lines_and_strange_prescriptions_do_not_count(hospital: Hospital) -> None:
    event = prescribed(hospital)
    hospital.store.react(ended(event, PrescriptionExpired))
    receive(hospital, event, 0)
    stranger = issued()
    receive(hospital, stranger, 5)
    hospital.store.react(released(stranger))

    assert until(hospital) == {}


def test_a_new_prescription_is_screened_against_what_the_patient_takes_but_not_against_itself(
    hospital: Hospital,
) -> None:
    first = prescribed(hospital)
    receive(hospital, first, 21)
    second = issued()
    hospital.store.react(second)
    hospital.store.react(first.model_copy(update={"revision": 2, "kind": "amended"}))

    def known(event: PrescriptionIssued, revision: int) -> list[str]:
        opened = hospital.store.state(case_ref(case_id(event.prescription_id, revision, 0))).opened
        return [each.generic_name for each in opened.clinical.current_medicines]

    assert known(second, 1) == ["阿司匹林"]
    assert known(first, 2) == []


def test_other_patients_medicines_are_not_known(hospital: Hospital) -> None:
    prescribed(hospital)
    other = hospital.issue(patient_ref=UUID(int=8))

    assert hospital.store.state(case_ref(other)).opened.clinical.current_medicines == ()


def test_of_a_forgotten_patient_nothing_is_left_on_the_list() -> None:
    state = MEDICATION.fold(
        [PrescriptionListed(patient_ref=PATIENT, prescription_id=UUID(int=1), medicines=None)], MedicationState()
    )

    assert current_medicines(state, TODAY) == ()
    assert MEDICATION.fold([PrescriptionEnded(prescription_id=UUID(int=1))], state).expected == {UUID(int=1): None}


def test_each_drug_stands_once_with_its_last_day(hospital: Hospital) -> None:
    prescribed(hospital, days=7)
    prescribed(hospital, days=28)
    prescribed(hospital, days=14)

    state = hospital.store.state(medication_ref(PATIENT))

    assert [medicine.until for medicine in current_medicines(state, TODAY)] == [TODAY + timedelta(days=27)]


def dispense(hospital: Hospital, event: PrescriptionIssued, supply: UUID, substitution: str = "protocol") -> None:
    """A supply of the first line, given as something else."""
    example = orjson.loads((EXAMPLES / "dispatch.supply_dispensed.v1.json").read_bytes())
    given = {
        "product": "XB",
        "generic_name": "氯吡格雷",
        "drug_key": "氯吡格雷|片剂|75mg",
        "substitution": substitution,
    }
    lines = [{**example["lines"][0], "line": 1, **given}]
    told = {**example, "prescription_id": event.prescription_id, "supply_id": supply, "lines": lines}
    for _ in range(2):
        hospital.store.react(SupplyDispensed.model_validate(told))


def test_a_substitute_is_what_the_patient_takes_once_it_is_in_hands(hospital: Hospital) -> None:
    event, supply = prescribed(hospital, days=7), uuid4()
    dispense(hospital, event, supply)
    assert set(until(hospital)) == {"阿司匹林"}

    receive(hospital, event, 21, supply=supply)

    assert until(hospital)["氯吡格雷"] == date(2026, 3, 8)


def test_another_brand_is_the_same_medicine(hospital: Hospital) -> None:
    event, supply = prescribed(hospital, days=7), uuid4()
    dispense(hospital, event, supply, "brand")

    receive(hospital, event, 21, supply=supply)

    assert set(until(hospital)) == {"阿司匹林"}


def test_a_substitute_of_an_unknown_prescription_is_not_kept(hospital: Hospital) -> None:
    before = len(hospital.store.log)

    dispense(hospital, issued(), uuid4())

    assert len(hospital.store.log) == before
