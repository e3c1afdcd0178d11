"""Catch-up: the one exception to "only events travel". A consumer fetches what it misses out of the producer's kept
public events: at start, when something is parked too long, after a restore, and as the net under the broker."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import takewhile
from uuid import UUID

import httpx

from contracts.envelope import FEED_UPTO_HEADER, STREAM_TAIL_HEADER, Envelope
from contracts.topology import Family, consumed_by
from services.seedwork.consumer import Consumer
from services.seedwork.store import reading
from services.seedwork.store.batch import Wanted
from services.seedwork.store.drivers import Database
from services.seedwork.store.errors import Conflict
from services.seedwork.store.incoming import heard_of_epoch

PAGE = 500
PARKED_SECONDS = 10.0
GRACE_MICROS = 10_000_000
"""What is younger is left to the broker."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class FeedPage:
    """Events of a family in the order of the log. Up to and with `upto` there are no others, so that a reader of a
    quiet family need not look at the same stretch of a busy log again."""

    envelopes: Sequence[Envelope]
    upto: int


@dataclass(frozen=True)
class StreamPage:
    """Events of one stream after a number. `tail` is the last number its producer knows: of what it holds back, too."""

    envelopes: Sequence[Envelope]
    tail: int


class FeedClient:
    """Reads the feeds of the other services, with the service token only."""

    def __init__(self, peer: Callable[[str], str], token: Callable[[], str], http: httpx.Client | None = None) -> None:
        self._peer = peer
        self._token = token
        self._http = http or httpx.Client(timeout=httpx.Timeout(5.0), trust_env=False)

    def close(self) -> None:
        self._http.close()

    def epoch(self, producer: str) -> int:
        """How often the producer's store was restored, and one."""
        return int(self._ask(producer, "/internal/epoch", {}).json()["epoch"])

    def family(self, family: Family, after: int) -> Iterator[FeedPage]:
        """The family's events after a log index, page by page; the last page is empty."""
        while True:
            query = {"after": after, "limit": PAGE}
            response = self._ask(family.producer, f"/internal/feed/{family.name}", query)
            envelopes = _envelopes(response)
            last = envelopes[-1].log_index if envelopes else after
            page = FeedPage(envelopes, max(last, int(response.headers.get(FEED_UPTO_HEADER, last))))
            yield page
            if not envelopes:
                return
            after = page.upto

    def stream(self, producer: str, family: str, stream: UUID, after: int) -> StreamPage:
        """One stream's events after a number."""
        query = {"after": after, "limit": PAGE}
        response = self._ask(producer, f"/internal/streams/{family}/{stream}", query)
        return StreamPage(_envelopes(response), int(response.headers[STREAM_TAIL_HEADER]))

    def _ask(self, producer: str, path: str, params: dict[str, int]) -> httpx.Response:
        url, headers = self._peer(producer) + path, {"Authorization": f"Bearer {self._token()}"}
        return self._http.get(url, params=params, headers=headers).raise_for_status()


def _envelopes(response: httpx.Response) -> Sequence[Envelope]:
    """By the one separator of the format: `splitlines` would also cut at a line separator inside a text."""
    return [Envelope.from_wire(line) for line in response.content.split(b"\n") if line]


class CatchUp:
    """Closes the gaps of one consumer. Any of its processes may run it: the inbox decides."""

    def __init__(self, service: str, consumer: Consumer, database: Database, feeds: FeedClient) -> None:
        self._service = service
        self._consumer = consumer
        self._database = database
        self._feeds = feeds
        self._started = False

    def step(self) -> bool:
        """At the first call everything missed, later what the broker has not brought within 10 s."""
        reached = True
        epochs = cache(self._feeds.epoch)  # one question per producer; a restore in between shows at the next step
        for family in consumed_by(self._service):
            reached = self._family(family, epochs, everything=not self._started) and reached
        self._gaps()
        self._consumer.sweep()
        self._started = self._started or reached
        return False

    def _family(self, family: Family, epoch: Callable[[str], int], *, everything: bool) -> bool:
        """Handles what the feed holds beyond the low-water mark; the mark never passes what is not handled."""
        name = f"feed:{family.producer}:{family.name}"
        now = self._database.load(Wanted()).now
        try:
            low_water = self._low_water(family, name, epoch(family.producer))
            for page in self._feeds.family(family, low_water):
                # up to the first that is not due: times do not stand in the order of the log
                due = list(takewhile(lambda each: everything or self._is_due(each, now), page.envelopes))
                for envelope in self._missing(due):
                    self._consumer.handle([envelope])
                whole = len(due) == len(page.envelopes)
                piece = reading.Range(low_water, page.upto if whole else due[-1].log_index if due else low_water)
                if not piece.empty:
                    self._database.write([reading.advance(self._database, name, piece)])
                    low_water = piece.upto
                if not whole:
                    break
        except httpx.HTTPError as error:
            logger.info("no feed of %s: %r", family.producer, error)
            return False
        except Conflict:  # another process of this service catches up, too, and is ahead
            return True
        return True

    def _low_water(self, family: Family, name: str, epoch: int) -> int:
        """How far this feed is handled. A restored producer gives its log indexes out again: then from the start."""
        low_water, known = (reading.cursor_of(self._database, each) for each in (name, f"epoch of {name}"))
        if known == epoch:
            return low_water
        back, on = reading.Range(low_water, 0), reading.Range(known, epoch)
        self._database.write(
            [
                reading.advance(self._database, name, back),
                reading.advance(self._database, f"epoch of {name}", on),
                *heard_of_epoch(self._database, family.producer, epoch),
            ]
        )
        return 0

    @staticmethod
    def _is_due(envelope: Envelope, now: int) -> bool:
        try:
            recorded = envelope.parsed_body().recorded_at
        except ValueError:  # it is the consumer's to set aside; nothing else waits for it
            return True
        return now - int(recorded.timestamp() * 1_000_000) > GRACE_MICROS

    def _missing(self, envelopes: Sequence[Envelope]) -> list[Envelope]:
        """Those whose number the inbox has not reached. One look-up for the page."""
        if not envelopes:
            return []
        places = tuple(dict.fromkeys((each.producer, each.stream) for each in envelopes))
        seen = self._database.load(Wanted(inbox=places)).inbox
        return [each for each in envelopes if seen.get((each.producer, each.stream), (0, b""))[0] < each.public_seq]

    def _gaps(self) -> None:
        """Asks for what is missing up to an event that waits. What its producer does not know at all waits in vain: it
        is of a history that the producer lost, and a person decides."""
        for parked in self._consumer.tables.parked_longer_than(PARKED_SECONDS):
            envelope = Envelope.from_wire(parked.wire)
            place = (parked.upstream, parked.stream_id)
            last = self._database.load(Wanted(inbox=(place,))).inbox.get(place, (0, b""))[0]
            try:
                told = self._feeds.stream(parked.upstream, envelope.family, parked.stream_id, last)
                for each in told.envelopes:
                    self._consumer.handle([each])
                if told.tail < envelope.public_seq:
                    self._consumer.give_up(parked, f"its producer knows the stream up to number {told.tail}")
            except httpx.HTTPError as error:
                logger.info("the gap of %s stays: %r", parked.stream_id, error)
