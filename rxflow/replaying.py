"""Past streams of a service, read out of its own store by a command, and a report that is written as they come.

Nothing is written to the store: what is personal is opened on the machine that has the keys and does not travel, and
the services that are at work are not asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime, time
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
import sqlalchemy as sa

from services.seedwork.calendar import ZONE
from services.seedwork.clock import to_micros
from services.seedwork.composition import Service
from services.seedwork.model import Loaded, StreamRef
from services.seedwork.settings import Settings
from services.seedwork.store.drivers import Database, Driver
from services.seedwork.store.executor import load
from services.seedwork.store.opening import blocking_database, store_core
from services.seedwork.store.rendering import Prepared
from services.seedwork.store.tables import events

PAGE = 50
"""Streams in memory at once, beside those that belong to them."""

_after = sa.bindparam("after", type_=sa.BigInteger)
_since = sa.bindparam("since", type_=sa.BigInteger)
_topic = sa.bindparam("topic", type_=sa.Text)
_OPENED = (events.c.topic == _topic, events.c.recorded_at >= _since)
_COUNT = Prepared(lambda _i: sa.select(sa.func.count().label("streams")).where(*_OPENED))
_NEXT = Prepared(
    lambda _i: (
        sa.select(events.c.position, events.c.stream_id)
        .where(*_OPENED, events.c.position > _after)
        .order_by(events.c.position)
        .limit(PAGE)
    )
)


class PastStreams:
    """The streams that began by an event of one topic on a day or later, in the order in which they began."""

    def __init__(self, settings: Settings, service: Service, topic: str, since: date) -> None:
        self._core = store_core(service, settings)
        self._database: Database = blocking_database(settings.service_database_url(service.name), 1)
        self._keyring: Database = blocking_database(settings.keyring_database_url, 1)
        self._asked = {"topic": topic, "since": to_micros(datetime.combine(since, time.min, ZONE))}

    def __enter__(self) -> PastStreams:
        self._database.open()
        self._keyring.open()
        return self

    def __exit__(self, *_: object) -> None:
        self._database.close()
        self._keyring.close()

    def count(self) -> int:
        return int(_COUNT.read(self._database, **self._asked)[0]["streams"])

    def pages(self) -> Iterator[list[UUID]]:
        """Their ids, `PAGE` at a time."""
        after = 0
        while rows := _NEXT.read(self._database, after=after, **self._asked):
            yield [row["stream_id"] for row in rows]
            after = int(rows[-1]["position"])

    def load(self, refs: Sequence[StreamRef[Any]]) -> Sequence[Loaded[Any]]:
        """Any streams of the service, as they are now."""
        found: Sequence[Loaded[Any]] = Driver(self._database, self._keyring).run(load(self._core, list(refs)))
        return found


class Report:
    """One JSON document, written as the differences come; without a path nothing is written."""

    def __init__(self, path: Path | None, head: Mapping[str, Any]) -> None:
        self._path = path
        self._head = orjson.dumps(head).decode().removesuffix("}")
        self._write: Callable[[str], object] = lambda _text: None
        self._first = True

    def __enter__(self) -> Report:
        self._file = self._path.open("w", encoding="utf-8") if self._path else None
        if self._file:
            self._write = self._file.write
        self._write(f'{self._head},"cases":[')
        return self

    def add(self, found: Mapping[str, Any]) -> None:
        self._write(("\n" if self._first else ",\n") + orjson.dumps(found).decode())
        self._first = False

    def totals(self, counts: Mapping[str, int]) -> None:
        self._write(f'\n],"totals":{orjson.dumps(dict(counts)).decode()}}}\n')

    def __exit__(self, *_: object) -> None:
        if self._file:
            self._file.close()
