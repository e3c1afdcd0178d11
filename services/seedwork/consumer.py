"""The consumer: every event of the families a service takes, exactly once in effect and in order per stream.

Only the next event of a stream is decided; an early one is parked, a repeated one acknowledged, another content under a
known number is a fork. The limit of attempts counts what our own handler raised, never a lost connection.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Generator, Sequence
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

from contracts.envelope import Body, Envelope
from contracts.events import EVENTS
from services.seedwork.failures import ExecutionFailure
from services.seedwork.messaging.errors import TryLaterError
from services.seedwork.model import Loaded
from services.seedwork.store.drivers import Driver
from services.seedwork.store.errors import StoreError
from services.seedwork.store.executor import Context, Gate, Incoming, Member, Outcome, StoreCore, Work, perform_all
from services.seedwork.store.incoming import IncomingTables, ParkedEvent
from services.seedwork.store.requests import Request
from services.seedwork.store.sealing import Place, personal_fields, unseal
from services.seedwork.turns import in_turns
from services.seedwork.usecase import Actor, Decision, Moment, UseCase

ATTEMPTS_MAX = 8
DRAIN_MAX = 1000
PARKED = frozenset({Gate.EARLY, Gate.WAITING, Gate.OUTDATED})
"""What is not decided now, but will be."""
NOBODY = Actor(subject="", role="service")
"""Causes what cannot be read."""

logger = logging.getLogger(__name__)


class Consumer:
    """Handles the incoming events of one service, from the broker or from a feed."""

    def __init__(self, core: StoreCore, driver: Driver) -> None:
        self._core = core
        self._driver = driver
        self._reactions = {event.TYPE: reaction for event, reaction in core.service.react.items()}
        self._together = {event.TYPE: together for event, together in core.service.together.items()}
        self.tables = IncomingTables(core.service.name, driver.database)

    def handle(self, envelopes: Sequence[Envelope]) -> None:
        """Returns when all of them are handled, parked or set aside: they may be acknowledged.

        Raises what a single event's handler raised (after counting the attempt), anything for a batch (try one by
        one), and `TryLaterError` while the store is away.
        """
        try:
            self._decide(envelopes)
            if self.tables.something_parked():
                for upstream, stream in dict.fromkeys((each.producer, each.stream) for each in envelopes):
                    self.drain(upstream, stream)
        except (StoreError, ExecutionFailure) as error:
            raise TryLaterError(repr(error)) from error

    def applied(self, envelopes: Sequence[Envelope]) -> Sequence[Outcome]:
        """What becomes of these in one save, and nothing else: whoever calls sees to what could not be decided."""
        outcomes: Sequence[Outcome] = self._driver.run(self._apply(envelopes))
        return outcomes

    def drain(self, upstream: str, stream: UUID) -> None:
        """Applies what is parked behind the last event handled. Never fails the message in hand."""
        for _ in range(DRAIN_MAX):
            parked = self.tables.next_parked(upstream, stream)
            if parked is None:
                return
            try:
                if self._decide([Envelope.from_wire(parked.wire)]):
                    return
            except (StoreError, ExecutionFailure):
                return  # the sweep comes back to it
            except Exception:
                logger.exception("a parked event of %s failed", stream)
                return
            self._forget(parked)

    def sweep(self) -> bool:
        """Drains every stream that something is parked of: what a consumer left behind that died in between."""
        for upstream, stream in self.tables.parked_streams():
            self.drain(upstream, stream)
        return False

    def give_up(self, parked: ParkedEvent, reason: str) -> None:
        """Sets aside what is parked: what it waits for will never come. Raises StoreRestored."""
        envelope = Envelope.from_wire(parked.wire)
        logger.critical("%s %s is set aside: %s", envelope.stream, envelope.public_seq, reason)
        self.tables.set_aside(envelope, reason)
        self._forget(parked)

    def _forget(self, parked: ParkedEvent) -> None:
        self.tables.forget(parked)

    def _decide(self, envelopes: Sequence[Envelope]) -> bool:
        """Whether some of them must still wait; they are parked."""
        altered = [each for each in in_turns(envelopes) if not each.verify()]
        genuine = [each for each in envelopes if each not in altered]
        outcomes: Sequence[Outcome] = ()
        try:
            if genuine:
                outcomes = self.applied(genuine)
        except (StoreError, ExecutionFailure):
            raise
        except Exception as error:
            if len(envelopes) > 1:
                raise  # one by one it shows whose fault it was
            if self.tables.count_attempt(envelopes[0], described(error)) < ATTEMPTS_MAX:
                raise
            logger.exception("event %s set aside after %s attempts", envelopes[0].message_id, ATTEMPTS_MAX)
            self.tables.set_aside(envelopes[0], described(error))
            return False
        for each in altered:  # after the others: what they raise brings the whole batch again
            self.tables.set_aside(each, "the hash does not belong to the content")
        for envelope, outcome in zip(genuine, outcomes, strict=True):
            self._conclude(envelope, outcome)
        return any(outcome.gate in PARKED for outcome in outcomes)

    def _conclude(self, envelope: Envelope, outcome: Outcome) -> None:
        if outcome.gate in PARKED:
            self.tables.park(envelope)
        elif outcome.gate is Gate.FORK:
            logger.critical("fork: %s %s differs from what was handled", envelope.stream, envelope.public_seq)
            self.tables.set_aside(envelope, "fork")
        elif outcome.refusal is not None:
            logger.warning("%s of %s refused: %s", envelope.type, envelope.stream, outcome.refusal.code)

    def _apply(self, envelopes: Sequence[Envelope]) -> Generator[Request, Any, Sequence[Outcome]]:
        works: list[Work | Member] = []
        for envelope in in_turns(envelopes):
            works += [(yield from self._work(envelope))]
        return (yield from perform_all(self._core, works))

    def _work(self, envelope: Envelope) -> Generator[Request, Any, Work | Member]:
        incoming = Incoming(
            envelope.producer,
            envelope.stream,
            envelope.public_seq,
            envelope.prev_hash,
            envelope.hash,
            envelope.store_epoch,
        )
        try:
            body = envelope.parsed_body()
            together = self._together.get(envelope.type)
            if together is not None:
                told = ((yield from self._readable(envelope, body)), envelope)
                return Member(told, together, incoming, partial(_context, envelope, incoming))
            use_case = yield from self._use_case(envelope, body)
        except (StoreError, ExecutionFailure):
            raise
        except Exception as error:  # noqa: BLE001 - raised in its turn, behind the gate: an early one is not to blame yet
            nobody = Context(NOBODY, "", str(envelope.message_id), incoming=incoming)
            return Work(UseCase((), _raising(error)), nobody)
        return Work(use_case, _context(envelope, incoming))

    def _use_case(self, envelope: Envelope, body: Body) -> Generator[Request, Any, UseCase]:
        if envelope.type not in EVENTS:
            # of a producer one release ahead: its stream waits here until this service knows the event too
            raise LookupError(f"no contract of {envelope.type}")
        reaction = self._reactions.get(envelope.type)
        if reaction is None:
            return ACKNOWLEDGED
        return reaction((yield from self._readable(envelope, body)), envelope)

    def _readable(self, envelope: Envelope, body: Body) -> Generator[Request, Any, Any]:
        """The event with the personal fields this service has a right to."""
        cls = EVENTS[envelope.type]
        fields = dict(body.data)
        personal = personal_fields(cls)
        if personal:
            patient_ref = UUID(fields["patient_ref"])
            names = {(patient_ref, kind) for name, kind in personal.items() if fields.get(name) is not None}
            keys = yield from self._core.keyring.fetch(names)
            unseal(fields, personal, patient_ref, Place(envelope.stream, envelope.public_seq, envelope.type), keys)
        return cls.model_validate(fields)


def _context(envelope: Envelope, incoming: Incoming) -> Context:
    body = envelope.parsed_body()
    return Context(
        actor=Actor(subject=body.actor, role="service"),
        correlation_id=body.correlation_id,
        causation_id=str(envelope.message_id),
        traceparent=body.traceparent,
        incoming=incoming,
    )


def described(error: BaseException) -> str:
    """What failed and where; never its text, which may hold personal data."""
    place = traceback.extract_tb(error.__traceback__)
    where = f" at {Path(place[-1].filename).name}:{place[-1].lineno}" if place else ""
    return f"{type(error).__name__}{where}"


def _raising(error: Exception) -> Callable[..., Decision]:
    def decide(_moment: Moment, *_loaded: Loaded[Any]) -> Decision:
        raise error

    return decide


def _acknowledge(_moment: Moment, *_loaded: Loaded[Any]) -> Decision:
    return Decision.nothing()


ACKNOWLEDGED = UseCase((), _acknowledge)
"""What does not concern a service still passes its gate, because numbers are contiguous per stream."""
