"""`repeatedly`: a worker's method `step() -> bool` is called again and again; True means there is more to do now.

Everything that moves by itself in a worker (sealing, relaying, timers, projections) is such a step.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

from nameko.containers import WorkerContext
from nameko.extensions import Entrypoint

from services.seedwork.messaging.errors import FatalError
from services.seedwork.messaging.pace import Pace, WakeUp

STOP_SECONDS_MAX = 10.0
Step = TypeVar("Step", bound=Callable[..., bool])

logger = logging.getLogger(__name__)


class Repeatedly(Entrypoint):
    """Calls the method in a greenlet of its own, with the service's dependencies given once, when the loop starts.

    After an error it waits and tries again; a `FatalError` ends the container. `failing_since` (monotonic seconds, or
    None) is for readiness.
    """

    def __init__(
        self,
        *,
        idle_seconds: float = 1.0,
        wake_up: WakeUp | None = None,
        stop_seconds: float = STOP_SECONDS_MAX,
        jitter: Callable[[], float] = random.random,
        **options: Any,
    ) -> None:
        self.pace = Pace(idle_seconds, jitter=jitter)
        self.wake_up = wake_up or WakeUp()
        self.stop_seconds = stop_seconds
        self.failing_since: float | None = None
        super().__init__(**options)

    def setup(self) -> None:
        self._stopping = threading.Event()
        self._ended = threading.Event()

    def start(self) -> None:
        self._thread = self.container.spawn_managed_thread(self._run, identifier=f"repeat {self.method_name}")

    def stop(self) -> None:
        """Lets the step at hand end; after `stop_seconds` it is ended."""
        self._stopping.set()
        self.wake_up.set()
        if not self._ended.wait(self.stop_seconds):
            logger.error("%s did not end within %.0f s and is ended now", self.method_name, self.stop_seconds)
        self._thread.kill()

    def kill(self) -> None:
        self._stopping.set()
        self.wake_up.set()

    def _run(self) -> None:
        try:
            step = self._bound_step()
            while not self._stopping.is_set():
                self._one(step)
        finally:
            self._ended.set()

    def _bound_step(self) -> Callable[[], bool]:
        service = self.container.service_cls()
        context = WorkerContext(self.container, service, self)
        for dependency in self.container.dependencies:
            setattr(service, dependency.attr_name, dependency.get_dependency(context))
        step: Callable[[], bool] = getattr(service, self.method_name)
        return step

    def _one(self, step: Callable[[], bool]) -> None:
        try:
            pause = self.pace.after_step(more=bool(step()))
        except FatalError:
            raise
        except Exception:
            pause = self.pace.after_error()
            self.failing_since = self.failing_since or time.monotonic()
            logger.exception("%s failed, again in %.1f s", self.method_name, pause)
            self._stopping.wait(pause)  # not the wake-up: a busy store must not shorten it
            return
        self.failing_since = None
        if pause:
            self.wake_up.wait(pause)
        else:
            time.sleep(0)  # green here: the other greenlets have their turn


def repeatedly(**options: Any) -> Callable[[Step], Step]:
    """Decorates `def step(self) -> bool`."""
    decorate: Callable[[Step], Step] = Repeatedly.decorator(**options)
    return decorate
