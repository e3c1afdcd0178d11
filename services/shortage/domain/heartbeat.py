"""The heartbeat: demands of a drug that there is not, unfilled in a county that there is not.

They go the whole way of a real shortage: taken, counted, judged by the detectors at the clock's tick, opened as a
suspicion, shown in a report. What does not come out at the end in time proves that alerting does not work. Each beat is
a drug of its own, so that no detector takes it for usual; one pharmacy, so that nothing but a detector opens the case.
"""

from __future__ import annotations

from datetime import datetime

from services.shortage.domain.detection.unfilled import UnfilledDemands, design
from services.shortage.domain.lots import UnfilledRow
from services.shortage.domain.policy import ShortagePolicy
from services.shortage.domain.regions import node_at

GENERIC = "heartbeat"
COUNTY = "000000"
"""No division of GB/T 2260."""


def heartbeat_key(beat: datetime) -> str:
    """The drug key of one beat."""
    return f"{GENERIC}|-|{beat.isoformat()}"


def is_heartbeat(drug_key: str) -> bool:
    """Whether this is no drug. What is told to people, and counted, leaves it out."""
    return drug_key.startswith(f"{GENERIC}|-|")


def case_nodes(policy: ShortagePolicy) -> tuple[str, ...]:
    """The region nodes whose cases a beat may open: those that detectors watch, as far down as cases go."""
    watched = (node_at(COUNTY, level) for level in policy.detection.level_shares)
    return tuple(sorted({node_at(node, policy.case_region_level) for node in watched}))


def beat_signals(beat: datetime, now: datetime, policy: ShortagePolicy) -> list[UnfilledRow]:
    """So many demands at once that the walk over them alarms at the level of cases, of which nothing was known."""
    drug_key = heartbeat_key(beat)
    return [
        UnfilledRow(
            drug_key=drug_key,
            region=COUNTY,
            occurred_at=now,
            demand_key=f"{drug_key}/{number}",
            pharmacy=GENERIC,
            quantity=1,
            reason="out_of_stock",
            on_hand=0,
            contradictory=False,
            event=None,
        )
        for number in range(_demands(policy))
    ]


def _demands(policy: ShortagePolicy) -> int:
    share = policy.detection.level_shares[policy.case_region_level]
    walk = design(UnfilledDemands(), policy.detection.unfilled_prior(level_share=share))
    return -(-(walk.threshold + walk.allowance) // walk.unit)
