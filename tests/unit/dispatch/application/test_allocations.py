"""While a drug is short, no hold takes more of it than the allocation allows; the rest stays with the prescription."""

from datetime import date
from typing import Any
from uuid import UUID, uuid4

import pytest

from contracts.events import shortage_responses as told
from services.dispatch.domain.allocation import ALLOCATIONS_IN_FORCE
from services.seedwork.ports import Outcome
from tests.unit.dispatch.town import B, Town, fine, refused

KEY = "卡托普利|片剂|25mg"


def limit(town: Town, max_days: int = 14, **changes: Any) -> UUID:
    event = told.AllocationSet.model_validate(
        {
            "allocation_id": uuid4(),
            "case_id": uuid4(),
            "drug_key": KEY,
            "region": "43",
            "max_days": max_days,
            "valid_from": date(2026, 3, 1),
            **changes,
        }
    )
    town.store.react(event)
    town.store.react(event)  # told again
    return event.allocation_id


def end(town: Town, allocation_id: UUID) -> told.AllocationEnded:
    event = told.AllocationEnded(allocation_id=allocation_id, case_id=uuid4(), drug_key=KEY, ended_as="case_over")
    town.store.react(event)
    town.store.react(event)
    return event


def hold(town: Town, fulfilment: UUID, quantity: int, **more: Any) -> Outcome:
    return town.try_hold(fulfilment, (1, quantity), **more)


@pytest.fixture
def prescribed(town: Town) -> UUID:
    """60 tablets for 30 days."""
    return town.release(60, days=30)


def test_no_more_than_the_limit_is_held_and_the_rest_remains(town: Town, prescribed: UUID) -> None:
    limit(town)
    outcome = hold(town, prescribed, 29)
    refused(outcome, "hold.over_allocation")
    assert outcome.refusal is not None
    assert outcome.refusal.facts == {"line": 1, "max_days": 14, "max_quantity": 28}
    fine(hold(town, prescribed, 28))
    assert town.buckets(prescribed)["remaining"] == 32


def test_the_tightest_of_several_limits_counts(town: Town, prescribed: UUID) -> None:
    limit(town, 14)
    limit(town, 7, region="430102")
    refused(hold(town, prescribed, 28), "hold.over_allocation")
    fine(hold(town, prescribed, 28, pharmacy=B))  # another county


@pytest.mark.parametrize(
    "elsewhere",
    [{"region": "33"}, {"drug_key": "卡托普利|片剂|50mg"}, {"valid_from": date(2026, 3, 3)}],
)
def test_a_limit_of_elsewhere_of_another_drug_or_of_tomorrow_limits_nothing(
    town: Town, prescribed: UUID, elsewhere: dict[str, Any]
) -> None:
    limit(town, **elsewhere)
    fine(hold(town, prescribed, 60))


def test_it_ends_at_once_and_a_beginning_that_is_told_late_changes_nothing(town: Town, prescribed: UUID) -> None:
    allocation = limit(town)
    end(town, allocation)
    late = uuid4()
    end(town, late)
    limit(town, allocation_id=late)
    assert town.store.state(ALLOCATIONS_IN_FORCE).limits == {}
    fine(hold(town, prescribed, 60))


def test_whoever_is_treated_for_what_comes_first_is_not_limited(town: Town) -> None:
    first = town.release(60, days=30, diagnoses=[{"code": "I10.x00x002", "name": "高血压"}])
    other = town.release(60, days=30, diagnoses=[{"code": "J18.900", "name": "肺炎"}])
    forgotten = town.release(60, days=30, diagnoses=None)
    limit(town, priority_diagnoses=("I10",))
    fine(hold(town, first, 60))
    refused(hold(town, other, 60), "hold.over_allocation")
    refused(hold(town, forgotten, 60), "hold.over_allocation")


def test_of_a_line_that_says_no_days_nobody_can_tell(town: Town) -> None:
    limit(town)
    fine(hold(town, town.release(60), 60))
