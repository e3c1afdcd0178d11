"""Projections: read models built from the service's own sealed log, one batch and its cursor in one transaction.

A projection is a set of tables, a function from one recorded event to row operations, and named queries. It holds
nothing that cannot be rebuilt from event one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from services.seedwork.model import DomainEvent


@dataclass(frozen=True)
class Recorded:
    """One event out of the sealed log. `log_index` is gap-free; personal fields are readable or None."""

    log_index: int
    stream_id: UUID
    version: int
    event: DomainEvent
    recorded_at: datetime
    actor: str
    hash: bytes = b""
    """The event's link in the hash chain of its stream: the proof beside each line of a trace."""


@dataclass(frozen=True)
class Put:
    """Insert the row, or overwrite these columns of the row with the same primary key."""

    table: sa.Table
    row: Mapping[str, Any]


@dataclass(frozen=True)
class Amend:
    """Set columns of the rows that match; values may be SQL expressions (`table.c.count + 1`)."""

    table: sa.Table
    where: Mapping[str, Any]
    values: Mapping[str, Any]


@dataclass(frozen=True)
class Remove:
    """Delete the rows that match."""

    table: sa.Table
    where: Mapping[str, Any]


Operation = Put | Amend | Remove


@dataclass(frozen=True)
class Projection:
    """`version` changes with its meaning: a raised version rebuilds the tables from event one."""

    name: str
    tables: tuple[sa.Table, ...]
    project: Callable[[Recorded], Iterable[Operation]]
    queries: Mapping[str, sa.Select[Any]] = field(default_factory=dict)
    """Named queries with bind parameters (`sa.bindparam("code_hash")`), for `Find` and `Reader.find`."""
    version: int = 1
