"""Corners of watching a case, decided directly."""

from datetime import timedelta
from uuid import uuid4

from services.shortage.application import use_cases
from services.shortage.domain.case import CASE, CaseState
from services.shortage.domain.denying import denied
from services.shortage.domain.events import CaseConfirmed, CaseSuspected, EvidenceAdded, NoticeEnded, PeriodJudged
from services.shortage.domain.grading import Grade
from services.shortage.domain.policy import POLICIES
from services.shortage.domain.values import Signal, SourceKind
from services.shortage.domain.watching import fed, joined, notice_ended, period_over
from tests.unit.shortage.conftest import DRUG, HANGZHOU, HOUR, NINGBO, NOW, Region

POLICY = POLICIES.of("cn").versions[-1]
OLD_EVIDENCE = {
    "window_hours": 24, "demands": 3, "pharmacies": 3, "in_one_county": 3, "counties": 1, "cities": 1, "provinces": 1,
    "contradictory": 0, "first_at": NOW, "last_at": NOW,
}  # fmt: skip


def signal(pharmacy: str, region: str = HANGZHOU, *, contradictory: bool = False) -> Signal:
    return Signal(demand_key=pharmacy, pharmacy=pharmacy, region=region, occurred_at=NOW, contradictory=contradictory)


def case_of_an_older_release() -> CaseState:
    """As it was stored when a case had no sources, tasks and periods."""
    suspected = CaseSuspected.model_validate(
        {
            "case_id": uuid4(),
            "drug_key": DRUG,
            "region": "33",
            "n": 1,
            "evidence": OLD_EVIDENCE,
            "policy_version": "cn-2020-07",
            "previous_case": None,
            "counts_from": None,
            "suspected_at": NOW,
            "quiet_at": NOW + 48 * HOUR,
        }
    )
    added = EvidenceAdded.model_validate({"evidence": OLD_EVIDENCE, "quiet_at": NOW + 48 * HOUR})
    confirmed = CaseConfirmed.model_validate(
        {
            "grade": "III",
            "owner_level": "city",
            "confirmed_by": "rule",
            "reason": None,
            "evidence": OLD_EVIDENCE,
            "policy_version": "cn-2020-07",
            "confirmed_at": NOW,
        }
    )
    return CASE.fold([suspected, added, confirmed])


def test_a_case_of_an_older_release_is_open_and_watched_from_its_next_signal_on() -> None:
    old = case_of_an_older_release()
    assert (old.status, old.grade, old.period_at) == ("confirmed", Grade.III, None)

    told = fed(old, [signal("P9")], [signal("P9")], NOW + HOUR, POLICY)

    (judged,) = told
    assert isinstance(judged, PeriodJudged)
    assert CASE.fold(told, old).period_at == NOW + HOUR + POLICY.period


def test_only_a_confirmed_case_is_fed_and_only_by_what_counts() -> None:
    strict = POLICY.model_copy(update={"contradictory_signals_count": False})
    doubtful = signal("P9", contradictory=True)

    assert fed(CaseState(), [signal("P9")], [signal("P9")], NOW, POLICY) == []
    assert fed(case_of_an_older_release(), [doubtful], [doubtful], NOW, strict) == []


def test_a_sign_for_a_case_that_is_over_changes_nothing() -> None:
    assert joined(CaseState(), SourceKind.REGISTER, (), NOW, POLICY) == []


def test_a_sign_of_a_kind_is_recorded_once_a_period() -> None:
    first = joined(case_of_an_older_release(), SourceKind.REGISTER, ("a",), NOW, POLICY)
    case = CASE.fold(first, case_of_an_older_release())

    assert joined(case, SourceKind.REGISTER, ("b",), NOW + POLICY.period - HOUR, POLICY) == []
    assert len(joined(case, SourceKind.REGISTER, ("b",), NOW + POLICY.period, POLICY)) == 1


def test_a_timer_that_fires_too_early_judges_nothing(region: Region) -> None:
    for pharmacy in ("P1", "P2", "P3"):
        region.unfilled(pharmacy)

    assert period_over(region.case(), [], NOW + timedelta(hours=1), POLICY) == []
    assert period_over(CaseState(), [], NOW, POLICY) == []
    region.store.run(use_cases.judge_period(uuid4()))
    assert region.case().better_periods == 0


def test_a_period_whose_spread_is_wider_than_any_of_its_days_raises_the_grade(region: Region) -> None:
    for pharmacy in ("P1", "P2", "P3"):
        region.unfilled(pharmacy)
    spread = [signal("P1"), signal("P9", NINGBO).model_copy(update={"occurred_at": NOW + 60 * HOUR})]

    judged, graded = period_over(region.case(), spread, NOW + POLICY.period, POLICY)

    assert graded.grade is Grade.II  # type: ignore[attr-defined]
    assert judged.better_periods == 0  # type: ignore[attr-defined]


def test_a_notice_that_the_case_does_not_know_ends_nothing() -> None:
    unknown = NoticeEnded(notice_id=uuid4(), how="withdrawn", ended_at=NOW)

    assert notice_ended(case_of_an_older_release(), unknown) == []


def test_one_pharmacy_that_is_out_of_it_now_and_then_is_normal(region: Region) -> None:
    for pharmacy in ("P1", "P2", "P3"):
        region.unfilled(pharmacy)
    region.store.move_clock(POLICY.period)

    for _ in range(3):
        region.unfilled("P1", demand=f"line-{region.store.time}")
        region.store.move_clock(POLICY.period)

    assert region.case().status == "resolved"


def test_who_says_that_there_is_enough_of_what_is_no_longer_suspected_changes_nothing(region: Region) -> None:
    for pharmacy in ("P1", "P2"):
        region.unfilled(pharmacy)
    suspected = region.case()
    assert suspected.suspected is not None
    told = (SourceKind.REGISTER, ("a",), {"R1": HANGZHOU})

    assert denied(suspected, *told, suspected.suspected.quiet_at - HOUR, POLICY)
    assert denied(suspected, *told, suspected.suspected.quiet_at, POLICY) == []
    assert denied(CaseState(), *told, NOW, POLICY) == []
