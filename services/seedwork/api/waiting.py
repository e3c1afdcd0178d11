"""Feeds that wait: whoever follows one hears at once, without asking in a tight loop."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Annotated, Any

from fastapi import Query

WAIT_SECONDS_MAX = 10.0
"""A request that waits counts as one in flight: it must not keep others out for long."""
WAITERS_MAX = 64
"""Of one process, for the same reason; one more is answered at once."""
PAUSE_SECONDS, PAUSE_SECONDS_MAX = 0.05, 0.5
Rows = Sequence[Mapping[str, Any]]
WaitSeconds = Annotated[
    float, Query(ge=0, le=WAIT_SECONDS_MAX, description="how long to wait when there is nothing new")
]

_waiters = asyncio.BoundedSemaphore(WAITERS_MAX)


async def newest(ask: Callable[[], Awaitable[Rows]], wait_seconds: float) -> Rows:
    """The rows once there are some, or none when the time is over. No connection is held while it waits."""
    rows = await ask()
    if rows or not wait_seconds or _waiters.locked():
        return rows
    async with _waiters:
        clock = asyncio.get_running_loop().time
        deadline, pause = clock() + wait_seconds, PAUSE_SECONDS
        while not rows and clock() + pause <= deadline:
            await asyncio.sleep(pause)
            pause = min(1.5 * pause, PAUSE_SECONDS_MAX)
            rows = await ask()
    return rows
