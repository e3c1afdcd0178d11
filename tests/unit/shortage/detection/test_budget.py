"""The stated rate of false alarms is shared by the detectors."""

import pytest

from services.shortage.domain.detection.policy import DetectionPolicy
from services.shortage.domain.policy import POLICIES


@pytest.mark.parametrize("jurisdiction", ["cn", "demo-eu"])
def test_the_shares_of_all_detectors_are_no_more_than_one(jurisdiction: str) -> None:
    policy = POLICIES.of(jurisdiction).versions[-1].detection

    assert policy.order_lines.budget_share + policy.unfilled.budget_share + policy.surge.budget_share <= 1.0


def test_a_detector_alone_may_use_the_whole_rate_and_one_of_several_its_share() -> None:
    policy: DetectionPolicy = POLICIES.of("cn").versions[-1].detection

    assert policy.line_prior(share=1.0).days_between_alarms == 365
    assert policy.line_prior().days_between_alarms == pytest.approx(365 / policy.order_lines.budget_share)
    assert policy.unfilled_prior().days_between_alarms == pytest.approx(365 / policy.unfilled.budget_share)
    assert policy.surge_rules().days_between_alarms == pytest.approx(365 / policy.surge.budget_share)
