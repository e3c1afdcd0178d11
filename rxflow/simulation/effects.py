"""Nothing accepted is lost and nothing happens twice: what the logs must say about every command and every event."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Sequence
from typing import Any
from uuid import UUID

from contracts.envelope import Envelope, message_id
from contracts.topology import FAMILIES
from rxflow.simulation.accepted import Accepted
from rxflow.simulation.books import AllBooks, Books
from services.seedwork.families import families_of
from services.seedwork.projection import Projection
from services.seedwork.store import reading
from services.seedwork.store.checkpoints import verify
from services.seedwork.store.drivers import Database

_CAUSES = (
    "SELECT position, recorded_at, json_extract(CAST(state AS TEXT), '$.meta.correlation_id'),"
    " json_extract(CAST(state AS TEXT), '$.meta.causation_id'), stream_id FROM events ORDER BY position"
)
_SEALED_PUBLIC = "SELECT stream_id, max(public_seq), type FROM public GROUP BY stream_id"
_HASHES = "SELECT stream_id, public_seq, hash FROM public"
_HANDLED = "SELECT stream_id, public_seq, hash FROM inbox WHERE upstream = :of"
_INBOX = "SELECT 1 FROM inbox WHERE upstream = :of AND stream_id = :stream AND public_seq >= :number"
_PARKED = "SELECT 1 FROM parked WHERE upstream = :of AND stream_id = :stream AND public_seq = :number"
_POISONED = "SELECT 1 FROM poison WHERE upstream = :of AND stream_id = :stream AND public_seq = :number"
_RELAYED = (
    "SELECT public.stream_id, public_seq FROM log JOIN public USING (position)"
    " WHERE log_index > :after AND log_index <= (SELECT log_index FROM cursor WHERE name = 'relay')"
    " AND stream_id NOT IN (SELECT stream_id FROM blocked)"
)
FOUNDED = "registers"
"""A read model that nothing in a world changes."""


def once(books: AllBooks) -> Iterator[str]:
    """What one cause leads to in a store is one save: its events are of one moment.

    A deadline is one cause until something else happens to whom it is of, which may set it to the same moment again.
    """
    told = {
        str(message_id(UUID(stream), number))
        for book in books.values()
        for stream, highest, _ in book.query(_SEALED_PUBLIC)
        for number in range(1, highest + 1)
    }
    for name, book in books.items():
        moments: defaultdict[str, dict[int, int]] = defaultdict(dict)
        attempts: defaultdict[str, set[str]] = defaultdict(set)
        meanwhile: Counter[str] = Counter()
        for position, recorded_at, correlation, causation, stream in book.query(_CAUSES):
            if causation.startswith("timer:"):  # the same deadline may run for many: the correlation is whose it is
                moments[f"{causation} of {correlation} after {meanwhile[correlation]}"][recorded_at] = position
                continue
            meanwhile[str(UUID(stream))] += 1
            moments[causation][recorded_at] = position
            if causation not in told:
                attempts[correlation].add(causation)
        for causation, places in moments.items():
            if len(places) > 1:
                yield f"{name}: {causation} had effects twice, at {list(places.values())}"
        for correlation, several in attempts.items():
            if len(several) > 1:
                where = [list(moments[each].values()) for each in several]
                yield f"{name}: the command {correlation} had effects under several attempts: {where}"


def kept(books: AllBooks, accepted: Accepted) -> Iterator[str]:
    """Every accepted command's events are where its answer said."""
    yield from accepted.contradictions
    correlations = {
        name: {position: correlation for position, _, correlation, *_ in book.query(_CAUSES)}
        for name, book in books.items()
    }
    for command in accepted.commands.values():
        found = command.position and correlations[command.service].get(command.position)
        if command.position and found != command.key:
            path = command.request.url.path
            yield f"{command.service}: {path} was accepted under {command.key} at {command.position}; there is {found}"


