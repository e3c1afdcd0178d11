"""`rxflow replay-review`: past cases screened again with a set of knowledge that is not in force yet.

It reads review's own store, as `rxflow verify` does, and writes nothing: clinical facts are opened on the machine that
has the keys and do not travel, and the services that are at work are not asked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date
from pathlib import Path

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from rxflow.knowledge_cli import faults_table
from rxflow.replaying import PastStreams, Report
from services.review.composition import SERVICE
from services.review.domain.case import CaseState, case_ref
from services.review.domain.events import CaseOpened
from services.review.domain.knowledge.files import Unreadable, gather
from services.review.domain.knowledge.reading import KnowledgeSet, read_set
from services.review.domain.policy import POLICIES
from services.review.domain.replay import Replayed, replay
from services.seedwork.settings import Settings

SHOWN_MAX = 50
DIFFERS = 1
NOT_READABLE = 2
WORDS = {"differs": "the decision would differ", "told": "the decision stands, what is told with it differs"}


def replay_review(
    console: Console, errors: Console, settings: Settings, path: Path, since: date, out: Path | None
) -> int:
    """The exit status: 0 no decision would differ, 1 some would, 2 the set cannot be read."""
    try:
        candidate = read_set(gather(path))
    except Unreadable as error:
        errors.print(str(error), style="red", markup=False)
        return NOT_READABLE
    if not isinstance(candidate, KnowledgeSet):
        errors.print(faults_table([vars(fault) for fault in candidate[:SHOWN_MAX]]))
        errors.print(f"{len(candidate)} faults", style="red")
        return NOT_READABLE
    counts: Counter[str] = Counter()
    tables = {status: _table(candidate.header.version, status) for status in WORDS}
    head = {"knowledge": candidate.header.version, "digest": candidate.digest, "since": since.isoformat()}
    past = PastStreams(settings, SERVICE, CaseOpened.TOPIC, since)
    with past, Progress(console=console, transient=True) as progress, Report(out, head) as report:
        task = progress.add_task("cases", total=past.count())
        for state in _cases(past):
            again = replay(state, candidate, POLICIES.of(settings.jurisdiction))
            progress.advance(task)
            if again is None:
                continue
            counts[again.status] += 1
            if again.status in WORDS:
                report.add(again.as_json())
                if counts[again.status] <= SHOWN_MAX:
                    tables[again.status].add_row(str(again.case.case_id), again.decided, again.weighs, _changes(again))
        report.totals(counts)
    for table in tables.values():
        if table.row_count:
            console.print(table)
    told = ", ".join(f"{counts[name]} {name}" for name in (*WORDS, "same", "undecided", "unreadable"))
    console.print(f"{counts.total()} cases: {told}")
    return DIFFERS if counts["differs"] else 0


def _table(version: str, status: str) -> Table:
    return Table("case", "was", "weighs", "new or vanished", title=f"{version}: {WORDS[status]}")


def _cases(past: PastStreams) -> Iterator[CaseState]:
    for page in past.pages():
        for loaded in past.load([case_ref(each) for each in page]):
            yield loaded.state


def _changes(again: Replayed) -> str:
    new = [f"+ {finding.severity.word} {finding.evidence}" for finding in again.new]
    return "\n".join(new + [f"- {finding.severity.word} {finding.evidence}" for finding in again.vanished])
