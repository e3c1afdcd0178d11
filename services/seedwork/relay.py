"""The relay: publishes what the sealed log says to the public, in order, and moves its cursor after the confirms.

At least once: a crash in between publishes a piece again, and the consumers' inboxes make it once in effect. No
database transaction is open across the network.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from uuid import UUID

from contracts.envelope import Envelope
from services.seedwork.messaging.errors import PublishFailedError
from services.seedwork.messaging.publisher import Outgoing, Publisher
from services.seedwork.store import reading
from services.seedwork.store.batch import Wanted
from services.seedwork.store.drivers import Database
from services.seedwork.store.rendering import Prepared
from services.seedwork.store.tables import blocked
from services.seedwork.turns import in_turns

BATCH = 500
TRIES_BEFORE_ISOLATING = 3
FAILED_IN_A_ROW_MAX = 5
"""More from the start, and none that arrived: the broker is away. Each may have taken a whole deadline."""

_SET_ASIDE = Prepared(lambda insert: insert(blocked).on_conflict_do_nothing())

logger = logging.getLogger(__name__)


class Relay:
    """Publishes one service's public events. Only the leader runs it."""

    def __init__(self, producer: str, families: Mapping[str, str], database: Database, publisher: Publisher) -> None:
        self._producer = producer
        self._families = dict(families)
        self._database = database
        self._publisher = publisher
        self._failures = 0

    def step(self) -> bool:
        """Publishes the next piece of the log; whether there may be more. A restored store says nothing before it has
        been compared with its consumers."""
        piece, envelopes = reading.next_envelopes(self._database, self._producer, self._families, BATCH)
        if piece.empty:
            return False
        self._publish(envelopes)
        self._database.write([reading.advance(self._database, reading.RELAY, piece)])
        return True

    def lag(self) -> int:
        """How many events of the log are not yet published."""
        return reading.tail(self._database) - reading.cursor_of(self._database, reading.RELAY)

    def _publish(self, envelopes: Sequence[Envelope]) -> None:
        if not envelopes:
            return
        try:
            self._publisher.publish([_outgoing(each) for each in in_turns(envelopes)])
        except PublishFailedError:
            self._failures += 1
            if self._failures < TRIES_BEFORE_ISOLATING or len(envelopes) == 1:
                raise
            self._isolate(envelopes)
        self._failures = 0

    def _isolate(self, envelopes: Sequence[Envelope]) -> None:
        """One by one: what fails alone while others arrive is set aside with its stream."""
        failed: dict[UUID, Envelope] = {}
        proven: Envelope | None = None
        for envelope in envelopes:
            if envelope.stream in failed:
                continue  # numbers are contiguous: its successors wait with it
            if self._failure_of(envelope) is None:
                proven = envelope
            else:
                failed[envelope.stream] = envelope
                if proven is None and len(failed) == FAILED_IN_A_ROW_MAX:
                    break
        guilty = [(each, self._proven_failure(each, proven)) for each in failed.values()]
        now = self._database.load(Wanted()).now
        for envelope, reason in guilty:
            logger.error("stream %s set aside by the relay at %s: %s", envelope.stream, envelope.public_seq, reason)
            row = {"upstream": self._producer, "stream_id": envelope.stream, "reason": reason, "blocked_at": now}
            self._database.write([_SET_ASIDE.bind(self._database, **row)])

    def _failure_of(self, envelope: Envelope) -> str | None:
        try:
            self._publisher.publish([_outgoing(envelope)])
        except PublishFailedError as error:
            return str(error)
        return None

    def _proven_failure(self, suspect: Envelope, proven: Envelope | None) -> str:
        """Why it failed although the broker was there. Raises where the broker may have been away: nobody is to blame.

        A broker that came back or went away in the middle must not leave streams set aside: what is blamed fails
        between two arrivals of an event that has arrived before.
        """
        if proven is not None and self._failure_of(proven) is None:
            reason = self._failure_of(suspect)
            if reason is not None and self._failure_of(proven) is None:
                return reason
        raise PublishFailedError("the broker comes and goes", unconfirmed=[str(suspect.message_id)])


def _outgoing(envelope: Envelope) -> Outgoing:
    return Outgoing(envelope.family, str(envelope.message_id), envelope.to_wire(), {"type": envelope.type})