def set_aside(books: AllBooks) -> set[str]:
    """Streams that wait for a person, at whichever service: what others have of them waits with them."""
    return {stream for book in books.values() for (stream,) in book.query("SELECT stream_id FROM blocked")}


def arrived(books: AllBooks) -> Iterator[str]:
    """Every event that was told has been handled by everybody who takes its family; but for streams that wait for a
    person."""
    waiting = set_aside(books)
    for producer, book in books.items():
        families = families_of(producer)
        consumers = {family.name: family.consumers for family in FAMILIES if family.producer == producer}
        handled = {
            consumer: dict(
                books[consumer].query("SELECT stream_id, public_seq FROM inbox WHERE upstream = :of", of=producer)
            )
            for consumer in {each for several in consumers.values() for each in several}
        }
        for stream, highest, kind in book.query(_SEALED_PUBLIC):
            for consumer in consumers[families[kind]]:
                reached = handled[consumer].get(stream, 0)
                if reached != highest and stream not in waiting:
                    yield f"{consumer} has handled {reached} of {highest} of {producer}'s {stream}"


def differences_are_set_aside(books: AllBooks) -> Iterator[str]:
    """After a restore: where a consumer knows more or other than the store that came back, a person is asked."""
    asked = set_aside(books)
    for producer, book in books.items():
        told = {(stream, number): bytes(digest) for stream, number, digest in book.query(_HASHES)}
        for consumer, other in books.items():
            for stream, number, digest in other.query(_HANDLED, of=producer):
                if told.get((stream, number)) != bytes(digest) and stream not in asked:
                    yield f"{consumer} has handled {number} of {stream}, unknown to {producer}, and nobody asks"


def taken(book: Books, envelopes: Sequence[Envelope]) -> Iterator[str]:
    """What a consumer has acknowledged is handled, parked or set aside in its store."""
    for each in envelopes:
        place = {"of": each.producer, "stream": each.stream.hex, "number": each.public_seq}
        found = book.query(_INBOX, **place) or book.query(_PARKED, **place) or book.query(_POISONED, **place)
        if not found:
            yield f"{book.name} acknowledged {each.type} {each.public_seq} of {each.stream} and does not have it"


def published(book: Books, had: Collection[str]) -> Iterator[str]:
    """The relay's cursor passes nothing that the broker has never had."""
    for stream, number in book.query(_RELAYED, after=book.relayed):
        if str(message_id(UUID(stream), number)) not in had:
            yield f"{book.name}'s relay went past {number} of {stream}, which never reached the broker"
    book.relayed = max(book.relayed, reading.cursor_of(book.database, reading.RELAY))


def lists(books: AllBooks) -> Iterator[str]:
    """Read models say what the log says: made anew from event one, they are the same. For a world that stands still."""
    for name, book in books.items():
        projections = [each for each in book.projections if each.name != FOUNDED]
        shown = [_read(book, projection) for projection in projections]
        book.rebuild(projections)
        for projection, before in zip(projections, shown, strict=True):
            for old, new in zip(before, _read(book, projection), strict=True):
                if sorted(map(repr, old)) != sorted(map(repr, new)):
                    wrong = sorted(set(map(repr, old)) ^ set(map(repr, new)))[:2]
                    yield f"{name}: {projection.name} is not what the log says: {wrong}"


def _read(book: Books, projection: Projection) -> list[list[tuple[Any, ...]]]:
    """Its tables, with columns by name: where a migration added one, it stands at the end."""
    return [book.rows_of(table.name, ", ".join(table.columns.keys())) for table in projection.tables]


def chains(
    books: AllBooks, keyring: Database, public_key: dict[str, object], came_back: Collection[str] = ()
) -> Iterator[str]:
    """Every hash chain and every signed checkpoint verifies. The witness rightly knows more than a store that came back
    from a backup."""
    for name, book in books.items():
        for fault in verify(name, book.database, keyring, public_key).faults:
            if name not in came_back or "witness" not in fault:
                yield f"{name}: {fault}"
