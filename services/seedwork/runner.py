"""Runs the containers of one or more services in one worker process, and ends in time.

Exit statuses: 0 stopped on request; 1 a service failed (a supervisor should not believe that trying again at once will
help); 70 stopping took longer than it may.
"""

from __future__ import annotations

from services.seedwork import green  # first: before anything that must be patched  # isort: skip

import logging
import os
import signal
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import eventlet
from eventlet.patcher import original
from nameko.runners import ServiceRunner

FAILED = 1
DEADLINE_PASSED = 70
GRACE_SECONDS = 20.0

logger = logging.getLogger(__name__)


class DeadlineRunner(ServiceRunner):
    """Nameko's runner, but a stop that hangs ends the process."""

    def __init__(self, config: Mapping[str, Any], grace_seconds: float = GRACE_SECONDS) -> None:
        super().__init__(dict(config))
        self._grace_seconds = grace_seconds
        self._must_end = False

    def must_end(self) -> None:
        """From now on the grace period runs; may be called from a signal handler."""
        if not self._must_end:
            self._must_end = True
            _end_process_after(self._grace_seconds)

    def stop(self) -> None:
        self.must_end()
        super().stop()


def run(
    services: Iterable[type],
    config: Mapping[str, Any],
    grace_seconds: float = GRACE_SECONDS,
    *,
    started: Callable[[DeadlineRunner], None] | None = None,
) -> int:
    """Runs until SIGTERM or SIGINT, or until a container fails; returns the exit status.

    `started(runner)` is called when all containers have started: the place to serve health and metrics from.
    """
    green.self_test()
    runner = DeadlineRunner(config, grace_seconds)
    for service in services:
        runner.add_service(service)

    def stop(*_signal: Any) -> None:
        runner.must_end()  # here, because the greenlet below may never get its turn
        eventlet.spawn_n(runner.stop)  # a signal handler must not switch greenlets itself

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    try:
        runner.start()
        if started is not None:
            started(runner)
        runner.wait()
    except Exception:
        logger.critical("the worker of %s failed", ", ".join(runner.service_names), exc_info=True)
        runner.stop()
        return FAILED
    return 0


def _end_process_after(seconds: float) -> None:
    """By a native thread, because greenlets do not run while something blocks the process."""

    def end() -> None:
        original("time").sleep(seconds)
        os.write(2, b"the worker did not stop in time and is ended\n")
        os._exit(DEADLINE_PASSED)

    original("_thread").start_new_thread(end, ())
