"""The supervisor restarts what dies, ever more slowly, and leaves nothing running behind."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import rxflow.supervisor
from rxflow.supervisor import PAUSE_SECONDS, PAUSE_SECONDS_MAX, STABLE_SECONDS, Child, Occurrence, Supervisor

LIVES = "import sys; sys.stdin.read()"
"""Ends when the supervisor closes its standard input, or by SIGTERM."""
STUBBORN = (
    "import signal, sys; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); sys.stdin.read()"
)


def python(code: str, *, name: str = "child", log: Path | None = None) -> Child:
    return Child(name, (sys.executable, "-c", code), log=log)


class Time:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@contextmanager
def supervised(
    *children: Child, clock: Callable[[], float] = time.monotonic, stop_seconds: float = 10
) -> Iterator[tuple[Supervisor, list[Occurrence]]]:
    heard: list[Occurrence] = []
    supervisor = Supervisor(children, heard.append, clock=clock, stop_seconds=stop_seconds)
    try:
        yield supervisor, heard
    finally:
        supervisor.stop()


def eventually(condition: Callable[[], object], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "not in time"
        os.sched_yield()


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def kill_and_notice(supervisor: Supervisor, heard: list[Occurrence]) -> None:
    """The child is killed and the supervisor has seen it."""
    before = len(heard)
    os.kill(supervisor.pids()["child"], signal.SIGKILL)

    def noticed() -> bool:
        supervisor.step()
        return len(heard) > before

    eventually(noticed)


def test_a_child_that_dies_is_started_again_after_a_pause() -> None:
    clock = Time()
    with supervised(python(LIVES), clock=clock) as (supervisor, heard):
        supervisor.step()
        first = supervisor.pids()["child"]

        kill_and_notice(supervisor, heard)
        supervisor.step()
        assert supervisor.pids() == {}, "not before the pause is over"
        clock.now += PAUSE_SECONDS
        supervisor.step()

        assert supervisor.pids()["child"] != first
        assert heard[1] == Occurrence("child", f"ended (signal SIGKILL), again in {PAUSE_SECONDS:g} s")


def test_the_pause_doubles_up_to_an_end_while_it_keeps_dying() -> None:
    clock = Time()
    pauses = []
    with supervised(python(LIVES), clock=clock) as (supervisor, heard):
        for _ in range(9):
            supervisor.step()
            kill_and_notice(supervisor, heard)
            pauses.append(float(heard[-1].what.split()[-2]))
            clock.now += pauses[-1]

    assert pauses[:3] == [PAUSE_SECONDS, 2 * PAUSE_SECONDS, 4 * PAUSE_SECONDS]
    assert pauses[-1] == PAUSE_SECONDS_MAX


def test_a_child_that_ran_long_is_given_a_fresh_start() -> None:
    clock = Time()
    with supervised(python(LIVES), clock=clock) as (supervisor, heard):
        for _ in range(4):
            supervisor.step()
            kill_and_notice(supervisor, heard)
            clock.now += PAUSE_SECONDS_MAX
        supervisor.step()
        clock.now += STABLE_SECONDS

        kill_and_notice(supervisor, heard)

        assert heard[-1].what.endswith(f"again in {PAUSE_SECONDS:g} s")


def test_an_exit_status_is_told() -> None:
    with supervised(python("raise SystemExit(7)")) as (supervisor, heard):
        supervisor.step()
        eventually(lambda: supervisor.step() or len(heard) == 2)

        assert "exit status 7" in heard[1].what


def test_the_others_go_on() -> None:
    with supervised(python(LIVES), python(LIVES, name="other"), clock=Time()) as (supervisor, heard):
        supervisor.step()
        other = supervisor.pids()["other"]

        kill_and_notice(supervisor, heard)

        assert supervisor.pids() == {"other": other}


def test_stopping_ends_all_the_last_one_first() -> None:
    with supervised(python(LIVES, name="api"), python(LIVES, name="worker")) as (supervisor, heard):
        supervisor.step()
        pids = supervisor.pids().values()

        supervisor.stop()

        assert all(gone(pid) for pid in pids)
        assert [occurrence.child for occurrence in heard[2:]] == ["worker", "api"]
        assert {occurrence.what for occurrence in heard[2:]} == {"stopped"}
        assert supervisor.pids() == {}


def test_a_child_that_will_not_stop_is_killed_at_the_deadline(tmp_path: Path) -> None:
    log = tmp_path / "child.log"
    with supervised(python(STUBBORN, log=log), stop_seconds=0.2) as (supervisor, heard):
        supervisor.step()
        eventually(lambda: log.read_text() == "up\n")
        pid = supervisor.pids()["child"]

        supervisor.stop()

        assert gone(pid)
        assert "killed" in heard[-1].what


def test_output_is_appended_to_the_log_and_a_long_log_kept_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "logs" / "child.log"
    child = python("print('hello')", log=log)
    for expected in ("hello\n", "hello\nhello\n"):
        with supervised(child) as (supervisor, heard):
            supervisor.step()
            eventually(lambda: supervisor.step() or len(heard) == 2)
        assert log.read_text() == expected

    monkeypatch.setattr(rxflow.supervisor, "LOG_BYTES_MAX", 10)
    with supervised(child) as (supervisor, heard):
        supervisor.step()
        eventually(lambda: supervisor.step() or len(heard) == 2)

    assert log.read_text() == "hello\n"
    assert log.with_suffix(".log.1").read_text() == "hello\nhello\n"


def test_running_ends_when_asked() -> None:
    supervisor: Supervisor

    def stop_after_start(occurrence: Occurrence) -> None:
        if occurrence.what.startswith("started"):
            supervisor.ask_to_stop()

    supervisor = Supervisor([python(LIVES)], stop_after_start, sleep=lambda _: None)
    supervisor.run()

    assert supervisor.pids() == {}


def test_a_killed_supervisor_leaves_no_orphans(tmp_path: Path) -> None:
    told = tmp_path / "pid"
    program = (
        "import sys, pathlib\n"
        "from rxflow.supervisor import Child, Supervisor\n"
        f"s = Supervisor([Child('c', (sys.executable, '-c', {LIVES!r}))], print)\n"
        "s.step()\n"
        f"p = pathlib.Path({str(told)!r}); t = p.with_suffix('.new'); t.write_text(str(s.pids()['c'])); t.rename(p)\n"
        "s.run()\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.DEVNULL) as process:
        eventually(told.exists)
        process.kill()

    eventually(lambda: gone(int(told.read_text())))


def test_a_child_that_does_not_read_its_input_ends_with_its_supervisor_too() -> None:
    code = "from rxflow import lifeline; lifeline.hold_on(); import threading; threading.Event().wait()"
    with supervised(python(code)) as (supervisor, heard):
        supervisor.step()
        process = supervisor._running[0].process
        assert process is not None
        assert process.stdin is not None

        process.stdin.close()
        eventually(lambda: supervisor.step() or len(heard) == 2)

        assert "SIGTERM" in heard[1].what


def test_without_a_supervisor_a_closed_input_means_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RXFLOW_SUPERVISED", raising=False)
    code = "from rxflow import lifeline; lifeline.hold_on(); import time; time.sleep(0.3); print('alive')"

    ended = subprocess.run([sys.executable, "-c", code], stdin=subprocess.DEVNULL, capture_output=True, check=True)

    assert ended.stdout == b"alive\n"
