"""What the executor works on: a use case in its context, the gate it passes, its outcome; and what a process shares."""

from __future__ import annotations

import random
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

import orjson
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from contracts.envelope import GENESIS
from services.seedwork import ports
from services.seedwork.composition import Service
from services.seedwork.failures import AnswerForgotten
from services.seedwork.model import Ids, PersonalClass, Refusal
from services.seedwork.policies import DEFAULT_JURISDICTION
from services.seedwork.signing.trust import NOBODY
from services.seedwork.store.batch import IdempotencyKey, KeptAnswer
from services.seedwork.store.keyring import Keyring
from services.seedwork.store.mapper import PydanticMapper
from services.seedwork.store.rendering import Rendered
from services.seedwork.store.requests import KeyringRows, KeyringWrite
from services.seedwork.store.sealing import NONCE_BYTES, Keys
from services.seedwork.store.tracking import StateCache
from services.seedwork.store.writing import Cause, Writer
from services.seedwork.usecase import Actor, UseCase


class Gate(StrEnum):
    """What the inbox says about an incoming event."""

    NEXT = "next"
    DONE = "done"
    EARLY = "early"
    FORK = "fork"
    WAITING = "waiting"
    """Its stream waits for a person."""
    OUTDATED = "outdated"
    """Said before its producer came back from a backup: only the producer knows whether it still counts."""


@dataclass(frozen=True, slots=True)
class Incoming:
    """The incoming event a use case reacts to: where it stands in its stream."""

    upstream: str
    stream_id: UUID
    public_seq: int
    prev_hash: bytes
    hash: bytes
    store_epoch: int

    def gate(self, last: tuple[int, bytes] | None, epoch: int = 0) -> Gate:
        """Only the next one is decided; the same number with another content, or another past, is a fork. `epoch`: the
        newest that was heard of its producer; what is new and older waits until the producer was asked."""
        seen, digest = last or (0, GENESIS)
        if self.public_seq > seen and self.store_epoch < epoch:
            return Gate.OUTDATED
        if self.public_seq > seen + 1:
            return Gate.EARLY
        if self.public_seq == seen + 1:
            return Gate.NEXT if bytes(self.prev_hash) == bytes(digest) else Gate.FORK
        if self.public_seq == seen and bytes(self.hash) != bytes(digest):
            return Gate.FORK
        return Gate.DONE


@dataclass(frozen=True)
class Context:
    """Who wants it and under which gate."""

    actor: Actor
    correlation_id: str
    causation_id: str
    traceparent: str | None = None
    idempotency: IdempotencyKey | None = None
    incoming: Incoming | None = None

    def cause(self) -> Cause:
        return Cause(self.actor.recorded_as, self.correlation_id, self.causation_id, self.traceparent)


@dataclass(frozen=True)
class Outcome(ports.Outcome):
    """What became of a use case, and of the gate of the event it reacted to."""

    gate: Gate = Gate.NEXT


@dataclass(frozen=True)
class Work:
    """One use case in its context."""

    use_case: UseCase
    context: Context

    @property
    def incoming(self) -> Incoming | None:
        return self.context.incoming


@dataclass(frozen=True, slots=True)
class Member:
    """One event that is decided `together` with the others of its batch whose turn it is. `context`: made only where it
    speaks for all of them."""

    told: Any
    together: Callable[[Sequence[Any]], UseCase]
    incoming: Incoming
    context: Callable[[], Context]


class StoreCore:
    """What the logic needs to know of one service and its store; shared by all use cases of a process."""

    def __init__(
        self,
        service: Service,
        keyring: Keyring,
        answer_key: bytes,
        ids: Ids,
        queries: Mapping[str, Rendered] | None = None,
        rng: random.Random | None = None,
        jurisdiction: str = DEFAULT_JURISDICTION,
    ) -> None:
        self.service = service
        self.jurisdiction = jurisdiction
        self.keyring = keyring
        self.ids = ids
        self.queries = dict(queries or {})
        self.random = rng or random.SystemRandom()
        self.cache = StateCache()
        classes = {cls for aggregate in service.aggregates for cls in aggregate.events}
        self.mapper = PydanticMapper(sorted(classes, key=lambda cls: cls.TOPIC), self.random.randbytes)
        self.writer = Writer(self.mapper)
        self.trust = NOBODY
        """Replaced whole when the installation's roots or revocation lists change."""
        self._answers = AESGCM(answer_key)

    def seal_answer(self, key: IdempotencyKey, outcome: Outcome, about: Keys) -> bytes:
        """Under the service's key and one of each patient whose personal data was read for it."""
        refusal = outcome.refusal and {"code": outcome.refusal.code, "facts": dict(outcome.refusal.facts)}
        plain = orjson.dumps({"body": dict(outcome.body), "refusal": refusal}, default=str)
        names = []
        for (patient_ref, kind), data_key in about.items():
            if data_key is not None:
                names.append((patient_ref, kind))
                plain = self._encrypted(data_key, plain, key)
        return self._encrypted(self._answers, orjson.dumps(names) + b"\n" + plain, key)

    def open_answer(self, key: IdempotencyKey, kept: KeptAnswer) -> Generator[KeyringRows | KeyringWrite, Any, Outcome]:
        """The inverse. Raises AnswerForgotten."""
        head, _, plain = _decrypted(self._answers, bytes(kept.answer), key).partition(b"\n")
        names = [(UUID(patient_ref), PersonalClass(kind)) for patient_ref, kind in orjson.loads(head)]
        keys = (yield from self.keyring.fetch(names)) if names else {}
        for name in reversed(names):
            data_key = keys[name]
            if data_key is None:
                raise AnswerForgotten(str(name[0]))
            plain = _decrypted(data_key, plain, key)
        told = orjson.loads(plain)
        refusal = told["refusal"] and Refusal(told["refusal"]["code"], told["refusal"]["facts"])
        return Outcome(kept.status, told["body"], replayed=True, refusal=refusal, position=kept.position)

    def _encrypted(self, cipher: AESGCM, plain: bytes, key: IdempotencyKey) -> bytes:
        nonce = self.random.randbytes(NONCE_BYTES)
        return nonce + cipher.encrypt(nonce, plain, _place(key))


def _decrypted(cipher: AESGCM, sealed: bytes, key: IdempotencyKey) -> bytes:
    return cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], _place(key))


def _place(key: IdempotencyKey) -> bytes:
    return f"{key.actor}|{key.route}|{key.key}".encode()
