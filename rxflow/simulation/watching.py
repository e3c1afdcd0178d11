"""Who watches a world: after every commit, every acknowledgement and every complaint, and whenever it is asked."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Iterable, Sequence
from importlib import import_module
from typing import Any

from contracts.envelope import Envelope
from rxflow.simulation import effects, invariants
from rxflow.simulation.books import Books
from rxflow.simulation.broker import Message
from rxflow.simulation.history import History
from rxflow.simulation.installation import NAMES, Installation
from services.seedwork.settings import Settings
from services.seedwork.store.opening import blocking_database, store_core

_RECORDED = (
    "SELECT log_index, e.stream_id, version, topic, state, e.hash, recorded_at, public_seq, body"
    " FROM log JOIN events e USING (position) LEFT JOIN public p USING (position) ORDER BY log_index, public_seq"
)


class Violated(Exception):  # noqa: N818 - a finding
    """Something does not hold; the watch knows what."""


class Watch(logging.Handler):
    """Keeps the books of all services and what was found wrong in them."""

    def __init__(self, history: History) -> None:
        super().__init__(logging.WARNING)
        self.history = history
        self.violations: list[str] = []
        self.violated = asyncio.Event()
        self.came_back: set[str] = set()
        """Whose store came back from a backup."""
        self.lost = False
        """Whether such a backup lacked something recorded."""
        self.books: dict[str, Books] = {}
        self._installation: Installation

    def begin(self, installation: Installation, settings: Settings) -> None:
        """Opens the books of an installation that has not been started yet."""
        self._installation = installation
        installation.broker.acknowledged = self._acknowledged
        self.keyring = blocking_database(settings.keyring_database_url, 1)
        self.keyring.open()
        for name in NAMES:
            core = store_core(import_module(f"services.{name}.composition").SERVICE, settings)
            database = installation.raw(name)
            database.open()
            self.books[name] = Books(core, database, self.keyring, invariants.WATCHED[name])

    def end(self) -> None:
        for book in self.books.values():
            book.database.close()
        self.keyring.close()

    def find(self, found: Iterable[str]) -> None:
        """Notes what is wrong."""
        self.violations += found
        if self.violations:
            self.violated.set()

    def must(self, found: Iterable[str]) -> None:
        """Raises Violated where something is wrong, now or before."""
        self.find(found)
        if self.violations:
            raise Violated

    def at_rest(self, when: str) -> None:
        """When everything that was said has arrived. Raises Violated."""
        checks = [effects.differences_are_set_aside(self.books)]
        if not self.lost:
            checks += [invariants.at_rest(self.books), invariants.nobody_was_set_aside(self.books)]
            checks += [effects.once(self.books), effects.arrived(self.books)]
        for found in checks:
            self.must(f"{when}: {each}" for each in found)

    def digest(self) -> str:
        """Of all that every service has recorded and told, in the order of the logs."""
        whole = hashlib.sha256()
        for book in self.books.values():
            for row in book.query(_RECORDED):
                whole.update(repr(row).encode())
        return whole.hexdigest()

    # -- told by the world

    def committed(self, name: str) -> None:
        """After every commit, before anybody else has a turn."""
        if name not in self.books or self.violations:
            return
        book = self.books[name]
        now = asyncio.get_running_loop().time()
        new = book.advance()
        for entry in new:
            self.history.add(now, f"{name} {type(entry.event).__name__}", str(entry.stream.stream_id), entry.event)
        if new and not self.lost:
            self.find(invariants.always(self.books, name))
        self.find(effects.published(book, self._installation.broker.had))

    def replaced(self, name: str, position: int) -> None:
        """A store is what it was at a position; what came after is gone, and its commands with it."""
        book = self.books[name]
        self.came_back.add(name)
        self.lost = self.lost or book.reached > position
        self._installation.accepted.forget_after(name, position)
        book.database.close()
        book.database.open()
        book.read_anew()

    def failed(self, where: str, error: BaseException) -> None:
        """Something ended that should not."""
        if not isinstance(error, Violated):
            self.find([f"{where} ended with {error!r}"])
            self.history.failure(error)

    def unhandled(self, _loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """As an event loop tells it."""
        error = context.get("exception")
        if isinstance(error, Exception):
            self.failed(context["message"], error)

    def emit(self, record: logging.LogRecord) -> None:
        """A refused reaction, a fork, an event set aside: nothing that a bad world alone brings about."""
        self.history.add(-1.0, "log", record.getMessage())
        if record.name.endswith("consumer") or record.levelno >= logging.CRITICAL:
            self.find([] if self.lost else [f"logged: {record.getMessage()}"])
            if record.exc_info and record.exc_info[1]:
                self.history.failure(record.exc_info[1])

    def _acknowledged(self, consumer: str, messages: Sequence[Message]) -> None:
        self.find(effects.taken(self.books[consumer], [Envelope.from_wire(message.body) for message in messages]))
