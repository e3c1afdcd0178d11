"""Open-loop load: prescriptions start when their time has come, however slowly the others get on."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from random import Random
from time import monotonic
from typing import Any, TypeVar

import httpx

from rxflow.client import Addresses, Connection, NoAnswer, Problem, TimedOut
from tests.chaos.notes import Notes
from tests.chaos.stories import Author, Teller, Told

T = TypeVar("T")

ATTEMPTS_MAX = 200
TIMEOUT_SECONDS = 10.0
PAUSE_SECONDS = 0.05
PAUSE_SECONDS_MAX = 2.0
PAUSE_GROWTH = 1.6


class Stopped(Exception):  # noqa: N818
    """The run is over; whoever still waits need not."""


class Patience:
    """How people wait in an installation that is being mistreated: long, and not after the run was called off."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._over = threading.Event()

    def call_off(self) -> None:
        self._over.set()

    def pause(self, seconds: float) -> None:
        """In the place of a sleep."""
        if self._over.wait(seconds):
            raise Stopped

    def wait(self, condition: Callable[[], T | None], what: str, /) -> T:
        """The first truthy value of `condition`; raises TimedOut, naming `what`."""
        end, pause = monotonic() + self._seconds, PAUSE_SECONDS
        while True:
            found = condition()
            if found:
                return found
            if monotonic() >= end:
                raise TimedOut(f"{what}: not within {self._seconds:g} s (last: {found!r})")
            self.pause(pause)
            pause = min(pause * PAUSE_GROWTH, PAUSE_SECONDS_MAX)


class PatientConnection(Connection):
    """Connections of people who wait as long as their patience lasts."""

    def __init__(self, addresses: Addresses, patience: Patience, transport: httpx.BaseTransport) -> None:
        super().__init__(
            addresses,
            timeout_seconds=TIMEOUT_SECONDS,
            attempts_max=ATTEMPTS_MAX,
            sleep=patience.pause,
            transport=transport,
        )
        self._patience = patience

    def wait_until(self, condition: Callable[[], T | None], what: str) -> T:
        return self._patience.wait(condition, what)


def arrivals(rate: float, seed: int) -> Iterator[float]:
    """Seconds from the beginning at which the next prescription starts: a Poisson process."""
    random, at = Random(seed), 0.0
    while True:
        at += random.expovariate(rate)
        yield at


class Load:
    """`rate` prescriptions a second; never more than `under_way_max` at once, and it says when that held one back."""

    def __init__(
        self, author: Author, teller: Teller, notes: Notes, patience: Patience, *, rate: float, under_way_max: int
    ) -> None:
        self.told: list[Told] = []
        self.held_back = 0
        """Arrivals that were let pass because too much was under way."""
        self._author = author
        self._teller = teller
        self._notes = notes
        self._patience = patience
        self._rate = rate
        self._under_way = 0
        self._under_way_max = under_way_max
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(under_way_max, "prescription")

    @property
    def under_way(self) -> int:
        return self._under_way

    def run(self, until: float, seed: int) -> None:
        """Starts what is due until that moment; does not wait for any of it."""
        begun = monotonic()
        for at in arrivals(self._rate, seed):
            if begun + at >= until:
                return
            try:
                self._patience.pause(max(0.0, begun + at - monotonic()))
            except Stopped:
                return
            plan = self._author.next_plan()
            if self._under_way >= self._under_way_max:
                self.held_back += 1
                continue
            with self._lock:
                self._under_way += 1
            told = Told(plan, begun_at=monotonic())
            self.told.append(told)
            self._pool.submit(self._tell, told)

    def close(self) -> None:
        """After the patience was called off, or all has ended."""
        self._pool.shutdown(cancel_futures=True)

    def not_open(self) -> str:
        """Whether prescriptions began when their time had come; otherwise how many did not."""
        return f"{self.held_back} prescriptions did not start in their time" if self.held_back else ""

    def endings(self) -> Counter[str]:
        """How the prescriptions ended, or where they stopped."""
        return Counter(told.ended or (f"stopped: {told.step}" if told.stopped else told.step) for told in self.told)

    def completions(self) -> list[tuple[float, float]]:
        """When each prescription that went its whole way began and ended."""
        return [(told.begun_at, told.ended_at) for told in self.told if told.ended == "settled" and told.ended_at]

    def summary(self) -> dict[str, Any]:
        return {"started": len(self.told), "held back": self.held_back, "endings": dict(self.endings().most_common())}

    def _tell(self, told: Told) -> None:
        try:
            self._teller.tell(told)
        except Stopped:
            told.stopped = "called off"
        except (Problem, NoAnswer, TimedOut) as error:
            told.stopped = str(error)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is told, and the others go on
            told.stopped = repr(error)
            self._notes.breach("wrong", f"a prescription stopped at {told.step}: {error!r}", told.begun_at)
        finally:
            told.ended_at = monotonic()
            with self._lock:
                self._under_way -= 1
