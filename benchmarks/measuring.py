"""How a ratio is measured: variants in short interleaved slices, the median of the slices' ratios."""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

SLICES = 9


@dataclass(frozen=True)
class Figure:
    """One measured figure with its gate. `at_least`: the gate is a floor, else a ceiling; no gate: orientation only."""

    name: str
    value: float
    gate: float | None = None
    at_least: bool = True
    unit: str = "x"
    note: str = ""

    @property
    def holds(self) -> bool:
        if self.gate is None:
            return True
        return self.value >= self.gate if self.at_least else self.value <= self.gate


@dataclass(frozen=True)
class Rates:
    """How often per second each variant was done, slice by slice."""

    of: Mapping[str, Sequence[float]]

    def ratio(self, above: str, below: str) -> float:
        """The median of the ratios within each slice."""
        pairs = zip(self.of[above], self.of[below], strict=True)
        return statistics.median(a / b for a, b in pairs)

    def spread(self, above: str, below: str) -> str:
        """The quartiles of those ratios, to judge the machine by."""
        ratios = [a / b for a, b in zip(self.of[above], self.of[below], strict=True)]
        low, _middle, high = statistics.quantiles(ratios, n=4)
        return f"{low:.2f}-{high:.2f}"

    def median(self, name: str) -> float:
        return statistics.median(self.of[name])

    def note(self, above: str, below: str) -> str:
        """The absolute rates and the quartiles of the ratio."""
        rates = f"{self.median(above):.0f}/s and {self.median(below):.0f}/s"
        return f"{rates}, quartiles {self.spread(above, below)}"


def rate(work: Callable[[int], object], writers: int, seconds: float) -> float:
    """How often per second `work(number)` is done by so many threads, numbered from 0. Raises their first error."""
    counts = [0] * writers
    errors: list[BaseException] = []
    end = time.perf_counter() + seconds

    def run(number: int) -> None:
        try:
            while time.perf_counter() < end and not errors:
                work(number)
                counts[number] += 1
        except Exception as error:  # noqa: BLE001 - raised below, in the caller's thread
            errors.append(error)

    started = time.perf_counter()
    threads = [threading.Thread(target=run, args=(number,)) for number in range(writers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return sum(counts) / (time.perf_counter() - started)


def interleaved(slices_of: Mapping[str, Callable[[], float]], slices: int = SLICES) -> Rates:
    """Measures all variants in turn, after one slice each to warm up; every second turn in the opposite order, so that
    none always follows the same one."""
    for measure in slices_of.values():
        measure()
    rates: dict[str, list[float]] = {name: [] for name in slices_of}
    for turn in range(slices):
        names = list(slices_of)
        for name in names if turn % 2 == 0 else reversed(names):
            rates[name].append(slices_of[name]())
    return Rates(rates)


def threads_interleaved(
    variants: Mapping[str, Callable[[int], object]], writers: int, seconds: float = 0.4, slices: int = SLICES
) -> Rates:
    """`interleaved` for work that is done by threads."""

    def measured(work: Callable[[int], object]) -> Callable[[], float]:
        return lambda: rate(work, writers, seconds)

    return interleaved({name: measured(work) for name, work in variants.items()}, slices)


def percentile(values: Sequence[float], share: float) -> float:
    """The value that this share of the values does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
