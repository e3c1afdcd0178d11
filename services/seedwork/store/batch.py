"""What goes into the store and comes out of it, in the store's own terms: rows, gates and their outcomes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from uuid import UUID


class EventRow(NamedTuple):
    """One domain event. `hash = sha256(prev | stream | version | topic | recorded_at | state)`."""

    stream_id: UUID
    version: int
    topic: str
    state: bytes
    hash: bytes
    recorded_at: int


class PublicRow(NamedTuple):
    """One integration event of the domain event `version` of the same stream."""

    stream_id: UUID
    public_seq: int
    version: int
    type: str
    body: bytes
    prev_hash: bytes
    hash: bytes


class TimerRow(NamedTuple):
    """A deadline of a stream; no `due_at` ends it."""

    stream_id: UUID
    kind: str
    due_at: int | None


@dataclass(frozen=True, slots=True)
class InboxGate:
    """Passes when `before` is the last number handled of the upstream's stream; `public_seq` is then. Not when the
    upstream was restored since it said so in `store_epoch`."""

    upstream: str
    stream_id: UUID
    before: int
    public_seq: int
    hash: bytes
    store_epoch: int


@dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """Names one intent of one caller."""

    actor: str
    route: str
    key: str
    body_sha256: bytes


@dataclass(frozen=True, slots=True)
class IdempotencyGate:
    """Passes when nothing is kept under the key, or what is kept has expired by `now`; keeps the answer."""

    key: IdempotencyKey
    status: int
    answer: bytes
    now: int
    expires_at: int


@dataclass(frozen=True, slots=True)
class CursorGate:
    """Passes when the reader has not come that far yet; it has then."""

    name: str
    log_index: int


@dataclass(frozen=True, slots=True)
class Batch:
    """One save: all of it or nothing. `asserted` streams must still have the version they were read at."""

    events: Sequence[EventRow] = ()
    public: Sequence[PublicRow] = ()
    timers: Sequence[TimerRow] = ()
    gates: Sequence[InboxGate] = ()
    idempotency: IdempotencyGate | None = None
    asserted: Mapping[UUID, int] = field(default_factory=dict)
    cursor: CursorGate | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """One load: streams with the version already known of each, and the gates to look up."""

    streams: Mapping[UUID, int] = field(default_factory=dict)
    idempotency: IdempotencyKey | None = None
    inbox: Sequence[tuple[str, UUID]] = ()


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """What was answered the first time, and the position of the last event it recorded."""

    body_sha256: bytes
    status: int
    answer: bytes
    position: int | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """Answer to a load: the store's time, the events by stream in order, and what the gates hold.

    Where the inbox was asked: which of these streams wait for a person, whether the store, back from a backup, may
    decide nothing before it was compared, and the newest epoch that was heard of each producer.
    """

    now: int
    events: Mapping[UUID, Sequence[EventRow]]
    kept: KeptAnswer | None = None
    inbox: Mapping[tuple[str, UUID], tuple[int, bytes]] = field(default_factory=dict)
    waiting: Set[tuple[str, UUID]] = frozenset()
    restoring: bool = False
    epochs: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Statement:
    """One SQL text with named parameters. `expect` rows must be touched, else its transaction is undone."""

    text: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    expect: int | None = None
