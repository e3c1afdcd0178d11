"""Token buckets per actor, by the table of rates: nobody is refused for what others do, and it fails closed.

Kept by hand: the libraries for it read a clock of their own (a simulation could not repeat itself) and forget actors
when their memory is full, which opens the door to whoever brings many names. Here one number stands for a bucket (GCRA:
the moment at which it is full again), full buckets are forgotten because they are as good as new, and when there is no
room for a further one, its actor waits.

Each process keeps its own buckets: an installation with several api processes of a service lets through as many times
more.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from contracts.rates import Rate, Rates
from services.seedwork.usecase import Actor

BUCKETS_MAX = 100_000
SWEEP_SECONDS = 1.0
"""Full buckets are looked for at most this often: looking through all of them costs milliseconds."""
Key = tuple[str, str, str]


class Buckets:
    """The buckets of one process. `factor` multiplies every rate (an installation's own load)."""

    def __init__(
        self, rates: Rates, clock: Callable[[], float], *, factor: float = 1.0, buckets_max: int = BUCKETS_MAX
    ) -> None:
        self._rates = rates
        self._clock = clock
        self._factor = factor
        self._buckets_max = buckets_max
        self._full_at: dict[Key, float] = {}
        self._swept_at = -math.inf

    def wait(self, actor: Actor, method: str, path: str) -> float:
        """Takes one token and answers 0, or answers the seconds until there is one. Never both."""
        name, rate = self._rates.of(actor.role, method, path)
        now = self._clock()
        key = (actor.role, actor.subject, name)
        full_at = self._full_at.get(key)
        if full_at is None:
            if not self._room(now):
                return SWEEP_SECONDS
            full_at = now
        return self._taken(key, max(full_at, now), rate, now)

    def _taken(self, key: Key, full_at: float, rate: Rate, now: float) -> float:
        one = 1 / (rate.per_second * self._factor)
        missing = full_at + one - now - one * max(1, math.floor(rate.burst * self._factor))
        if missing > 1e-9:
            return missing
        self._full_at[key] = full_at + one
        return 0.0

    def _room(self, now: float) -> bool:
        """Whether a further actor finds a bucket."""
        if len(self._full_at) < self._buckets_max:
            return True
        if now >= self._swept_at + SWEEP_SECONDS:
            self._swept_at = now
            self._full_at = {key: full_at for key, full_at in self._full_at.items() if full_at > now}
        return len(self._full_at) < self._buckets_max
