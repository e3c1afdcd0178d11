"""The detectors over what is told live: one drug key, all its region nodes, pure.

Facts are kept as they were told and read anew at every judgement, so that their order, repetitions and late arrival
change nothing within `lateness_days`. What is older is settled once a week and for good: how the walks stood, and what
was usual; a fact about it comes too late. Each node of the tree has a share of the stated rate of false alarms
(`level_shares`), so that a province with all its cities and counties keeps the rate of one case.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta

from services.seedwork.calendar import ZONE, civil_day
from services.seedwork.model import Immutable
from services.shortage.domain.detection import order_lines, unfilled
from services.shortage.domain.detection.order_lines import OrderLine, OrderLines, Usual
from services.shortage.domain.detection.policy import DetectionPolicy
from services.shortage.domain.detection.unfilled import Unfilled, UnfilledDemands
from services.shortage.domain.detection.walk import Standing
from services.shortage.domain.regions import Level, node_at
from services.shortage.domain.values import SourceKind

SETTLED_EVERY = timedelta(days=7)
Place = tuple[SourceKind, str]
"""A detector of one kind in one region node."""


class SettledStanding(Immutable):
    """How a walk stood over what can no longer change, and what was usual until then."""

    source: SourceKind
    node: str
    level: int = 0
    began_at: datetime | None = None
    alarmed_at: datetime | None = None
    named: tuple[str, ...] = ()
    sure: bool = False
    usual: Usual = Usual()
    """Of order lines."""
    quiet_days: int = 0
    quiet_demands: int = 0
    """Of unfilled demands."""

    @property
    def standing(self) -> Standing:
        return Standing(self.level, self.began_at, self.alarmed_at, self.named, self.sure)


@dataclass(frozen=True)
class Settled:
    """All nodes of a drug, settled until one moment; None: nothing is yet."""

    until: datetime | None = None
    nodes: Mapping[Place, SettledStanding] = field(default_factory=dict)


class Alarm(Immutable):
    """A detector alarms. `keys`: the order lines or demands it rests on."""

    source: SourceKind
    node: str
    since: datetime
    keys: tuple[str, ...]


@dataclass(frozen=True)
class Judgement:
    """What the detectors say now, and what is settled for good where that has moved on."""

    alarms: tuple[Alarm, ...]
    settled: Settled | None


@dataclass(frozen=True)
class Facts:
    """What was told of one drug since it was settled last."""

    lines: Sequence[OrderLine] = ()
    demands: Sequence[Unfilled] = ()

    def within(self, node: str) -> Facts:
        return Facts(
            [line for line in self.lines if line.region.startswith(node)],
            [demand for demand in self.demands if demand.region.startswith(node)],
        )

    @property
    def regions(self) -> set[str]:
        return {line.region for line in self.lines} | {demand.region for demand in self.demands}


def judge(settled: Settled, facts: Facts, now: datetime, policy: DetectionPolicy) -> Judgement:
    """Every detector in every node that something was told of."""
    until = _settled_until(settled, facts, now, policy)
    alarms: list[Alarm] = []
    moved: dict[Place, SettledStanding] = {}
    for level, share in policy.level_shares.items():
        for node in _nodes(settled, facts, level):
            told = facts.within(node)
            for alarm, after in (
                _judge_lines(settled, node, told.lines, now, until, policy, share),
                _judge_demands(settled, node, told.demands, now, until, policy, share),
            ):
                alarms += [alarm] if alarm else []
                if after:
                    moved[after.source, node] = after
    return Judgement(tuple(alarms), Settled(until, moved) if until else None)


def _nodes(settled: Settled, facts: Facts, level: Level) -> list[str]:
    """Of this level: those something was told of, now or before. A node says its level by its digits."""
    digits = len(node_at("0" * 6, level))
    known = {node for _, node in settled.nodes if len(node) == digits}
    return sorted(known | {node_at(region, level) for region in facts.regions})


def _settled_until(settled: Settled, facts: Facts, now: datetime, policy: DetectionPolicy) -> datetime | None:
    """The begin of a civil day before which nothing can change any more, when a week of it is new."""
    told = [line.at for line in facts.lines] + [demand.at for demand in facts.demands]
    begun = settled.until or min(told, default=now)
    until = datetime.combine(civil_day(now - timedelta(days=policy.lateness_days)), time(), ZONE)
    return until if until - begun >= SETTLED_EVERY else None


def _judge_lines(
    settled: Settled,
    node: str,
    lines: Sequence[OrderLine],
    now: datetime,
    until: datetime | None,
    policy: DetectionPolicy,
    share: float,
) -> tuple[Alarm | None, SettledStanding | None]:
    """A walk to which nothing was told for as long as reports may be late says nothing any more: no alarm."""
    source = SourceKind.ORDER_LINES
    before = settled.nodes.get((source, node), SettledStanding(source=source, node=node))
    known = OrderLines(before.standing, settled.until, before.usual).taken(lines)
    walk = order_lines.design(known.usual, policy.line_prior(level_share=share))
    standing = known.standing(walk, now)
    newest = max((line.at for line in lines if line.at < now), default=None)
    told = newest is not None and newest >= now - timedelta(days=policy.lateness_days)
    alarm = _alarm(source, node, standing) if told else None
    if until is None:
        return alarm, None
    after = known.settle(walk, until)
    return alarm, _settled(source, node, after.settled).model_copy(update={"usual": after.usual})


def _judge_demands(
    settled: Settled,
    node: str,
    demands: Sequence[Unfilled],
    now: datetime,
    until: datetime | None,
    policy: DetectionPolicy,
    share: float,
) -> tuple[Alarm | None, SettledStanding | None]:
    source = SourceKind.UNFILLED
    before = settled.nodes.get((source, node), SettledStanding(source=source, node=node))
    settled_day = civil_day(settled.until) if settled.until else None
    known = UnfilledDemands(before.standing, settled_day, before.quiet_days, before.quiet_demands).taken(demands)
    walk = unfilled.design(known, policy.unfilled_prior(level_share=share))
    alarm = _alarm(source, node, known.standing(walk, now))
    if until is None:
        return alarm, None
    after = known.settle(walk, civil_day(until))
    counts = {"quiet_days": after.quiet_days, "quiet_demands": after.quiet_demands}
    return alarm, _settled(source, node, after.settled).model_copy(update=counts)


def _alarm(source: SourceKind, node: str, standing: Standing) -> Alarm | None:
    if standing.alarmed_at is None:
        return None
    return Alarm(source=source, node=node, since=standing.alarmed_at, keys=standing.named)


def _settled(source: SourceKind, node: str, standing: Standing) -> SettledStanding:
    return SettledStanding(
        source=source,
        node=node,
        level=standing.level,
        began_at=standing.began_at,
        alarmed_at=standing.alarmed_at,
        named=standing.named,
        sure=standing.sure,
    )
