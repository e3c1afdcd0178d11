"""A store comes back from a backup, as an operator brings it back: `rxflow restored`, start, `rxflow restore-check`."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path

import httpx

from rxflow.simulation.installation import Installation
from rxflow.simulation.network import Line
from rxflow.simulation.processes import in_greenlet
from services.seedwork.restoring import check, declare_restored, handled_by_http

AGAIN_SECONDS = 1.0
TRIES_MAX = 120


async def restored(installation: Installation, name: str, seconds: float, replaced: Callable[[str, int], None]) -> None:
    """Takes a backup, lets time pass, loses the store and brings it back; returns when commands are let in again.

    `replaced(name, position)` is told when the store is the old one again, up to and with this position.
    """
    path = Path(installation.raw(name).path)
    backup = path.with_suffix(".backup")
    position = _back_up(path, backup)
    await asyncio.sleep(seconds)
    installation.may_run[name].clear()
    for process in installation.processes_of(name):
        process.kill()
    _bring_back(path, backup)
    replaced(name, position)
    database = installation.raw(name)
    database.open()
    try:
        declare_restored(database)
        installation.may_run[name].set()
        client = partial(httpx.Client, transport=Line(installation.network, by_hand=False))
        handled = handled_by_http(name, installation.settings.peer, installation.token(name), client)
        for _ in range(TRIES_MAX):
            await asyncio.sleep(AGAIN_SECONDS)
            try:
                await in_greenlet(check, database, name, handled)
            except httpx.HTTPError:
                continue
            return
    finally:
        database.close()


def _back_up(path: Path, backup: Path) -> int:
    """The last position that is in it."""
    backup.unlink(missing_ok=True)
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(backup)) as target:
        source.backup(target)
        return int(target.execute("SELECT coalesce(max(position), 0) FROM events").fetchone()[0])


def _bring_back(path: Path, backup: Path) -> None:
    for suffix in ("-wal", "-shm"):
        Path(f"{path}{suffix}").unlink(missing_ok=True)
    backup.replace(path)
