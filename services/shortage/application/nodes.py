"""A drug in a region node: its detector, its latest case and the one that would follow, as a use case works on them.

`Work` gathers what a decision adds to a stream, so that a later rule of the same decision sees it.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

from services.seedwork.calendar import civil_day
from services.seedwork.model import DomainEvent, Loaded, StreamRef
from services.seedwork.transitions import NOT_YET
from services.seedwork.usecase import Change, Find, Load
from services.shortage.domain.case import CaseState, case_id, case_ref
from services.shortage.domain.decisions import NewCase, dismiss_quiet
from services.shortage.domain.detector import UNKNOWN, DetectorState, Reporters, detector_ref
from services.shortage.domain.events import CaseSuspected, DetectorFired, ParentLinked, RegionConfirmed, RegionEnded
from services.shortage.domain.opening import enough_regions, open_by_regions, region_leaves, regions_join
from services.shortage.domain.policy import ShortagePolicy

S = TypeVar("S")
T = TypeVar("T")
Loading = Generator[Load, Any, T]
NATION = ""
COUNTIES_MAX = 3000
"""More than there are in the nation (GB/T 2260)."""


@dataclass
class Work(Generic[S]):
    """A stream and what this decision adds to it."""

    loaded: Loaded[S]
    events: list[DomainEvent] = field(default_factory=list)

    @property
    def state(self) -> S:
        return self.loaded.after(self.events)

    def add(self, events: Iterable[DomainEvent]) -> None:
        self.events += events


@dataclass
class Node:
    """One drug in one region node."""

    drug_key: str
    region: str
    detector: Work[DetectorState]
    latest: Work[CaseState] | None
    following: Work[CaseState]

    @property
    def case(self) -> Work[CaseState] | None:
        """The open case, when there is one."""
        for work in (self.following, self.latest):
            if work is not None and work.state.is_open:
                return work
        return None

    def new_case(self, reporters: Reporters = UNKNOWN) -> NewCase:
        """What the case that may be opened would be."""
        previous = self.latest.state if self.latest is not None else None
        n = self.detector.loaded.state.cases + 1
        return NewCase(self.following.loaded.stream_id, self.drug_key, self.region, n, previous, reporters)

    def opened(self, events: list[DomainEvent]) -> None:
        """These events open the following case."""
        self.following.add(events)
        self.detector.add([DetectorFired(n=self.new_case().n, case_id=self.following.loaded.stream_id)])

    def tell(self, decide: Callable[[CaseState], list[DomainEvent]]) -> None:
        """The open case, when there is one, decides."""
        if self.case is not None:
            self.case.add(decide(self.case.state))

    def works(self) -> list[Work[Any]]:
        return [work for work in (self.latest, self.following, self.detector) if work is not None]


def node(drug_key: str, region: str) -> Loading[Node]:
    """Loads it."""
    (detector,) = yield Load.of(detector_ref(drug_key, region))
    new, *latest = yield Load(cases_of(drug_key, region, detector.state))
    return Node(drug_key, region, Work(detector), Work(latest[0]) if latest else None, Work(new))


def reporters_of(drug_key: str, region: str, now: datetime) -> Loading[Reporters]:
    """How many pharmacies of each county tell of their shelves of this drug: what a share of them is measured by."""
    asked = {"drug_key": drug_key, "within": region, "today": civil_day(now).isoformat(), "limit": COUNTIES_MAX}
    rows: Sequence[Mapping[str, Any]] = yield Find("reporters_of", asked)  # type: ignore[misc]
    return {str(row["region"]): int(row["reporters"]) for row in rows}


def cases_of(drug_key: str, region: str, detector: DetectorState) -> tuple[StreamRef[CaseState], ...]:
    """The case that would follow, and the latest one where there is one."""
    following = case_ref(case_id(drug_key, region, detector.cases + 1))
    return (following,) if detector.case_id is None else (following, case_ref(detector.case_id))


def changes(*works: Work[Any]) -> tuple[Change, ...]:
    """What is to be saved: nothing of streams that nothing happened to."""
    return tuple(Change(work.loaded, tuple(work.events)) for work in works if work.events)


def after_confirmation(child: Work[CaseState], now: datetime, policy: ShortagePolicy) -> Loading[list[Work[Any]]]:
    """What follows for the nation from a region's case, when this decision has confirmed or ended it; and for the
    regions from the nation's, when it has opened that."""
    before, after = child.loaded.state, child.state
    suspected = after.suspected
    assert suspected is not None  # noqa: S101 - only of a case that something was decided about
    if suspected.region == NATION:
        return (yield from _take_in(child, suspected, now, policy)) if before.status == NOT_YET else []
    newly = before.status != "confirmed" and after.status == "confirmed"
    over = before.status == "confirmed" and not after.is_open
    if not (newly or over):
        return []
    nation = yield from node(suspected.drug_key, NATION)
    if over:
        nation.detector.add([RegionEnded(region=suspected.region)])
        nation.tell(lambda case: region_leaves(case, suspected.case_id))
        return nation.works()
    nation.detector.add([RegionConfirmed(region=suspected.region, case_id=suspected.case_id)])
    if nation.latest is not None:
        nation.latest.add(dismiss_quiet(nation.latest.state, now))
    if nation.case is not None:
        child.add([ParentLinked(parent_case=nation.case.loaded.stream_id)])
        nation.case.add(regions_join(nation.case.state, {suspected.region: suspected.case_id}, now, policy))
        return nation.works()
    if not enough_regions(nation.detector.state, policy):
        return nation.works()
    regions = nation.detector.state.regions
    nation.opened(open_by_regions(nation.new_case(), regions, now, policy))
    parent = ParentLinked(parent_case=nation.following.loaded.stream_id)
    child.add([parent])
    others = yield from _inside(parent, (each for each in regions.values() if each != suspected.case_id))
    return [*nation.works(), *others]


def _take_in(
    nation: Work[CaseState], suspected: CaseSuspected, now: datetime, policy: ShortagePolicy
) -> Loading[list[Work[Any]]]:
    """Cases of regions that were confirmed before the nation's was opened belong to it, too."""
    (detector,) = yield Load.of(detector_ref(suspected.drug_key, NATION))
    regions = detector.state.regions
    if not regions:
        return []
    nation.add(regions_join(nation.state, regions, now, policy))
    return (yield from _inside(ParentLinked(parent_case=suspected.case_id), regions.values()))


def _inside(parent: ParentLinked, regions: Iterable[UUID]) -> Loading[list[Work[Any]]]:
    """These cases, each with its parent."""
    refs = tuple(map(case_ref, regions))
    loaded = (yield Load(refs)) if refs else ()
    return [Work(each, [parent]) for each in loaded]
