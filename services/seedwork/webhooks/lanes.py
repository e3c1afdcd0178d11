"""Calls that are under way, each beside the others: who waits for one subscriber must not let the others wait."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

from services.seedwork.webhooks.post import Answer

Key = tuple[Any, ...]

logger = logging.getLogger(__name__)


class Lanes(Protocol):
    """Where calls are made. How many at once is the sender's to say."""

    def start(self, key: Key, call: Callable[[], Answer]) -> None: ...

    def finished(self) -> list[tuple[Key, Answer]]:
        """What has come back since the last time."""
        ...


class ThreadLanes:
    """A thread per call, which in a worker is a greenlet. Threads hold nothing but their call: what becomes of it is
    written by whoever asks, and one that is killed with its process was never answered."""

    def __init__(self, told: Callable[[], None]) -> None:
        self._told = told
        self._back: deque[tuple[Key, Answer]] = deque()

    def start(self, key: Key, call: Callable[[], Answer]) -> None:
        threading.Thread(target=self._run, args=(key, call), name="webhook", daemon=True).start()

    def finished(self) -> list[tuple[Key, Answer]]:
        back = []
        while self._back:
            back.append(self._back.popleft())
        return back

    def _run(self, key: Key, call: Callable[[], Answer]) -> None:
        try:
            answer = call()
        except Exception:
            logger.exception("a call failed in a way nobody thought of")
            answer = Answer(None, "unexpected")
        self._back.append((key, answer))
        self._told()
