"""Writers as an installation has them: processes that share nothing but the database.

Threads of one process would wait for each other's Python, and what needs more of it would seem to be a hot spot.
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from multiprocessing.connection import Connection
from typing import Any

Works = Mapping[str, Callable[[], object]]
"""What a writer can do, by name."""
Made = Callable[..., AbstractContextManager[Works]]
TOGETHER_SECONDS = 0.02
"""From the order to its beginning, so that all begin at once."""
READY_SECONDS_MAX = 300.0
ENDED_SECONDS_MAX = 10.0


class Writers:
    """Processes that wait for orders."""

    def __init__(self, pipes: Sequence[Connection]) -> None:
        self._pipes = pipes

    def rate(self, name: str, writers: int, seconds: float) -> float:
        """How often per second so many of them do this together. Raises their first error."""
        begin = time.monotonic() + TOGETHER_SECONDS
        for pipe in self._pipes[:writers]:
            pipe.send((name, begin, begin + seconds))
        done = [_answer(pipe, READY_SECONDS_MAX) for pipe in self._pipes[:writers]]
        return sum(count for count, _ in done) / (max(ended for _, ended in done) - begin)


@contextmanager
def writers(
    made: Callable[..., AbstractContextManager[Works]], arguments: Sequence[tuple[Any, ...]]
) -> Iterator[Writers]:
    """One process for each of the arguments, which makes its works with them; all are ready, and ended afterwards.

    `made` and its arguments are named and pickled, as for every process that is spawned.
    """
    context = multiprocessing.get_context("spawn")
    pipes, processes = [], []
    try:
        for each in arguments:
            ours, theirs = context.Pipe()
            process = context.Process(target=_obey, args=(theirs, made, each), daemon=True)
            process.start()
            theirs.close()
            pipes.append(ours)
            processes.append(process)
        for pipe in pipes:
            _answer(pipe, READY_SECONDS_MAX)
        yield Writers(pipes)
    finally:
        for pipe in pipes:
            pipe.close()
        for process in processes:
            process.join(ENDED_SECONDS_MAX)
            if process.is_alive():
                process.kill()


def _answer(pipe: Connection, seconds: float) -> Any:
    if not pipe.poll(seconds):
        raise TimeoutError(f"a writer said nothing for {seconds:.0f} s")
    found = pipe.recv()
    if isinstance(found, BaseException):
        raise found
    return found


def _obey(pipe: Connection, made: Made, arguments: tuple[Any, ...]) -> None:
    """Until nobody is there any more to give orders."""
    try:
        with made(*arguments) as works:
            pipe.send("ready")
            while True:
                name, begin, end = pipe.recv()
                pipe.send(_do(works[name], begin, end))
    except EOFError:
        return
    except Exception as error:  # noqa: BLE001 - raised again where the orders come from
        pipe.send(RuntimeError(f"a writer failed: {error!r}"))


def _do(work: Callable[[], object], begin: float, end: float) -> tuple[int, float]:
    """How often it was done, and when the last one had ended."""
    time.sleep(max(0.0, begin - time.monotonic()))
    count = 0
    while time.monotonic() < end:
        work()
        count += 1
    return count, time.monotonic()
