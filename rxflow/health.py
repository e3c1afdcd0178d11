"""Health checks for containers, with nothing but the standard library: they run every few seconds.

python -m rxflow.health url http://127.0.0.1:8101/health/ready
python -m rxflow.health process worker
"""

from __future__ import annotations

import os
import sys
import urllib.error
import urllib.request
from pathlib import Path

TIMEOUT_SECONDS = 4
PROCESSES = Path("/proc")


def answers(url: str) -> bool:
    """Whether this URL answers with success."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=TIMEOUT_SECONDS) as response:
            return bool(response.status < 400)
    except (urllib.error.URLError, TimeoutError, OSError):
        return False


def runs(word: str, processes: Path = PROCESSES) -> bool:
    """Whether another process of this container has this word as an argument and is not a zombie."""
    for directory in processes.iterdir():
        if not directory.name.isdigit() or int(directory.name) == os.getpid():
            continue
        try:
            command = (directory / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if word.encode() in command and b"rxflow.health" not in command:
            return True
    return False


def main(arguments: list[str]) -> int:
    match arguments:
        case ["url", url]:
            return 0 if answers(url) else 1
        case ["process", word]:
            return 0 if runs(word) else 1
        case _:
            print(__doc__, file=sys.stderr)  # noqa: T201
            return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
