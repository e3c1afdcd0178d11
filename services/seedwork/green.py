"""Import this before anything else in a worker process: it makes the process green.

Neither nameko nor psycopg do it by themselves: eventlet must replace the blocking parts of the standard library before
they are imported anywhere, and psycopg's C wait would stop every greenlet of the process during each query.
"""

from __future__ import annotations

import os
import sys
import warnings

TOO_EARLY = frozenset({"amqp", "kombu", "nameko", "psycopg", "sqlalchemy", "eventsourcing"}) & set(sys.modules)
"""Modules that were imported before the process was green, and hold unpatched parts."""

os.environ["PSYCOPG_WAIT_FUNC"] = "wait_selector"
warnings.filterwarnings("ignore", message="(?s).*Eventlet is deprecated")

import eventlet  # noqa: E402 - after the filter

eventlet.monkey_patch()

import socket  # noqa: E402 - the patched one
from collections.abc import Generator  # noqa: E402
from typing import Any  # noqa: E402

from services.seedwork.turns import give_way_by  # noqa: E402

give_way_by(eventlet.sleep)

PROBE_SECONDS = 1.0


class NotGreenError(RuntimeError):
    """The process would stand still at its first query. It must not start."""


def self_test() -> None:
    """Fails unless other greenlets run while one waits for the database."""
    if TOO_EARLY:
        raise NotGreenError(f"imported before services.seedwork.green: {', '.join(sorted(TOO_EARLY))}")
    import psycopg.waiting  # noqa: PLC0415 - only after the process is green

    if psycopg.waiting.wait is not psycopg.waiting.wait_selector:
        raise NotGreenError(f"psycopg waits by {psycopg.waiting.wait!r}, not by wait_selector")
    if not _others_run_during(psycopg.waiting.wait):
        raise NotGreenError("waiting for the database stops the other greenlets")


def _others_run_during(wait: Any) -> bool:
    """Waits as psycopg does for a byte that only another greenlet can send."""
    from psycopg.waiting import Ready, Wait  # noqa: PLC0415

    here, there = socket.socketpair()

    def answer() -> Generator[Any, Any, Any]:
        return (yield Wait.R)

    with here, there:
        eventlet.spawn_n(there.send, b"x")
        return bool(wait(answer(), here.fileno(), PROBE_SECONDS) == Ready.R)


def is_green() -> bool:
    """Whether this process was patched."""
    return bool(eventlet.patcher.is_monkey_patched("socket"))
