"""Short-filled orders against an oracle that keeps everything and walks from the beginning each time."""

from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from services.shortage.domain.detection.calibration import Walk
from services.shortage.domain.detection.figures import Unknown
from services.shortage.domain.detection.order_lines import LinePrior, OrderLine, OrderLines, Usual, design
from services.shortage.domain.detection.walk import EVIDENCE_MAX

NOW = datetime(2026, 3, 2, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
WALK = Walk(usual=0.03, unit=13, allowance=1, threshold=40, run_length=1000)
PRIOR = LinePrior(short_share=0.03, weight=300, lines_per_day=1, ratio=5, days_between_alarms=365)


def line(number: int, *, short: bool, revision: int = 1, at: datetime | None = None) -> OrderLine:
    return OrderLine(
        key=f"order-{number}",
        revision=revision,
        reporter=f"P{number % 7}",
        region="330102",
        at=at or NOW + number * HOUR,
        requested=10,
        filled=3 if short else 10,
    )


def level_plainly(lines: list[OrderLine], walk: Walk, now: datetime) -> int:
    """The last report of each line, in order of time, one step each."""
    last: dict[str, OrderLine] = {}
    for each in lines:
        if each.key not in last or each.revision > last[each.key].revision:
            last[each.key] = each
    level = 0
    for each in sorted(last.values(), key=lambda known: (known.at, known.key)):
        if each.at < now:
            level = min(max(0, level + (walk.unit if each.short else 0) - walk.allowance), walk.ceiling)
    return level


@pytest.mark.parametrize("seed", range(20))
def test_the_level_is_that_of_a_plain_walk_whatever_is_settled(seed: int) -> None:
    chance = Random(seed)
    lines = [line(number, short=chance.random() < 0.2) for number in range(300)]
    known = OrderLines()
    for begin in range(0, 300, 50):
        known = known.taken(lines[begin : begin + 50])
        known = known.settle(WALK, NOW + (begin + 20) * HOUR)

        now = NOW + (begin + 50) * HOUR
        assert known.standing(WALK, now).level == level_plainly(lines[: begin + 50], WALK, now)


def test_four_short_lines_alarm_and_name_themselves() -> None:
    known = OrderLines().taken(line(number, short=number in {3, 4, 6, 7}) for number in range(8))

    standing = known.standing(WALK, NOW + DAY)

    assert standing.alarms
    assert standing.alarmed_at == NOW + 7 * HOUR
    assert standing.began_at == NOW + 3 * HOUR, "since then the level has not been 0"
    assert standing.named == ("order-3", "order-4", "order-6", "order-7")


def test_an_alarm_goes_on_until_the_level_is_zero_again() -> None:
    short = [line(number, short=True) for number in range(4)]
    filled = [line(number, short=False) for number in range(4, 60)]
    known = OrderLines().taken([*short, *filled])

    assert known.standing(WALK, NOW + 5 * HOUR).alarms
    assert known.standing(WALK, NOW + (4 + 47) * HOUR).alarms
    assert not known.standing(WALK, NOW + (4 + 48) * HOUR).alarms


def test_a_long_shortage_does_not_take_for_ever_to_be_over() -> None:
    known = OrderLines().taken(line(number, short=True) for number in range(500))

    assert known.standing(WALK, NOW + 500 * HOUR).level == WALK.ceiling
    assert len(known.standing(WALK, NOW + 500 * HOUR).named) == EVIDENCE_MAX


def test_a_corrected_line_counts_as_corrected() -> None:
    known = OrderLines().taken([line(1, short=True, revision=1), line(1, short=False, revision=2)])

    assert known.standing(WALK, NOW + DAY).level == 0


def test_a_line_told_late_moves_the_begin_of_the_alarm_back() -> None:
    late = line(0, short=True)
    known = OrderLines().taken(line(number, short=True) for number in range(1, 4))
    assert not known.standing(WALK, NOW + DAY).alarms

    assert known.taken([late]).standing(WALK, NOW + DAY).began_at == NOW


def test_what_is_about_settled_times_comes_too_late_and_changes_nothing() -> None:
    known = OrderLines().taken(line(number, short=True) for number in range(3)).settle(WALK, NOW + DAY)

    assert known.taken([line(5, short=True)]) == known


def test_a_line_of_nothing_is_no_line() -> None:
    nothing = line(1, short=True).model_copy(update={"requested": 0, "filled": 0})

    assert OrderLines().taken([nothing]).recent == {}


def test_what_has_not_happened_yet_does_not_count() -> None:
    known = OrderLines().taken([line(1, short=True), line(90, short=True)])

    assert known.standing(WALK, NOW + 2 * HOUR).level == 12


def test_quiet_days_and_chance_alarms_tell_what_is_usual_and_sure_shortages_do_not() -> None:
    quiet = OrderLines().taken(line(number, short=number == 5) for number in range(48)).settle(WALK, NOW + 2 * DAY)
    assert (quiet.usual.lines, quiet.usual.short, quiet.usual.days) == (48, 1, 2)
    assert quiet.usual.lines_per_day() == 24

    alarmed = quiet.taken(line(number, short=True) for number in range(48, 96)).settle(WALK, NOW + 4 * DAY)

    assert alarmed.usual == quiet.usual

    by_chance = quiet.taken(line(number, short=number < 52) for number in range(48, 120))
    assert by_chance.standing(WALK, NOW + 60 * HOUR).alarms
    assert by_chance.settle(WALK, NOW + 5 * DAY).usual.short == 5


def test_what_became_a_sure_shortage_later_is_not_learnt_from_its_begin_on() -> None:
    known = OrderLines().taken(line(number, short=number >= 20) for number in range(48))

    assert known.settle(WALK, NOW + DAY).usual == Usual()


def test_days_without_a_line_count_to_what_is_usual() -> None:
    known = OrderLines().taken([line(0, short=False)]).settle(WALK, NOW + DAY).settle(WALK, NOW + 10 * DAY)

    assert (known.usual.lines, known.usual.days) == (1, 10)
    assert OrderLines().settle(WALK, NOW).usual == Usual()


def test_before_anything_is_known_the_prior_designs() -> None:
    assert Usual().lines_per_day() is Unknown.NOTHING_REPORTED
    walk = design(Usual(), PRIOR)
    often = design(Usual(lines=3000, short=90, days=100), PRIOR)
    never = design(Usual(lines=0, short=0, days=1000), PRIOR)

    assert walk.usual == pytest.approx(0.03, rel=0.11)
    assert often.threshold > walk.threshold >= never.threshold
    assert often.run_length >= 30 * 365


def test_what_is_usually_short_needs_more_to_alarm() -> None:
    rarely = design(Usual(lines=3000, short=30, days=1000), PRIOR)
    often = design(Usual(lines=3000, short=600, days=1000), PRIOR)

    assert often.threshold / often.unit > rarely.threshold / rarely.unit
