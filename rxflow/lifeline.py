"""A child ends when its supervisor does, however that one ended: the pipe on its standard input closes."""

from __future__ import annotations

import _thread
import os
import signal
import threading
from collections.abc import Callable

SUPERVISED = "RXFLOW_SUPERVISED"
"""Set by the supervisor. Without it standard input says nothing: under systemd it is closed from the start."""


def hold_on() -> None:
    """To be called first thing: the watching thread must be a native one, so before anything is patched."""
    if os.environ.get(SUPERVISED) == "1":
        main = threading.main_thread().ident
        if main is not None:
            _thread.start_new_thread(_watch, (main, os.read, signal.pthread_kill))


def _watch(main: int, read: Callable[[int, int], bytes], pthread_kill: Callable[[int, int], None]) -> None:
    """Takes the functions along, because the modules' own may be replaced by cooperative ones meanwhile."""
    try:
        while read(0, 1024):
            pass
    except OSError:
        pass
    pthread_kill(main, signal.SIGTERM)
