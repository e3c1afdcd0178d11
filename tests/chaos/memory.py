"""What processes hold in memory over their lives, and whether that is flat."""

from __future__ import annotations

import contextlib
import os
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import monotonic
from typing import NamedTuple

SAMPLE_SECONDS = 3.0
WARM_SECONDS = 60.0
"""The beginning of a process's life, in which it loads what it keeps; not looked at."""
LIFE_SECONDS_MIN = 120.0
"""Of the rest; shorter lives say nothing."""
GROWTH_SHARE_MAX = 0.20
GROWTH_BYTES_MAX = 20 * 1024 * 1024


class Sample(NamedTuple):
    name: str
    pid: int
    at: float
    bytes: int


@dataclass(frozen=True)
class Growth:
    """Of one kind of process: medians over the first and the last quarter of the lives of `processes` that lived long
    enough to tell, and the worst of them."""

    kind: str
    processes: int
    first_bytes: float
    last_bytes: float
    worst_share: float
    flat: bool


def growth(samples: Iterable[Sample]) -> list[Growth]:
    """By kind; kinds of which no process lived long enough are left out."""
    lives: defaultdict[tuple[str, int], list[Sample]] = defaultdict(list)
    for sample in samples:
        lives[sample.name, sample.pid].append(sample)
    by_kind: defaultdict[str, list[tuple[float, float]]] = defaultdict(list)
    for (name, _), life in lives.items():
        quarters = _quarters(life)
        if quarters is not None:
            by_kind[_kind(name)].append(quarters)
    return [_judged(kind, quarters) for kind, quarters in sorted(by_kind.items())]


def _kind(name: str) -> str:
    """The standby is of the kind of the worker beside it."""
    return name.removesuffix("-b")


def _quarters(life: list[Sample]) -> tuple[float, float] | None:
    """Medians of the first and the last quarter of one life after its warm-up."""
    begun, ended = life[0].at + WARM_SECONDS, life[-1].at
    quarter = (ended - begun) / 4
    if ended - begun < LIFE_SECONDS_MIN:
        return None
    first = [each.bytes for each in life if begun <= each.at <= begun + quarter]
    last = [each.bytes for each in life if each.at >= ended - quarter]
    return (median(first), median(last)) if first and last else None


def _judged(kind: str, quarters: list[tuple[float, float]]) -> Growth:
    grown = [(last - first) for first, last in quarters]
    flat = not any(
        bytes_ > GROWTH_BYTES_MAX and bytes_ > GROWTH_SHARE_MAX * first
        for bytes_, (first, _) in zip(grown, quarters, strict=True)
    )
    return Growth(
        kind=kind,
        processes=len(quarters),
        first_bytes=median(first for first, _ in quarters),
        last_bytes=median(last for _, last in quarters),
        worst_share=max(bytes_ / first for bytes_, (first, _) in zip(grown, quarters, strict=True)),
        flat=flat,
    )


def resident_bytes(pid: int, processes: Path = Path("/proc")) -> int | None:
    """What a process holds; None once it is gone."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        return int((processes / str(pid) / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return None


class Sampler:
    """Looks at every process each few seconds, from a thread."""

    def __init__(self, pids: Callable[[], Mapping[str, int]]) -> None:
        self.samples: list[Sample] = []
        self._pids = pids
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="memory", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._over.wait(SAMPLE_SECONDS):
            for name, pid in self._pids().items():
                held = resident_bytes(pid)
                if held:
                    self.samples.append(Sample(name, pid, monotonic(), held))
