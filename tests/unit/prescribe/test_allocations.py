"""Who issues for longer than one supply may cover while the drug is short is told so; it is issued all the same."""

from datetime import date
from typing import Any
from uuid import UUID, uuid4

from contracts.events import shortage_responses as told
from services.prescribe.domain.allocation import ALLOCATIONS_IN_FORCE
from tests.unit.prescribe.conftest import Clinic, line

KEY = "苯磺酸氨氯地平|片剂|5mg"


def limit(clinic: Clinic, max_days: int = 5, **changes: Any) -> UUID:
    event = told.AllocationSet.model_validate(
        {
            "allocation_id": uuid4(),
            "case_id": uuid4(),
            "drug_key": KEY,
            "region": "33",
            "max_days": max_days,
            "valid_from": date(2026, 3, 1),
            **changes,
        }
    )
    clinic.hear(event)
    clinic.hear(event)
    return event.allocation_id


def end(clinic: Clinic, allocation_id: UUID) -> None:
    event = told.AllocationEnded(allocation_id=allocation_id, case_id=uuid4(), drug_key=KEY, ended_as="withdrawn")
    clinic.hear(event)
    clinic.hear(event)


def warnings(clinic: Clinic, **changes: Any) -> list[dict[str, Any]]:
    outcome = clinic.issue(**changes)
    assert outcome.refusal is None, outcome.refusal
    found: list[dict[str, Any]] = outcome.body["warnings"]
    return found


def test_a_line_for_longer_than_one_supply_may_cover_is_warned_of(clinic: Clinic) -> None:
    assert warnings(clinic) == []
    allocation = limit(clinic)
    limit(clinic, 6, region="3301")
    (warning,) = warnings(clinic)
    assert warning["warning"] == "allocation"
    assert (warning["line"], warning["max_days"], warning["max_quantity"]) == (1, 5, 5)
    assert warning["allocation_id"] == str(allocation)
    assert warnings(clinic, lines=[line(days=5, quantity=5)]) == []


def test_elsewhere_another_drug_tomorrow_and_who_comes_first_are_not_warned_of(clinic: Clinic) -> None:
    for changes in (
        {"region": "61"},
        {"drug_key": "别的|片剂|5mg"},
        {"valid_from": date(2030, 1, 1)},
        {"priority_diagnoses": ("I10",)},
    ):
        limit(clinic, **changes)
    assert warnings(clinic) == []


def test_what_has_ended_is_not_warned_of_in_whatever_order_it_is_told(clinic: Clinic) -> None:
    end(clinic, limit(clinic))
    late = uuid4()
    end(clinic, late)
    limit(clinic, allocation_id=late)
    assert clinic.store.state(ALLOCATIONS_IN_FORCE).limits == {}
    assert warnings(clinic) == []
