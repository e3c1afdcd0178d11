"""Time that passes only when everything waits: an event loop whose clock jumps to the next deadline.

Synchronous code runs in greenlets on the same loop, so that it too gives way where it waits for a store, the broker or
a lock, and only there.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Awaitable
from types import TracebackType
from typing import Any, TypeVar

from sqlalchemy.util import await_only

T = TypeVar("T")


class NothingWouldHappen(Exception):  # noqa: N818 - a finding, not a mistake
    """Everything waits for something, and nothing has a deadline."""


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop that never waits."""

    def __init__(self) -> None:
        self.seconds = 0.0
        super().__init__(_Impatient(self))

    def time(self) -> float:
        return self.seconds


class _Impatient(selectors.DefaultSelector):
    """Lets the loop's time pass instead of waiting. Nothing comes from outside, so nobody has to look."""

    def __init__(self, loop: VirtualLoop) -> None:
        super().__init__()
        self._virtual = loop

    def select(self, timeout: float | None = None) -> Any:
        if timeout is None:
            raise NothingWouldHappen
        self._virtual.seconds += max(timeout, 0.0)
        return []


def wait_for(awaitable: Awaitable[T]) -> T:
    """In a greenlet: its result, while everything else goes on."""
    result: T = await_only(awaitable)
    return result


def sleep(seconds: float) -> None:
    """In a greenlet: `time.sleep` in virtual time."""
    await_only(asyncio.sleep(seconds))


class Lock:
    """In a greenlet: `threading.Lock` in virtual time."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()

    def acquire(self, timeout: float | None = None) -> bool:
        return wait_for(self._acquired(timeout))

    async def _acquired(self, seconds: float | None) -> bool:
        try:
            async with asyncio.timeout(seconds):
                return await self._lock.acquire()
        except TimeoutError:
            return False

    def release(self) -> None:
        self._lock.release()

    def __enter__(self) -> None:
        self.acquire()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.release()


class WakeUp:
    """Ends an idle wait early."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def set(self) -> None:
        self._event.set()

    async def within(self, seconds: float) -> bool:
        """Whether it was set before so much time had passed."""
        try:
            async with asyncio.timeout(seconds):
                await self._event.wait()
        except TimeoutError:
            return False
        finally:
            self._event.clear()
        return True
