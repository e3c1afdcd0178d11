"""The right to write an SQLite file: one writer at a time over all threads and processes, and a limit to the wait."""

from __future__ import annotations

import fcntl
import os
import sys
import time
from typing import Any

from services.seedwork.store.errors import Unavailable

WAIT_SECONDS = 5
"""A save takes milliseconds: who has waited for so long waits behind a process that is stopped."""


def _native(module: str) -> Any:
    """A module of the operating system's threads, also where eventlet has patched it."""
    if "eventlet" in sys.modules:
        from eventlet.patcher import original  # noqa: PLC0415 - only a worker has eventlet

        return original(module)
    return __import__(module)


class WriterLock:
    """A kernel queue instead of SQLite's unfair busy sleep.

    The file is opened at first use, so after a fork each process has its own; the kernel frees it when one dies.
    Entering raises Unavailable after `seconds`: nothing was written.
    """

    def __init__(self, path: str, seconds: float = WAIT_SECONDS) -> None:
        self.seconds = seconds
        self._path = path
        self._lock = _native("threading").Lock()
        self._file = -1
        self._pid = 0
        self._queue: _Queue

    def __enter__(self) -> None:
        until = time.monotonic() + self.seconds
        if not self._lock.acquire(timeout=self.seconds):
            raise self._too_long()
        try:
            if self._pid != os.getpid():
                self._file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
                self._pid = os.getpid()
                self._queue = _Queue(self._file)
            if not self._queue.enter(until):
                raise self._too_long()
        except BaseException:
            self._lock.release()
            raise

    def __exit__(self, *_: object) -> None:
        try:
            fcntl.flock(self._file, fcntl.LOCK_UN)
        finally:
            self._lock.release()

    def _too_long(self) -> Unavailable:
        return Unavailable(f"no right to write after {self.seconds:g} s: another writer of {self._path} does not end")


class _Queue:
    """This process's place in the kernel's queue for a file. One thread of the process at a time asks for it.

    `flock` waits without a limit; so where it must wait, a thread does that, and who asked waits for the thread. When
    nobody does any more, the thread keeps the place for who asks next, or gives it back.
    """

    def __init__(self, file: int) -> None:
        self._file = file
        self._guard = _native("threading").Lock()
        self._waiting = False
        self._wanted = False
        self._arrived: Any = None

    def enter(self, until: float) -> bool:
        """Whether the file was locked in time."""
        with self._guard:
            if not self._waiting:
                try:
                    fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    self._waiting = True
                    self._arrived = _native("threading").Lock()
                    self._arrived.acquire()
                    _native("_thread").start_new_thread(self._wait, ())
                else:
                    return True
            self._wanted = True
        self._arrived.acquire(timeout=max(0.0, until - time.monotonic()))
        with self._guard:
            self._wanted = False
            return not self._waiting

    def _wait(self) -> None:
        fcntl.flock(self._file, fcntl.LOCK_EX)
        with self._guard:
            self._waiting = False
            if not self._wanted:
                fcntl.flock(self._file, fcntl.LOCK_UN)
            self._arrived.release()
