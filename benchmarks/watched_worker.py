"""A worker as it is in production, with one more greenlet that notes how late it gets its turn.

    python -m benchmarks.watched_worker FILE SERVICE

SIGUSR1 starts the notes anew; at the end FILE holds the delays in milliseconds, as JSON. For SERVICE `nothing` nobody
else wants a turn: what is late then is the machine.
"""

from __future__ import annotations

import services.seedwork.green  # noqa: F401  # isort: skip - first: before anything that must be patched

import json
import signal
import sys
from pathlib import Path
from time import monotonic

import eventlet
import eventlet.event

from services.seedwork.serving import run_workers
from services.seedwork.settings import Settings

TICK_SECONDS = 0.005
NOTHING = "nothing"


def main(file: str, service: str) -> int:
    delays: list[float] = []

    def watch() -> None:
        while True:
            due = monotonic() + TICK_SECONDS
            eventlet.sleep(TICK_SECONDS)
            delays.append((monotonic() - due) * 1000)

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
