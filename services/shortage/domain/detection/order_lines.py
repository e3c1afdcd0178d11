"""Short-filled replenishment orders of one drug in one region node: the earliest signal there is of a shortage.

A Bernoulli CUSUM over lines in the order of their times. Reports may come late, in any order and twice: what is kept is
a set of lines by their key, and the walk over what may still change is taken anew. Lines older than `settled_until` are
in `settled` for good; a report about them comes too late.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from services.seedwork.model import Immutable
from services.shortage.domain.detection.calibration import Walk, order_line_walk
from services.shortage.domain.detection.figures import Figure, Unknown
from services.shortage.domain.detection.walk import NOWHERE, Standing, Step, walked

LINES_MAX = 200_000
"""Lines kept that are not settled."""


class OrderLine(Immutable):
    """One line of a replenishment order as its pharmacy last told it: what was asked for and what is missing."""

    key: str
    revision: int
    """Of two reports about one line the later revision counts, whichever arrives first."""
    reporter: str
    region: str
    at: datetime
    requested: int
    filled: int

    @property
    def short(self) -> bool:
        return self.filled < self.requested


class Usual(Immutable):
    """What is known of a drug's order lines outside shortages; prior knowledge counts as `weight` lines."""

    lines: int = 0
    short: int = 0
    days: int = 0

    def share(self, prior: float, weight: int) -> float:
        return (self.short + prior * weight) / (self.lines + weight)

    def lines_per_day(self) -> Figure:
        if self.days == 0:
            return Unknown.NOTHING_REPORTED
        return self.lines / self.days


class LinePrior(Immutable):
    """What is assumed before it is known, and how rarely a false alarm may come. Dated policy."""

    short_share: float
    weight: int
    lines_per_day: float
    ratio: float
    days_between_alarms: float


NOTHING_USUAL = Usual()


@dataclass(frozen=True)
class OrderLines:
    """The lines of one drug key in one node."""

    settled: Standing = NOWHERE
    settled_until: datetime | None = None
    usual: Usual = NOTHING_USUAL
    recent: Mapping[str, OrderLine] = field(default_factory=dict)

    def taken(self, lines: Iterable[OrderLine]) -> OrderLines:
        """With these reports; those about what is settled, and lines of nothing, change nothing."""
        recent = dict(self.recent)
        for line in lines:
            before = recent.get(line.key)
            too_late = self.settled_until is not None and line.at < self.settled_until
            if too_late or line.requested <= 0 or (before is not None and not _later(line, before)):
                continue
            recent[line.key] = line
        return OrderLines(self.settled, self.settled_until, self.usual, recent)

    def standing(self, walk: Walk, now: datetime) -> Standing:
        """Where the walk stands with all that has happened until now."""
        return walked(self.settled, _steps(self._between(None, now), walk), walk)

    def settle(self, walk: Walk, until: datetime) -> OrderLines:
        """What is older than `until` can no longer change, and counts to what is usual; a sure shortage does not.

        An alarm that is not sure counts too: to leave out all that once looked bad would make the rest look too good.
        """
        old = self._between(None, until)
        standing = walked(self.settled, _steps(old, walk), walk)
        recent = {key: line for key, line in self.recent.items() if line.at >= until}
        newest = walked(standing, _steps(self._between(until, None), walk), walk)
        return OrderLines(standing, until, self._usual(old, newest, until), recent)

    def _between(self, begin: datetime | None, end: datetime | None) -> list[OrderLine]:
        chosen = (
            line
            for line in self.recent.values()
            if (begin is None or line.at >= begin) and (end is None or line.at < end)
        )
        return sorted(chosen, key=lambda line: (line.at, line.key))

    def _usual(self, old: list[OrderLine], newest: Standing, until: datetime) -> Usual:
        """Without what belongs to a sure shortage, which may have become sure only after `until`."""
        since = self.settled_until or (old[0].at if old else until)
        if self.settled.sure or (newest.sure and newest.began_at is not None and newest.began_at < until):
            return self.usual
        return Usual(
            lines=self.usual.lines + len(old),
            short=self.usual.short + sum(line.short for line in old),
            days=self.usual.days + (until - since) // timedelta(days=1),
        )


def design(usual: Usual, prior: LinePrior) -> Walk:
    """The walk that suits what is usual for this drug here; before anything is known, the prior's."""
    share = usual.share(prior.short_share, prior.weight)
    per_day = usual.lines_per_day()
    lines = prior.lines_per_day if isinstance(per_day, Unknown) else max(per_day, 1 / prior.days_between_alarms)
    return order_line_walk(share, lines, prior.days_between_alarms, prior.ratio)


def _steps(lines: Iterable[OrderLine], walk: Walk) -> Iterable[Step]:
    for line in lines:
        if line.short:
            yield Step(line.at, walk.unit, walk.allowance, (line.key,))
        else:
            yield Step(line.at, 0, walk.allowance)


def _later(line: OrderLine, before: OrderLine) -> bool:
    """Of equal revisions that differ the larger content counts, so that the order of arrival never does."""
    return (line.revision, line.model_dump_json()) > (before.revision, before.model_dump_json())
