"""What the authorities decide, and what the clock has decided before them."""

from datetime import date
from typing import Any
from uuid import uuid4

import pytest

from contracts.events.shortage import ShortageCaseConfirmed, ShortageCaseEnded
from services.seedwork.ports import Outcome
from services.shortage.domain.case_transitions import CASE_TRANSITIONS
from services.shortage.domain.policy import POLICIES
from tests.unit.shortage.conftest import HOUR, Region, authority


@pytest.fixture
def suspected(region: Region) -> Region:
    region.unfilled("P1")
    region.unfilled("P2")
    return region


def code(outcome: Outcome) -> str | None:
    return outcome.refusal.code if outcome.refusal else None


@pytest.mark.parametrize("place", ["330000", "000000"])
def test_the_authority_of_the_region_or_above_confirms(suspected: Region, place: str) -> None:
    outcome = suspected.confirm(suspected.id(), authority(place))

    assert outcome.body == {"case_id": str(suspected.id()), "state": "confirmed", "grade": "IV"}
    (confirmed,) = suspected.store.told_of(ShortageCaseConfirmed)
    assert confirmed.confirmed_by == "regulator"


@pytest.mark.parametrize("place", ["610000", "330100", None])
def test_another_authority_or_one_below_decides_nothing(suspected: Region, place: Any) -> None:
    assert code(suspected.confirm(suspected.id(), authority(place))) == "shortage.not_your_region"
    assert code(suspected.dismiss(suspected.id(), authority(place))) == "shortage.not_your_region"


def test_a_dismissed_case_is_told_and_decided_for_good(suspected: Region) -> None:
    suspected.store.time += 5 * HOUR

    assert suspected.dismiss(suspected.id(), authority()).body["state"] == "dismissed"

    (ended,) = suspected.store.told_of(ShortageCaseEnded)
    assert (ended.ended_as, ended.duration_hours) == ("dismissed", 5)
    assert code(suspected.confirm(suspected.id(), authority())) == "shortage.wrong_state"
    assert code(suspected.dismiss(suspected.id(), authority())) == "shortage.wrong_state"


def test_a_confirmed_case_is_neither_confirmed_again_nor_dismissed(suspected: Region) -> None:
    suspected.unfilled("P3")

    assert code(suspected.confirm(suspected.id(), authority())) == "shortage.wrong_state"
    assert code(suspected.dismiss(suspected.id(), authority())) == "shortage.wrong_state"


def test_a_suspicion_that_is_over_cannot_be_decided_whether_the_clock_has_noticed_or_not(suspected: Region) -> None:
    suspected.store.time += 48 * HOUR

    outcome = suspected.confirm(suspected.id(), authority())

    assert code(outcome) == "shortage.wrong_state"
    assert outcome.refusal is not None
    assert outcome.refusal.facts["state"] == "dismissed"


def test_an_unknown_case_cannot_be_decided(region: Region) -> None:
    assert code(region.confirm(uuid4(), authority())) == "shortage.unknown"
    assert code(region.dismiss(uuid4(), authority())) == "shortage.unknown"


def test_days_before_the_first_version_of_the_policy_are_under_the_first() -> None:
    assert POLICIES.on(date(2000, 1, 1), "cn") is POLICIES.of("cn").versions[0]
    assert POLICIES.on(date(2026, 1, 1), "cn") is POLICIES.of("cn").versions[-1]


def test_every_step_of_the_table_starts_from_a_state_that_some_step_reaches() -> None:
    reached = {row.next.split(" ")[0] for row in CASE_TRANSITIONS.rows}

    assert {row.state for row in CASE_TRANSITIONS.rows} - {"-"} <= reached
