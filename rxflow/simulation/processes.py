"""Simulated processes: tasks that die together, in the middle of whatever they do."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextvars import ContextVar, copy_context
from typing import Any, TypeVar

from sqlalchemy.util import greenlet_spawn

T = TypeVar("T")
_HERE: ContextVar[Process | None] = ContextVar("process", default=None)
"""The process whose code is running."""


class Killed(BaseException):
    """This process is no more: nothing it still does may have an effect. No `except Exception` can hold it."""


class Process:
    """One process of the installation. What it does to the outside goes through ports that ask it whether it lives."""

    def __init__(self, name: str, failed: Callable[[str, BaseException], None]) -> None:
        self.name = name
        self.alive = True
        self.died = asyncio.Event()
        self.leaves: list[Callable[[], None]] = []
        """What the operating system takes back when it dies."""
        self._failed = failed
        self._tasks: dict[asyncio.Task[Any], None] = {}
        """In the order of their start: a set's would be another one each time."""

    @property
    def service(self) -> str:
        """Whose process it is: the first word of its name."""
        return self.name.partition(" ")[0]

    def check(self) -> None:
        """Raises Killed."""
        if not self.alive:
            raise Killed(self.name)

    def start(self, coroutine: Coroutine[Any, Any, T], what: str) -> asyncio.Task[T]:
        """Something that runs beside everything else, until it ends or the process does."""
        context = copy_context()
        context.run(_HERE.set, self)
        task = asyncio.get_running_loop().create_task(coroutine, name=f"{self.name}: {what}", context=context)
        task.add_done_callback(self._ended)
        return task

    def own(self, task: asyncio.Task[Any]) -> None:
        """A task that its code has started."""
        self._tasks[task] = None
        task.add_done_callback(self._tasks.pop)

    def kill(self) -> None:
        """As `kill -9` does."""
        if not self.alive:
            return
        self.alive = False
        here = asyncio.current_task()
        for task in [each for each in self._tasks if each is not here]:
            task.cancel()
        for leave in self.leaves:
            leave()
        self.died.set()

    def _ended(self, task: asyncio.Task[Any]) -> None:
        if task.cancelled():
            return
        error = task.exception()
        if error is not None and self.alive and not isinstance(error, Killed):
            self._failed(task.get_name(), error)


def task_of_its_process(
    loop: asyncio.AbstractEventLoop, coroutine: Coroutine[Any, Any, T], **options: Any
) -> asyncio.Task[T]:
    """A loop's task factory: whatever a process starts, dies with it."""
    task = asyncio.Task(coroutine, loop=loop, **options)
    context = options.get("context")
    process = context[_HERE] if context is not None and _HERE in context else _HERE.get()
    if process is not None:
        process.own(task)
    return task


async def in_greenlet(function: Callable[..., T], *arguments: Any) -> T:
    """The result of synchronous code that waits by `virtual_time.wait_for`."""
    result: T = await greenlet_spawn(function, *arguments)
    return result
