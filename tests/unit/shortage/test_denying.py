"""Sources that say there is enough of what is suspected to be short."""

from datetime import timedelta
from typing import Any

import pytest

from contracts.events.shortage import ShortageCaseConfirmed, ShortageCaseEnded
from services.seedwork.ports import Outcome
from services.shortage.application.intake import judge_signs
from services.shortage.domain.detection.cover import SupplyStatus
from services.shortage.domain.events import SourceDenied
from services.shortage.domain.values import SourceKind
from services.shortage.domain.watch import watch_ref
from tests.unit.shortage.conftest import DRUG, HOUR, NINGBO, NOW, Region, authority
from tests.unit.shortage.test_case_life import confirmed, report
from tests.unit.shortage.test_imports import MINUTE, load, row

ENOUGH: dict[str, Any] = {"status": SupplyStatus.SUFFICIENT}


@pytest.fixture
def suspected(region: Region) -> Region:
    region.unfilled("P1")
    region.unfilled("P2", demand="line-2")
    region.store.time += HOUR
    return region


def hospital(region: Region, key: str = "H-1", /, **changed: Any) -> Outcome:
    return report(region, key, **{"reporter": "H1", **ENOUGH, **changed})


def register(region: Region, key: str = "R-1", /, **changed: Any) -> Outcome:
    told = {"reporter": "浙江省短缺清单", "source": SourceKind.REGISTER, "region": "33", **ENOUGH, **changed}
    return report(region, key, **told)


def test_two_independent_kinds_of_source_dismiss_without_anybody(suspected: Region) -> None:
    hospital(suspected)
    assert suspected.case().status == "suspected", "one kind alone does not"
    hospital(suspected, "H-2", reporter="H2", region=NINGBO)
    assert suspected.case().status == "suspected", "nor twice"
    register(suspected)

    case = suspected.case()
    assert case.status == "dismissed"
    assert case.ended is not None
    assert set(case.ended.denied_by) == {SourceKind.DIRECT_REPORT, SourceKind.REGISTER}
    (told,) = suspected.store.told_of(ShortageCaseEnded)
    assert told.ended_as == "dismissed_auto"


def test_what_speaks_for_it_again_makes_what_was_said_before_void(suspected: Region) -> None:
    hospital(suspected)
    suspected.unfilled("P1", demand="line-3")
    suspected.store.time += MINUTE
    register(suspected)
    assert suspected.case().status == "suspected"

    suspected.store.time += MINUTE
    hospital(suspected, "H-2")
    assert suspected.case().status == "dismissed"


@pytest.mark.parametrize(
    "changed",
    [{"trust": "third_party"}, {"status": None}, {"region": "61"}, {"occurred_at": NOW - timedelta(days=40)}],
    ids=["third-party", "says-nothing", "elsewhere", "long-ago"],
)
def test_who_is_not_to_be_believed_or_speaks_of_something_else_ends_nothing(
    suspected: Region, changed: dict[str, Any]
) -> None:
    register(suspected)
    hospital(suspected, **changed)

    assert suspected.case().status == "suspected"


def test_a_confirmed_case_ends_by_its_periods_and_not_by_words(region: Region) -> None:
    confirmed(region)
    before = region.store.told_of(ShortageCaseConfirmed)
    hospital(region)
    register(region)

    assert region.case().status == "confirmed"
    assert len(before) == 1
    assert not [each for each in region.store.streams[region.id()] if isinstance(each, SourceDenied)]


def test_who_takes_a_report_back_is_counted_no_more(region: Region) -> None:
    for hospital_no in (1, 2, 3):
        report(region, f"W-{hospital_no}", reporter=f"H{hospital_no}")
    region.store.time += HOUR
    hospital(region, "W-1", reporter="H1")
    region.confirm(region.id(), authority())

    assert set(region.case().reporters) == {"H2", "H3"}
    assert region.case().grade == "IV"


def test_in_bulk_only_what_is_suspected_hears_of_what_there_is_enough_of(suspected: Region) -> None:
    load(suspected, row("B-1", status=1, occurred_at=suspected.store.time.isoformat()))
    suspected.store.move_clock(MINUTE)
    register(suspected)
    assert suspected.case().status == "dismissed"

    suspected.store.time += HOUR
    before = suspected.store.log_index
    load(suspected, row("B-2", status=1, occurred_at=suspected.store.time.isoformat()))
    assert suspected.store.log_index == before + 1, "kept, and nobody is woken"


def test_of_what_comes_within_one_tick_the_later_word_counts(region: Region) -> None:
    report(region)
    region.store.time += HOUR
    later, earlier = region.store.time.isoformat(), (region.store.time - MINUTE).isoformat()
    load(region, row("B-1", status=1, occurred_at=earlier), row("B-2", status=3, occurred_at=later))
    load(region, row("R-1", status=1, occurred_at=earlier), source=SourceKind.REGISTER)
    region.store.time += MINUTE
    region.store.run(judge_signs(watch_ref(DRUG).stream_id))

    assert region.case().status == "suspected"
