"""`python -m tests.chaos`: see `make chaos`. Exit status 0: nothing lost, nothing doubled, memory flat."""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
import time
from datetime import datetime
from pathlib import Path
from types import FrameType

from services.seedwork.calendar import ZONE
from tests.chaos.faults import FAULTS
from tests.chaos.figures import table, verdict
from tests.chaos.house import house
from tests.chaos.run import Options, run, write
from tests.support.private_servers import missing_private_servers

INTERRUPTED = 130
INTERRUPTS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def main() -> int:
    options = _options()
    if missing := missing_private_servers():
        _tell(f"not run: {missing}")
        return 2
    for number in INTERRUPTS:
        signal.signal(number, _interrupt)
    begun = time.monotonic()
    logs: Path | None = None
    passed = False
    try:
        with house() as mistreated:
            logs = mistreated.logs
            for name in {"postgres", "rabbit"} - mistreated.disks.keys():
                _tell(f"mounting is not allowed here: the disk of {name} is not filled")
            outcome = run(mistreated, options, _tell)
        passed = outcome.passed
        _say("", table(outcome, options.faults), "", *verdict(outcome))
        _say(f"{time.monotonic() - begun:.0f} s in all, seed {options.seed}")
        write(outcome, options.report)
        _say(f"the figures are in {options.report}")
    except KeyboardInterrupt:
        if logs is not None:
            shutil.rmtree(logs, ignore_errors=True)
        _tell("interrupted; everything is ended and cleared away")
        return INTERRUPTED
    finally:
        if logs is not None and passed:
            shutil.rmtree(logs, ignore_errors=True)
        elif logs is not None and logs.exists():
            _tell(f"the logs of all processes are in {logs}")
    return 0 if passed else 1


def _options() -> Options:
    parser = argparse.ArgumentParser(prog="make chaos", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--every", type=float, default=20.0, help="seconds between two faults")
    parser.add_argument("--seed", type=int, default=int(datetime.now(ZONE).timestamp()) % 100_000)
    parser.add_argument("--rate", type=float, default=1.0, help="prescriptions a second")
    parser.add_argument("--faults", default="", help=f"some of: {', '.join(FAULTS)}")
    parser.add_argument("--report", type=Path, default=Options.report, help="a file for the figures, as JSON")
    parsed = parser.parse_args()
    chosen = [name.strip() for name in parsed.faults.split(",") if name.strip()] or list(FAULTS)
    if unknown := set(chosen) - FAULTS.keys():
        parser.error(f"no such fault: {', '.join(sorted(unknown))}; there are {', '.join(FAULTS)}")
    return Options(
        minutes=parsed.minutes,
        every=parsed.every,
        seed=parsed.seed,
        rate=parsed.rate,
        faults={name: FAULTS[name] for name in chosen},
        report=parsed.report,
    )


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    """Once: what follows is clearing away, which nobody interrupts."""
    for number in INTERRUPTS:
        signal.signal(number, signal.SIG_IGN)
    _tell("interrupted; ending everything")
    raise KeyboardInterrupt


def _tell(what: str) -> None:
    _say(f"{datetime.now(ZONE):%H:%M:%S} {what}")


def _say(*lines: str) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
