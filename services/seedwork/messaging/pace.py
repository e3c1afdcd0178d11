"""How a loop walks: pure and unpatched, so that a simulation walks at the same pace as production."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class Pace:
    """How long to wait before the next step. Pure, so that a simulation walks at the same pace."""

    idle_seconds: float
    error_seconds: float = 0.1
    error_seconds_max: float = 10.0
    jitter: Callable[[], float] = random.random
    errors: int = field(default=0, init=False)

    def after_step(self, *, more: bool) -> float:
        self.errors = 0
        return 0.0 if more else self.idle_seconds

    def after_error(self) -> float:
        """Between half and all of 0.1, 0.2, 0.4 .. 10 s: processes that failed together do not come back together."""
        pause = min(self.error_seconds * float(2 ** min(self.errors, 20)), self.error_seconds_max)
        self.errors += 1
        return pause * (0.5 + self.jitter() / 2)


class WakeUp:
    """Ends the idle wait of a loop early. Set it after a commit; being only a hint, a lost one costs the idle time."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def set(self) -> None:
        self._event.set()

    def wait(self, seconds: float) -> None:
        self._event.wait(seconds)
        self._event.clear()
