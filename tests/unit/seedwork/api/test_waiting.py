"""Who follows a feed is answered when something comes, when the time is over, or at once where too many wait."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from services.seedwork.api import newest, waiting


def test_who_waits_is_answered_when_something_comes() -> None:
    asked: list[int] = []

    async def ask() -> Sequence[Mapping[str, Any]]:
        asked.append(1)
        return [{"log_index": 7}] if len(asked) == 3 else []

    assert asyncio.run(newest(ask, 10)) == [{"log_index": 7}]
    assert len(asked) == 3


def test_when_the_time_is_over_the_answer_is_empty() -> None:
    asked: list[int] = []

    async def ask() -> Sequence[Mapping[str, Any]]:
        asked.append(1)
        return []

    assert asyncio.run(newest(ask, 0.2)) == []
    assert len(asked) > 1


def test_of_too_many_who_wait_one_more_is_answered_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "_waiters", asyncio.BoundedSemaphore(1))
    asked: list[int] = []

    async def ask() -> Sequence[Mapping[str, Any]]:
        asked.append(1)
        return []

    async def beside_another() -> Sequence[Mapping[str, Any]]:
        async with waiting._waiters:
            return await newest(ask, 10)

    assert asyncio.run(beside_another()) == []
    assert len(asked) == 1
