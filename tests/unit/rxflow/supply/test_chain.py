"""What the walk over order lines can do at best, exactly, at the size the target is stated for."""

import pytest

from rxflow.supply.chain import delays
from rxflow.supply.setting import USUAL_FILL, Setting
from services.shortage.domain.detection.calibration import order_line_walk
from services.shortage.domain.detection.policy import DAYS_PER_YEAR
from services.shortage.domain.policy import POLICIES

POLICY = POLICIES.of("cn").versions[-1].detection
CYCLE_DAYS = Setting.order_up_to_days - Setting.reorder_days
LINES_PER_DAY = Setting.carried_by / CYCLE_DAYS
"""While supply is normal; a line that is short comes again on the next day."""


def found(fill: float) -> tuple[float, float]:
    own = POLICY.order_lines
    walk = order_line_walk(1 - USUAL_FILL, LINES_PER_DAY, DAYS_PER_YEAR / own.budget_share, own.ratio)
    found = delays(walk, 1 - USUAL_FILL, 1 - fill, LINES_PER_DAY / fill)
    return found.median, found.late


def test_at_a_fill_rate_of_80_percent_60_pharmacies_find_it_within_5_days() -> None:
    """At this detector's share of one false alarm per drug-year, with everything known and told in time."""
    median, late = found(0.8)

    assert 3 < median <= 5
    assert late < 12


def test_what_is_worse_is_found_sooner() -> None:
    assert found(0.3)[0] < 1
    assert [found(fill)[0] for fill in (0.3, 0.5, 0.8)] == sorted(found(fill)[0] for fill in (0.3, 0.5, 0.8))


def test_a_supply_that_stays_normal_is_never_found_within_what_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rxflow.supply.chain.LINES_MAX", 50)
    walk = order_line_walk(0.03, 3.0, 365.0, 7.0)

    nothing = delays(walk, 0.03, 0.03, 3.0)
    monkeypatch.setattr("rxflow.supply.chain.LINES_MAX", 20)
    half = delays(walk, 0.03, 0.2, 3.0)

    assert nothing.median == nothing.late == float("inf")
    assert half.median < half.late == float("inf")
