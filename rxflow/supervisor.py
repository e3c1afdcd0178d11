"""Keeps child processes running: starts them, restarts what dies, stops them in order.

A child that dies is started again after a pause that doubles while it keeps dying, and is forgotten once it has run
long enough. A child ends by itself when its standard input does, so killing the supervisor leaves no orphans.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from rxflow.lifeline import SUPERVISED

PAUSE_SECONDS = 0.5
PAUSE_SECONDS_MAX = 30.0
STABLE_SECONDS = 60.0
STOP_SECONDS = 25.0
"""Longer than a worker's own deadline for stopping, so that killing is the exception."""
STEP_SECONDS = 0.1
LOG_BYTES_MAX = 50 * 1024 * 1024
STOPPED_ON_REQUEST = frozenset({0, -signal.SIGTERM, -signal.SIGINT})


@dataclass(frozen=True)
class Child:
    """A process to keep running. Its output is appended to `log`; without one it goes where the supervisor's goes.

    `environment` is put over the supervisor's own; None takes a variable away.
    """

    name: str
    command: Sequence[str]
    environment: Mapping[str, str | None] = field(default_factory=dict)
    log: Path | None = None


@dataclass(frozen=True)
class Occurrence:
    """Something an operator wants to know about a child."""

    child: str
    what: str


@dataclass
class _Running:
    child: Child
    process: subprocess.Popen[bytes] | None = None
    log: IO[bytes] | None = None
    started_at: float = 0.0
    deaths: int = 0
    due_at: float = 0.0


class Supervisor:
    """Runs children until it is told to stop. `report` hears of every start, death and stop."""

    def __init__(
        self,
        children: Iterable[Child],
        report: Callable[[Occurrence], None],
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        stop_seconds: float = STOP_SECONDS,
    ) -> None:
        self._running = [_Running(child) for child in children]
        self._report = report
        self._clock = clock
        self._sleep = sleep
        self._stop_seconds = stop_seconds
        self._wanted = True

    def run(self) -> None:
        """Until `ask_to_stop`; then stops the children, the last one first."""
        try:
            while self._wanted:
                self.step()
                self._sleep(STEP_SECONDS)
        finally:
            self.stop()

    def ask_to_stop(self) -> None:
        """May be called from a signal handler."""
        self._wanted = False

    def step(self) -> None:
        """Start what is due, notice what has died."""
        now = self._clock()
        for running in self._running:
            if running.process is None:
                if now >= running.due_at:
                    self._start(running)
            elif (status := running.process.poll()) is not None:
                self._bury(running, status)

    def pids(self) -> dict[str, int]:
        """Of the children that run now."""
        return {running.child.name: running.process.pid for running in self._running if running.process is not None}

    def stop(self) -> None:
        """SIGTERM to all, the last started first; SIGKILL to those that have not ended in time."""
        self._wanted = False
        alive = [running for running in reversed(self._running) if running.process is not None]
        for running in alive:
            _signal(running, signal.SIGTERM)
        deadline = self._clock() + self._stop_seconds
        for running in alive:
            self._await_end(running, deadline)

    def _start(self, running: _Running) -> None:
        child = running.child
        if child.log is not None:
            running.log = _open_log(child.log)
        running.process = subprocess.Popen(
            list(child.command),
            stdin=subprocess.PIPE,
            stdout=running.log,
            stderr=subprocess.STDOUT if running.log else None,
            env=_environment(child),
            start_new_session=True,  # Ctrl-C is the supervisor's, which then stops its children in order
        )
        running.started_at = self._clock()
        self._report(Occurrence(child.name, f"started, process {running.process.pid}"))

    def _bury(self, running: _Running, status: int) -> None:
        now = self._clock()
        lived = now - running.started_at
        running.deaths = 1 if lived >= STABLE_SECONDS else running.deaths + 1
        pause = min(PAUSE_SECONDS * 2 ** (running.deaths - 1), PAUSE_SECONDS_MAX)
        running.due_at = now + pause
        _let_go(running)
        self._report(Occurrence(running.child.name, f"ended ({describe(status)}), again in {pause:g} s"))

    def _await_end(self, running: _Running, deadline: float) -> None:
        assert running.process is not None  # noqa: S101
        try:
            status = running.process.wait(max(0.0, deadline - self._clock()))
        except subprocess.TimeoutExpired:
            _signal(running, signal.SIGKILL)
            status = running.process.wait()
            self._report(Occurrence(running.child.name, f"did not stop within {self._stop_seconds:g} s and was killed"))
        else:
            how = "stopped" if status in STOPPED_ON_REQUEST else f"stopped ({describe(status)})"
            self._report(Occurrence(running.child.name, how))
        _let_go(running)


def describe(status: int) -> str:
    """An exit status in words."""
    return f"signal {signal.Signals(-status).name}" if status < 0 else f"exit status {status}"


def _environment(child: Child) -> dict[str, str]:
    merged: dict[str, str | None] = {**os.environ, **child.environment, SUPERVISED: "1"}
    return {name: value for name, value in merged.items() if value is not None}


def _signal(running: _Running, number: signal.Signals) -> None:
    if running.process is not None and running.process.poll() is None:
        running.process.send_signal(number)


def _let_go(running: _Running) -> None:
    if running.process is not None and running.process.stdin is not None:
        running.process.stdin.close()
    if running.log is not None:
        running.log.close()
    running.process = running.log = None


def _open_log(path: Path) -> IO[bytes]:
    """Appends; a log that has grown too long is kept once, as `.1`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and path.stat().st_size > LOG_BYTES_MAX:
        path.replace(path.with_suffix(f"{path.suffix}.1"))
    return path.open("ab")
