"""When the system works again after a fault. Pure, but for the thread that keeps asking whether all are ready."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from time import monotonic
from typing import NamedTuple

from rxflow.installation import Installation
from tests.chaos.notes import Refusal
from tests.faults.systems import checks_that_fail

LOOK_SECONDS = 0.5


class Look(NamedTuple):
    """Which services were not ready, and why, at a moment; none: all were."""

    at: float
    failing: Mapping[str, Mapping[str, str]]


@dataclass
class Committed:
    """A fault that was done. `lifted_at` None while it lasts; `trouble`: what could not be done of it."""

    name: str
    target: str
    begun_at: float
    lifted_at: float | None = None
    trouble: str = ""
    recovered_at: float | None = None
    waited_for: str = ""
    """What was not ready at last."""

    @property
    def seconds_to_recover(self) -> float | None:
        return None if self.recovered_at is None else self.recovered_at - self.begun_at

    def covers(self, moment: float, otherwise: float) -> bool:
        """Whether it happened under this fault; `otherwise`: when that is taken to end if nobody saw its end."""
        return self.begun_at <= moment <= (self.recovered_at or otherwise)


def recovered_at(
    begun_at: float, lifted_at: float, looks: Iterable[Look], completions: Iterable[tuple[float, float]]
) -> float | None:
    """When all were ready again after the fault was lifted, and a prescription begun since it began was settled."""
    ready = next((look.at for look in looks if look.at >= lifted_at and not look.failing), None)
    done = min((ended for begun, ended in completions if begun >= begun_at and ended >= lifted_at), default=None)
    return None if ready is None or done is None else max(ready, done)


def last_failing(begun_at: float, until: float | None, looks: Sequence[Look]) -> str:
    """What was not ready last in that time, in words; empty where nobody ever was not."""
    for look in reversed(looks):
        if look.failing and begun_at <= look.at and (until is None or look.at <= until):
            return "; ".join(f"{service} {', '.join(checks)}" for service, checks in look.failing.items())
    return ""


def refused_under(committed: Committed, refusals: Iterable[Refusal], otherwise: float) -> int:
    """How many calls that were in order were refused or not answered meanwhile."""
    return sum(1 for refusal in refusals if committed.covers(refusal.at, otherwise))


class Watch:
    """Asks all services again and again whether they are ready, from a thread."""

    def __init__(self, installation: Installation, completions: Callable[[], Sequence[tuple[float, float]]]) -> None:
        self.looks: list[Look] = []
        self._installation = installation
        self._completions = completions
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._over.set()
        self._thread.join()

    def look(self) -> Look:
        """Now. A frozen service is not ready either."""
        with ThreadPoolExecutor(len(self._installation.addresses.urls)) as pool:
            names = list(self._installation.addresses.urls)
            found = pool.map(lambda name: checks_that_fail(self._installation, name), names)
            failing = {name: checks for name, checks in zip(names, found, strict=True) if checks}
        return Look(monotonic(), failing)

    def note(self, committed: Committed) -> bool:
        """Whether the system works again after this fault; written into it once it does."""
        if committed.recovered_at is None and committed.lifted_at is not None:
            committed.recovered_at = recovered_at(
                committed.begun_at, committed.lifted_at, list(self.looks), self._completions()
            )
            committed.waited_for = last_failing(committed.begun_at, committed.recovered_at, list(self.looks))
        return committed.recovered_at is not None

    def _run(self) -> None:
        while not self._over.wait(LOOK_SECONDS):
            self.looks.append(self.look())
