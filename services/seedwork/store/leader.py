"""Leadership of one store: an advisory lock on PostgreSQL, a file lock on SQLite; both die with their holder."""

from __future__ import annotations

import fcntl
import hashlib
import os
from typing import Any

import psycopg

from services.seedwork.store.postgres import BOUNDED, PostgresDatabase
from services.seedwork.store.sqlite import SqliteDatabase

WAKE_CHANNEL = "rxflow_committed"


class FileLeadership:
    """Leads while it holds the lock of `<file>.leader`."""

    listens = False

    def __init__(self, database: SqliteDatabase) -> None:
        self._path = database.path + ".leader"
        self._file: int | None = None

    def held(self) -> bool:
        """Whether this process leads now; takes the lead where nobody has it."""
        if self._file is not None:
            return True
        file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(file)
            return False
        self._file = file
        return True

    def resign(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def wait(self, seconds: float) -> bool:
        """Nothing to listen to: the caller polls."""
        del seconds
        return False


class AdvisoryLeadership:
    """Leads while its own connection holds the advisory lock; the same connection hears of commits."""

    listens = True
    """Waits for what it hears: its caller must not pause beside that."""

    def __init__(self, database: PostgresDatabase, name: str) -> None:
        self._url, self._watch = database.url, database.watch
        self._key = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big", signed=True)
        self._connection: psycopg.Connection[Any] | None = None
        self._leads = self._heard = False

    def held(self) -> bool:
        """Whether this process leads now. A lost connection is a lost lead."""
        try:
            if self._connection is None:
                self._connection = psycopg.connect(self._url, **BOUNDED)
            self._watch.begin(self._connection)
            if self._leads and self._heard:
                self._heard = False  # what it heard has just proved that the connection lives
            elif self._leads:
                self._connection.execute("SELECT 1")
            else:
                row = self._connection.execute("SELECT pg_try_advisory_lock(%s)", (self._key,)).fetchone()
                self._leads = bool(row and row[0])
                if self._leads:  # only a leader takes what it hears; with anybody else it would pile up
                    self._connection.execute(f"LISTEN {WAKE_CHANNEL}")
            self._watch.end(self._connection)
        except psycopg.Error:
            self.resign()
        return self._leads

    def resign(self) -> None:
        connection, self._connection, self._leads = self._connection, None, False
        self._heard = False
        if connection is not None:
            self._watch.end(connection)
            connection.close()

    def wait(self, seconds: float) -> bool:
        """Until something was committed, at most so long; a wake-up only, the poll is the guarantee."""
        if self._connection is None:
            return False
        try:
            self._heard = any(True for _ in self._connection.notifies(timeout=seconds, stop_after=1))
        except psycopg.Error:
            self.resign()
            return False
        return self._heard
