"""What the executor's logic asks of the world: a generator of these requests, answered by a driver, synchronously
(worker, simulation) or asynchronously (api)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from services.seedwork.store.batch import Batch, Statement, Wanted


@dataclass(frozen=True, slots=True)
class LoadStreams:
    """Answered by `Found`."""

    wanted: Wanted


@dataclass(frozen=True, slots=True)
class Save:
    """Answered by the positions; raises what `services.seedwork.store.errors` lists."""

    batch: Batch


@dataclass(frozen=True, slots=True)
class Rows:
    """Answered by the rows of one query."""

    statement: Statement


@dataclass(frozen=True, slots=True)
class KeyringRows:
    """Answered by the rows of one query on the keyring."""

    statement: Statement


@dataclass(frozen=True, slots=True)
class KeyringWrite:
    """Statements on the keyring, in one transaction."""

    statements: Sequence[Statement]


@dataclass(frozen=True, slots=True)
class Pause:
    """Answered after so many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Call:
    """Answered by what the call returns; it may take as long as an answer over the network."""

    call: Callable[[], Any]


@dataclass(frozen=True, slots=True)
class Enter:
    """Take the in-process locks of these streams, in order; the driver frees them when the logic ends."""

    streams: tuple[UUID, ...]


Request = LoadStreams | Save | Rows | KeyringRows | KeyringWrite | Pause | Call | Enter
