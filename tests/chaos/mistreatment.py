"""Commits the faults, one each so many seconds, and tells of each in a line."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from time import monotonic

from tests.chaos.deeds import Done, NotNow, Scene
from tests.chaos.faults import Fault
from tests.chaos.recovery import Committed, Watch
from tests.chaos.schedule import Schedule, moments

TRIED_SECONDS_MAX = 60.0
"""What cannot be done now, since the system is still getting over another fault, is tried again for this long."""
FAULTS_AT_ONCE_MAX = 8
STEP_SECONDS = 0.5
Tell = Callable[[str], None]


class Mistreatment:
    """Of one house, with these faults."""

    def __init__(self, scene: Scene, faults: Mapping[str, Fault], watch: Watch, tell: Tell, *, seed: int) -> None:
        self.committed: list[Committed] = []
        self.put_off = 0
        """Moments at which nothing could be done, because everything was claimed."""
        self._scene = scene
        self._faults = faults
        self._watch = watch
        self._tell = tell
        self._schedule = Schedule({name: fault.claims for name, fault in faults.items()}, seed)
        self._pool = ThreadPoolExecutor(FAULTS_AT_ONCE_MAX, "fault")

    def run(self, seconds: float, every: float) -> None:
        """For so long; returns when the last fault is lifted."""
        begun = monotonic()
        for moment in moments(seconds, every):
            while (left := begun + moment - monotonic()) > 0:
                if self._scene.ended.wait(min(left, STEP_SECONDS)):
                    return
                self.look_around()
            name = self._schedule.next_fault(self._taken())
            if name is None:
                self.put_off += 1
            else:
                self._pool.submit(self._commit, name)
        self._scene.ended.wait(max(0.0, begun + seconds - monotonic()))

    def close(self) -> None:
        """Whatever still lasts is lifted at once."""
        self._scene.ended.set()
        self._pool.shutdown()
        self.look_around()

    def _taken(self) -> set[str]:
        """What faults have in hand that last; the next one does not wait until the system is over the one before."""
        return {claim for each in self.committed if each.lifted_at is None for claim in self._faults[each.name].claims}

    def look_around(self) -> None:
        """Notes and tells which faults have been recovered from."""
        for each in self.committed:
            if each.recovered_at is None and self._watch.note(each):
                waited = f", waited last for: {each.waited_for}" if each.waited_for else ""
                self._tell(f"  {each.name} ({each.target}): works again after {each.seconds_to_recover:.1f} s{waited}")

    def _commit(self, name: str) -> None:
        if self._scene.ended.is_set():
            return
        fault = self._faults[name]
        committed = Committed(name, "", monotonic())
        self.committed.append(committed)
        done = Done("")
        try:
            done = self._as_soon_as_possible(fault)
            committed.begun_at = monotonic()
            committed.target = done.target
            self._tell(f"fault: {name} ({done.target}), for {fault.seconds:g} s")
            self._scene.ended.wait(fault.seconds)
        except Exception as error:  # noqa: BLE001 - a fault that fails is told, and the others go on
            committed.trouble = f"{error!r}"
            self._tell(f"fault: {name} could not be done: {error!r}")
        finally:
            self._lift(done, committed)

    def _as_soon_as_possible(self, fault: Fault) -> Done:
        end = monotonic() + TRIED_SECONDS_MAX
        while True:
            try:
                return fault.deed(self._scene)
            except NotNow:
                if monotonic() > end or self._scene.ended.wait(STEP_SECONDS):
                    raise

    def _lift(self, done: Done, committed: Committed) -> None:
        try:
            done.lift()
        except Exception as error:  # noqa: BLE001 - told, and judged at the end
            committed.trouble += f"not lifted: {error!r}"
            self._tell(f"fault: {committed.name} could not be lifted: {error!r}")
        finally:
            committed.lifted_at = monotonic()


def background(what: Callable[[], None], name: str) -> threading.Thread:
    """Started."""
    thread = threading.Thread(target=what, name=name, daemon=True)
    thread.start()
    return thread
