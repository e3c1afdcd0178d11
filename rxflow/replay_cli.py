"""`rxflow replay-review`: past cases screened again with a set of knowledge that is not in force yet.

It reads review's own store, as `rxflow verify` does, and writes nothing: clinical facts are opened on the machine that
has the keys and do not travel, and the services that are at work are not asked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import orjson
import sqlalchemy as sa
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from rxflow.knowledge_cli import faults_table
from services.review.composition import SERVICE
from services.review.domain.case import CaseState, case_ref
from services.review.domain.events import CaseOpened
from services.review.domain.knowledge.files import Unreadable, gather
from services.review.domain.knowledge.reading import KnowledgeSet, read_set
from services.review.domain.policy import POLICIES
from services.review.domain.replay import Replayed, replay
from services.seedwork.calendar import ZONE
from services.seedwork.clock import to_micros
from services.seedwork.settings import Settings
from services.seedwork.store.drivers import Database, Driver
from services.seedwork.store.executor import load
from services.seedwork.store.opening import blocking_database, store_core
from services.seedwork.store.rendering import Prepared
from services.seedwork.store.tables import events

PAGE = 50
"""Cases in memory at once."""
SHOWN_MAX = 50
DIFFERS = 1
NOT_READABLE = 2

_after = sa.bindparam("after", type_=sa.BigInteger)
_since = sa.bindparam("since", type_=sa.BigInteger)
_OPENED = (events.c.topic == CaseOpened.TOPIC, events.c.recorded_at >= _since)
_COUNT = Prepared(lambda _i: sa.select(sa.func.count().label("cases")).where(*_OPENED))
_NEXT = Prepared(
    lambda _i: (
        sa.select(events.c.position, events.c.stream_id)
        .where(*_OPENED, events.c.position > _after)
        .order_by(events.c.position)
        .limit(PAGE)
    )
)


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
    from_micros = to_micros(datetime.combine(since, time.min, ZONE))
    counts: Counter[str] = Counter()
    table = Table("case", "was", "new or vanished", title=f"{candidate.header.version} against what was found")
    head = {"knowledge": candidate.header.version, "digest": candidate.digest, "since": since.isoformat()}
    with Store(settings) as store, Progress(console=console, transient=True) as progress, _Report(out, head) as report:
        task = progress.add_task("cases", total=store.count(from_micros))
        for state in store.cases(from_micros):
            again = replay(state, candidate, POLICIES.of(settings.jurisdiction))
            progress.advance(task)
            if again is None:
                continue
            counts[again.status] += 1
            if again.status == "differs":
                report.add(again)
                if counts["differs"] <= SHOWN_MAX:
                    table.add_row(str(again.case.case_id), again.decided, _changes(again))
        report.totals(counts)
    if table.row_count:
        console.print(table)
    told = ", ".join(f"{counts[name]} {name}" for name in ("same", "differs", "undecided", "unreadable"))
    console.print(f"{counts.total()} cases: {told}")
    return DIFFERS if counts["differs"] else 0


def _changes(again: Replayed) -> str:
    new = [f"+ {finding.severity.word} {finding.evidence}" for finding in again.new]
    return "\n".join(new + [f"- {finding.severity.word} {finding.evidence}" for finding in again.vanished])


class Store:
    """Review's store, read case by case in the order in which they were opened."""

    def __init__(self, settings: Settings) -> None:
        self._core = store_core(SERVICE, settings)
        self._database: Database = blocking_database(settings.service_database_url(SERVICE.name), 1)
        self._keyring: Database = blocking_database(settings.keyring_database_url, 1)

    def __enter__(self) -> Store:
        self._database.open()
        self._keyring.open()
        return self

    def __exit__(self, *_: object) -> None:
        self._database.close()
        self._keyring.close()

    def count(self, since: int) -> int:
        return int(_COUNT.read(self._database, since=since)[0]["cases"])

    def cases(self, since: int) -> Iterator[CaseState]:
        driver, after = Driver(self._database, self._keyring), 0
        while rows := _NEXT.read(self._database, since=since, after=after):
            for loaded in driver.run(load(self._core, [case_ref(row["stream_id"]) for row in rows])):
                yield loaded.state
            after = int(rows[-1]["position"])


class _Report:
    """One JSON document, written as the cases come."""

    def __init__(self, path: Path | None, head: dict[str, Any]) -> None:
        self._path = path
        self._head = orjson.dumps(head).decode().removesuffix("}")
        self._write: Callable[[str], object] = lambda _text: None
        self._first = True

    def __enter__(self) -> _Report:
        self._file = self._path.open("w", encoding="utf-8") if self._path else None
        if self._file:
            self._write = self._file.write
        self._write(f'{self._head},"cases":[')
        return self

    def add(self, again: Replayed) -> None:
        self._write(("\n" if self._first else ",\n") + orjson.dumps(again.as_json()).decode())
        self._first = False

    def totals(self, counts: Counter[str]) -> None:
        self._write(f'\n],"totals":{orjson.dumps(dict(counts)).decode()}}}\n')

    def __exit__(self, *_: object) -> None:
        if self._file:
            self._file.close()
