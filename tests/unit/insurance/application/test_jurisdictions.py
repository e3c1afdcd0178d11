"""The figures and names of the installation's jurisdiction decide, not those of the first one there was."""

from typing import Any

import pytest

from contracts.events.dispatch import DesignationInForce, SupplyDispensed
from services.insurance.domain.accumulator import NOTHING_USED
from services.insurance.domain.claim_transitions import AUTHORISED
from services.seedwork.policies import DEFAULT_JURISDICTION
from tests.unit.insurance.memory import INSURER, Memory, dispensed, insured_world

EU: dict[str, Any] = {
    "insutype": "statutory",
    "psn_type": "adult",
    "assistance": None,
    "account_balance": 0,
    "figures": NOTHING_USED,
}


def world(jurisdiction: str) -> Memory:
    memory = insured_world(**EU)
    memory.jurisdiction = jurisdiction
    return memory


def supplied(channels: tuple[str, ...]) -> SupplyDispensed:
    agreement = DesignationInForce(insurer=INSURER, channels=channels)
    return dispensed(insurance_intent="general", designations=(agreement,))


@pytest.mark.parametrize(
    ("jurisdiction", "channels", "policy"),
    [
        pytest.param("demo-eu", ("contracted",), "demo-eu/000000/2024", id="its own words"),
        pytest.param("demo-eu", ("定点",), "self-pay", id="another's channel"),
        pytest.param(DEFAULT_JURISDICTION, ("定点",), "self-pay", id="a scheme that is unknown there"),
    ],
)
def test_a_supply_is_paid_by_the_policy_that_holds_here(
    jurisdiction: str, channels: tuple[str, ...], policy: str
) -> None:
    memory = world(jurisdiction)

    memory.hear(supplied(channels))

    adjudication = memory.claim().adjudication
    assert adjudication is not None
    assert adjudication.policy == policy


def test_the_ratio_is_the_one_that_holds_here() -> None:
    memory = world("demo-eu")

    memory.hear(supplied(("contracted",)))

    adjudication = memory.claim().adjudication
    assert adjudication is not None
    assert adjudication.fund == (9 * adjudication.in_scope + 5) // 10
    assert memory.claim().state != AUTHORISED
