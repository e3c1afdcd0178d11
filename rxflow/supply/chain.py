"""What the walk over order lines can do at best, exactly: its levels as a chain, from where it stands while supply is
normal. No learning, no late reports, no days: what a simulated year is slower by is the price of those."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from services.shortage.domain.detection.calibration import Walk

SETTLING_LINES = 3000
LINES_MAX = 20_000
Levels = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Delays:
    """Days from the begin of a shortage until the alarm, by the share of shortages that is found by then."""

    median: float
    late: float
    """By then nine of ten are found."""


def delays(walk: Walk, usual: float, short: float, lines_per_day: float) -> Delays:
    """`usual`, `short`: the share of lines that are short before and in the shortage."""
    standing = np.zeros(walk.threshold)
    standing[0] = 1.0
    normal, shortage = _steps(walk, usual), _steps(walk, short)
    for _ in range(SETTLING_LINES):
        standing = standing @ normal
        standing /= standing.sum()
    found: list[float] = []
    for line in range(1, LINES_MAX):
        standing = standing @ shortage
        if standing.sum() <= (0.5, 0.1)[len(found)]:
            found.append(line / lines_per_day)
            if standing.sum() <= 0.1:
                return Delays(found[0], line / lines_per_day)
    return Delays(found[0] if found else np.inf, np.inf)


def _steps(walk: Walk, short: float) -> Levels:
    """From level to level with one line; what alarms leaves the chain."""
    gain = walk.unit - walk.allowance
    steps = np.zeros((walk.threshold, walk.threshold))
    for level in range(walk.threshold):
        steps[level, max(0, level - walk.allowance)] += 1.0 - short
        if level + gain < walk.threshold:
            steps[level, level + gain] += short
    return steps
