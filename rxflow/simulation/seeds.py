"""Many seeds, in several processes; and one seed again with fewer mishaps, until only those are left that it takes."""

from __future__ import annotations

import gc
import multiprocessing
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Collection, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from rxflow.simulation.founding import found
from rxflow.simulation.mishaps import Mishap
from rxflow.simulation.world import HOURS, Simulation, Verdict
from services.seedwork.logs import configure_logging

SEEDS_PER_PROCESS = 50
ALWAYS = {Mishap.CLOCK_SKEW}
"""What happens at no moment: it is so from the beginning."""
MEMORY = Path("/dev/shm")  # noqa: S108 - stores that nobody needs afterwards need no disk


@dataclass(frozen=True)
class Result:
    """A verdict as it comes out of another process."""

    seed: int
    digest: str
    violations: tuple[str, ...]
    history: tuple[str, ...]
    errors: tuple[str, ...]
    accepted: int
    refused: int
    mishaps: Counter[str]
    statuses: Counter[str]
    virtual_seconds: float
    real_seconds: float

    @classmethod
    def of(cls, verdict: Verdict) -> Result:
        return cls(
            verdict.seed,
            verdict.digest,
            tuple(verdict.violations),
            tuple(verdict.history.about(verdict.violations)) if verdict.violations else (),
            tuple(verdict.history.errors),
            verdict.accepted,
            verdict.refused,
            Counter({str(mishap): count for mishap, count in verdict.mishaps.items()}),
            verdict.statuses,
            verdict.virtual_seconds,
            verdict.real_seconds,
        )


@contextmanager
def founded() -> Iterator[Path]:
    """The installation all seeds start from. Their copies lie beside it: what a process leaves behind that is ended in
    the middle of a seed goes with it."""
    with _directory(MEMORY if os.access(MEMORY, os.W_OK) else None) as directory:
        installation = directory / "founded"
        installation.mkdir()
        found(installation)
        yield installation


def run(seed: int, *, of: Path, hours: int = HOURS, without: Collection[Mishap] = ()) -> Result:
    """One seed on a copy of its own."""
    with _directory(of.parent) as directory, _uncollected():
        shutil.copytree(of, directory, dirs_exist_ok=True)
        return Result.of(Simulation(directory, seed, hours=hours, without=without).run())


@contextmanager
def _uncollected() -> Iterator[None]:
    """No search for cycles inside a world: it would close forgotten generators whenever this process has had so many
    objects, which is not in the seed, and it costs a tenth of the time for some 40 MB."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
        gc.collect()


def run_all(
    seeds: Sequence[int], *, of: Path, hours: int = HOURS, without: Collection[Mishap] = (), jobs: int | None = None
) -> Generator[Result, None, None]:
    """All of them, as they end."""
    one = partial(run, of=of, hours=hours, without=tuple(without))
    with multiprocessing.get_context("spawn").Pool(
        jobs or os.cpu_count(), configure_logging, ("error",), maxtasksperchild=SEEDS_PER_PROCESS
    ) as pool:
        yield from pool.imap_unordered(one, seeds)


def shortened(result: Result, *, of: Path, hours: int, without: Collection[Mishap]) -> tuple[Result, list[Mishap]]:
    """The same seed with as few kinds of mishaps as it takes to violate something; and those left out. None of the
    others can be left out any more, so whoever lives it again so is told the same."""
    left_out = list(without)
    while True:
        before = len(left_out)
        happened = {Mishap(each) for each in result.mishaps} | ALWAYS - set(left_out)
        for mishap in sorted(happened):
            again = run(result.seed, of=of, hours=hours, without=[*left_out, mishap])
            if again.violations:
                result, left_out = again, [*left_out, mishap]
        if len(left_out) == before:
            return result, left_out


@contextmanager
def _directory(inside: Path | None) -> Iterator[Path]:
    directory = Path(tempfile.mkdtemp(prefix="rxflow-world-", dir=inside))
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)
