"""Lots: what arrives together is taken in one event, and has its effect at the next turn of the clock.

Taking costs the same few statements for one signal and for a hundred. The clock then goes through a lot a piece at a
time: a drug in a region node is loaded once, all its demands are counted and judged together, and it is saved once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import Any
from uuid import UUID

from services.seedwork.calendar import civil_day
from services.seedwork.model import Loaded, StreamRef
from services.seedwork.usecase import Change, Decision, Load, Moment, UseCase
from services.shortage.application.drug_lists import knowing
from services.shortage.application.nodes import (
    Loading,
    Node,
    Work,
    after_confirmation,
    cases_of,
    changes,
    node,
    reporters_of,
)
from services.shortage.domain.decisions import add_evidence, dismiss_quiet, suspect
from services.shortage.domain.detector import count_demands, detector_ref
from services.shortage.domain.known_drugs import known_drug_ref
from services.shortage.domain.lots import (
    LOT,
    LotSpread,
    LotState,
    OrderLineColumns,
    OrderLinesTaken,
    UnfilledColumns,
    UnfilledRow,
    UnfilledTaken,
    columns,
    lot_ref,
)
from services.shortage.domain.orders import OrderLineReported, told_short
from services.shortage.domain.policy import POLICIES, ShortagePolicy
from services.shortage.domain.regions import node_at
from services.shortage.domain.reporter import ReporterState, contradicts_itself, heard, reporter_ref
from services.shortage.domain.values import Signal, happened_by
from services.shortage.domain.watch import WatchState, note_facts, watch_ref
from services.shortage.domain.watching import fed

GROUPS_PER_TURN, DEMANDS_PER_TURN, LINES_PER_TURN = 6, 30, 40
"""What one turn takes: a use case touches at most a hundred streams, and a case of the nation may come of a group."""


def take_unfilled(rows: Sequence[UnfilledRow]) -> UseCase:
    """Demands that stayed unfilled: kept as they were told, the same ones again change nothing."""
    content = columns(UnfilledRow._fields, rows)

    def decide(moment: Moment, lot: Loaded[LotState]) -> Decision:
        if lot.exists:
            return Decision.nothing()
        return Decision.on(
            lot,
            [UnfilledTaken(rows=UnfilledColumns.model_validate(_happened(content, moment.now)), taken_at=moment.now)],
        )

    return UseCase((lot_ref(content),), decide)


def take_order_lines(rows: Sequence[Sequence[Any]]) -> UseCase:
    """What came of lines of orders, a row in the order of `OrderLineColumns`."""
    content = columns(tuple(OrderLineColumns.model_fields), rows)

    def decide(moment: Moment, lot: Loaded[LotState]) -> Decision:
        if lot.exists:
            return Decision.nothing()
        return Decision.on(
            lot,
            [
                OrderLinesTaken(
                    rows=OrderLineColumns.model_validate(_happened(content, moment.now)), taken_at=moment.now
                )
            ],
        )

    return UseCase((lot_ref(content),), decide)


def _happened(content: Mapping[str, Sequence[Any]], now: datetime) -> Mapping[str, Sequence[Any]]:
    """What is told has happened, whatever the clock of who tells it says: with one moment of the year 2036 in a
    detector, all that really happens lies too far behind it to count."""
    return {**content, "occurred_at": tuple(happened_by(at, now) for at in content["occurred_at"])}


def spread_lot(lot_id: UUID) -> UseCase:
    """The clock: the next piece of a lot has its effect on reporters, detectors and cases."""

    def decide(moment: Moment, lot: Loaded[LotState]) -> Loading[Decision]:
        state = lot.state
        if state.taken is None or state.spread_at is None or moment.now < state.spread_at:
            return Decision.nothing()
        if isinstance(state.taken, UnfilledTaken):
            demands = state.taken.rows.rows()
            done, effect = yield from _demands(demands[state.done :], state.taken.taken_at, moment)
            left = len(demands) - state.done - done
        else:
            lines = state.taken.rows.rows()
            done, effect = yield from _order_lines(lines[state.done :], state.taken.taken_at, moment)
            left = len(lines) - state.done - done
        spread = LotSpread(upto=state.done + done, next_at=moment.now if left else None)
        return Decision((Change(lot, (spread,)), *effect))

    return UseCase((LOT.ref(lot_id),), decide)


@dataclass(frozen=True)
class _Group:
    """Demands of one drug in one region node, under the policy of their days."""

    drug_key: str
    node: str
    policy: ShortagePolicy
    rows: list[UnfilledRow]


@dataclass
class _Heard:
    """The reporters of a piece, each with what is said of it."""

    works: dict[str, Work[ReporterState]] = field(default_factory=dict)

    @classmethod
    def of(cls, pharmacies: Iterable[str], loaded: Sequence[Loaded[Any]]) -> _Heard:
        return cls({name: Work(each) for name, each in zip(pharmacies, loaded, strict=True)})

    def note(self, pharmacy: str, region: str, at: datetime, policy: ShortagePolicy) -> None:
        work = self.works[pharmacy]
        work.add(heard(work.state, pharmacy, region, at, policy.detection.silence))

    def contradicted(self, row: UnfilledRow, at: datetime) -> None:
        work = self.works[row.pharmacy]
        work.add(contradicts_itself(work.state, row.pharmacy, row.region, f"{row.drug_key} on hand", at))

    def changes(self) -> tuple[Change, ...]:
        return changes(*self.works.values())


def _order_lines(
    rows: Sequence[OrderLineReported], taken_at: datetime, moment: Moment
) -> Loading[tuple[int, tuple[Change, ...]]]:
    """The detectors look at these drugs within a tick, where a line says what came of it; reporters were heard of."""
    piece = rows[:LINES_PER_TURN]
    policy = POLICIES.on(civil_day(moment.now), moment.jurisdiction)
    drugs = sorted({row.drug_key for row in piece if told_short(row) is not None})
    reporters = sorted({row.pharmacy for row in piece})
    loaded = yield Load((*map(watch_ref, drugs), *map(reporter_ref, reporters)))
    noted = [_noted(watch, drug, moment, policy) for drug, watch in zip(drugs, loaded, strict=False)]
    heard_of = _Heard.of(reporters, loaded[len(drugs) :])
    for row in piece:
        heard_of.note(row.pharmacy, row.region, taken_at, policy)
    return len(piece), (*noted, *heard_of.changes())


def _demands(
    rows: Sequence[UnfilledRow], taken_at: datetime, moment: Moment
) -> Loading[tuple[int, tuple[Change, ...]]]:
    """Some groups of them: each counted by its detector, judged with its case, and noted for the other detectors."""
    policy = POLICIES.on(civil_day(moment.now), moment.jurisdiction)
    groups = _groups(rows[:DEMANDS_PER_TURN], moment.jurisdiction)
    reporters = sorted({row.pharmacy for group in groups for row in group.rows})
    beforehand: list[StreamRef[Any]] = [detector_ref(group.drug_key, group.node) for group in groups]
    watches = [watch_ref(group.drug_key) for group in groups]
    loaded = yield Load((*watches, *map(reporter_ref, reporters), *beforehand))
    heard_of = _Heard.of(reporters, loaded[len(groups) : len(groups) + len(reporters)])
    detectors = zip(groups, loaded[len(groups) + len(reporters) :], strict=True)
    # read together now, so that no group has to wait for its own
    cases = (ref for group, each in detectors for ref in cases_of(group.drug_key, group.node, each.state))
    yield Load((*cases, *(known_drug_ref(group.drug_key) for group in groups)))
    done, effect = 0, []
    for group, watch in zip(groups, loaded, strict=False):
        done += len(group.rows)
        for row in group.rows:
            heard_of.note(row.pharmacy, row.region, taken_at, policy)
        here = yield from node(group.drug_key, group.node)
        group_policy = yield from knowing(group.policy, group.drug_key, moment.now)
        counted = count_demands(here.detector.state, group.rows, group_policy)
        if not counted:
            continue
        here.detector.add(counted)
        new = counted[0].rows.rows()
        for row in new:
            if row.contradictory:
                heard_of.contradicted(row, taken_at)
        yield from _judge(here, [row.signal for row in new], moment, group_policy)
        further = (yield from after_confirmation(here.case, moment.now, group_policy)) if here.case else []
        effect += [_noted(watch, group.drug_key, moment, policy), *changes(*here.works(), *further)]
        if further:
            break  # the nation's case and all its regions were touched: the next groups have a turn of their own
    return done, (*effect, *heard_of.changes())


def _groups(rows: Sequence[UnfilledRow], jurisdiction: str) -> list[_Group]:
    """The first of them, each of another drug: a stream stands once in a decision."""

    def place(row: UnfilledRow) -> tuple[str, str, str]:
        policy = POLICIES.on(row.day, jurisdiction)
        return row.drug_key, node_at(row.region, policy.case_region_level), policy.version

    groups: list[_Group] = []
    for (drug_key, here, _), together in groupby(rows, key=place):
        if len(groups) == GROUPS_PER_TURN or any(group.drug_key == drug_key for group in groups):
            break
        same = list(together)
        groups.append(_Group(drug_key, here, POLICIES.on(same[0].day, jurisdiction), same))
    return groups


def _judge(here: Node, new: Sequence[Signal], moment: Moment, policy: ShortagePolicy) -> Loading[None]:
    """What new demands make of the open case, by time; and what is left once it is over, of the one that follows."""
    signals, now = here.detector.state.signals, moment.now
    left = sorted(new, key=lambda signal: signal.occurred_at)
    latest = here.latest
    while latest is not None and left:
        latest.add(dismiss_quiet(latest.state, left[0].occurred_at))
        if not latest.state.is_open:
            break
        feeding = [signal for signal in left if not latest.state.quiet(signal.occurred_at)]
        latest.add(
            add_evidence(latest.state, signals, feeding, now, policy)
            or fed(latest.state, signals, feeding, now, policy)
        )
        left = left[len(feeding) :]
    if left and here.case is None and suspect(here.new_case(), signals, left, now, policy):
        known = yield from reporters_of(here.drug_key, here.region, now)  # asked for only where a case begins
        here.opened(suspect(here.new_case(known), signals, left, now, policy))


def _noted(watch: Loaded[WatchState], drug_key: str, moment: Moment, policy: ShortagePolicy) -> Change:
    return Change(watch, tuple(note_facts(watch.state, drug_key, moment.now, policy)))
