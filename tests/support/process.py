"""A program under test: started, watched by what it writes, signalled, always ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.support.waiting import eventually

ROOT = Path(__file__).resolve().parents[2]


class Program:
    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self._process = process
        self.log = log
        self.pid = process.pid

    def output(self) -> str:
        return self.log.read_text(errors="replace")

    def until(self, text: str, *, within: float = 20.0) -> None:
        """Waits until it has written this text."""
        eventually(
            lambda: text in self.output() or self._ended_early(text), within=within, describe=f"{text!r} in the output"
        )

    def signal(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def exit_status(self, *, within: float = 20.0) -> int:
        try:
            return self._process.wait(timeout=within)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"still running after {within:.0f} s:\n{self.output()[-3000:]}") from None

    def running(self) -> bool:
        return self._process.poll() is None

    def _ended_early(self, text: str) -> bool:
        if self.running() or text in self.output():
            return False
        raise AssertionError(f"ended with {self._process.returncode} before {text!r}:\n{self.output()[-3000:]}")


@contextmanager
def program(module: str, *arguments: str, directory: Path, env: Mapping[str, str] | None = None) -> Iterator[Program]:
    """`python -m module arguments`, its output in a file of the directory."""
    log = directory / f"{module.rpartition('.')[2]}-{len(list(directory.iterdir()))}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            cwd=ROOT,
            env={**os.environ, **(env or {})},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        yield Program(process, log)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGCONT)
            process.kill()
        process.wait(timeout=10)
