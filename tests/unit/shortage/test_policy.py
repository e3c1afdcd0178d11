"""Where the figures of the shortage policy come from: each has one origin, or the file is not read."""

from typing import Any

import pytest
from pydantic import ValidationError

from services.shortage.domain.policy import POLICIES, ShortagePolicy


@pytest.mark.parametrize("jurisdiction", sorted(POLICIES.names))
def test_every_waiting_time_says_whose_choice_it_is(jurisdiction: str) -> None:
    policy = POLICIES.of(jurisdiction).versions[-1]
    chosen = {figure for each in policy.origins if each.own_choice for figure in each.figures}

    assert {"hysteresis_hours", "period_hours", "tasks", "detection.reporting", "detection.silence"} <= chosen


def test_the_notice_of_a_stop_has_its_official_text() -> None:
    (stop,) = [each for each in POLICIES.of("cn").versions[-1].origins if "notice_planned_days" in each.figures]

    assert not stop.own_choice
    assert "药品生产监督管理办法" in stop.origin


@pytest.mark.parametrize("wrong", [("drugs",), ("tasks", "tasks"), ("tasks", "tusks")])
def test_a_figure_without_one_origin_is_no_policy(wrong: tuple[str, ...]) -> None:
    written: dict[str, Any] = POLICIES.of("cn").versions[-1].model_dump()
    for row in written["origins"]:
        if "tasks" in row["figures"]:
            row["figures"] = (*wrong, "task_escalated_hours")

    with pytest.raises(ValidationError, match="origins"):
        ShortagePolicy.model_validate(written)


@pytest.mark.parametrize("level", ["city", "county"])
def test_no_jurisdiction_has_protocols_of_a_level_that_nobody_would_be_told_of(level: str) -> None:
    """What is told of a protocol names a province or the nation as its issuer; of another it would be in force here
    and unheard of everywhere else."""
    written: dict[str, Any] = POLICIES.of("cn").versions[-1].model_dump()
    assert ShortagePolicy.model_validate({**written, "protocol_level": "nation"})

    with pytest.raises(ValidationError, match="protocol_level"):
        ShortagePolicy.model_validate({**written, "protocol_level": level})
