"""A worker as it is in production, with one more greenlet that notes how late it gets its turn.

    python -m benchmarks.watched_worker FILE SERVICE

SIGUSR1 starts the notes anew; at the end FILE holds the delays in milliseconds, as JSON: of each turn by the clock, and
how much of that the worker itself was busy, by its thread's CPU time. What is left is the machine, which had given the
processor to somebody else. For SERVICE `nothing` nobody else wants a turn.
"""

from __future__ import annotations

import services.seedwork.green  # noqa: F401  # isort: skip - first: before anything that must be patched

import json
import signal
import sys
from pathlib import Path
from time import monotonic, thread_time

import eventlet
import eventlet.event

from services.seedwork.serving import run_workers
from services.seedwork.settings import Settings

TICK_SECONDS = 0.005
NOTHING = "nothing"


def main(file: str, service: str) -> int:
    delays: list[tuple[float, float]] = []

    def watch() -> None:
        while True:
            due, busy_before = monotonic() + TICK_SECONDS, thread_time()
            eventlet.sleep(TICK_SECONDS)
            late = monotonic() - due
            delays.append((late * 1000, min(late, thread_time() - busy_before) * 1000))

    signal.signal(signal.SIGUSR1, lambda *_: delays.clear())
    eventlet.spawn(watch)
    try:
        if service == NOTHING:
            stopped = eventlet.event.Event()
            signal.signal(signal.SIGTERM, lambda *_: stopped.send(None))
            stopped.wait()
            return 0
        return run_workers([service], Settings())
    finally:
        Path(file).write_text(json.dumps(delays))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
