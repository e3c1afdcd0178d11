"""Nothing accepted is lost and nothing happens twice: what the logs must say about every command and every event."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from uuid import UUID

from contracts.envelope import message_id
from contracts.topology import FAMILIES
from rxflow.simulation.accepted import Accepted
from rxflow.simulation.books import Books
from services.seedwork.families import families_of
from services.seedwork.store.checkpoints import verify
from services.seedwork.store.drivers import Database

_CAUSES = (
    "SELECT position, recorded_at, json_extract(CAST(state AS TEXT), '$.meta.correlation_id'),"
    " json_extract(CAST(state AS TEXT), '$.meta.causation_id') FROM events ORDER BY position"
)
_SEALED_PUBLIC = "SELECT stream_id, max(public_seq), type FROM public GROUP BY stream_id"
AllBooks = Mapping[str, Books]


def once(books: AllBooks) -> Iterator[str]:
    """What one cause leads to in a store is one save: its events are of one moment."""
    told = {
        str(message_id(UUID(stream), number))
        for book in books.values()
        for stream, highest, _ in book.query(_SEALED_PUBLIC)
        for number in range(1, highest + 1)
    }
    for name, book in books.items():
        moments: defaultdict[str, dict[int, int]] = defaultdict(dict)
        attempts: defaultdict[str, set[str]] = defaultdict(set)
        for position, recorded_at, correlation, causation in book.query(_CAUSES):
            if causation.startswith("timer:"):
                continue
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
        name: {position: correlation for position, _, correlation, _ in book.query(_CAUSES)}
        for name, book in books.items()
    }
    for command in accepted.commands.values():
        found = command.position and correlations[command.service].get(command.position)
        if command.position and found != command.key:
            path = command.request.url.path
            yield f"{command.service}: {path} was accepted under {command.key} at {command.position}; there is {found}"


def arrived(books: AllBooks, blocked: Collection[UUID] = ()) -> Iterator[str]:
    """Every event that was told has been handled by everybody who takes its family."""
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
                if reached != highest and UUID(stream) not in blocked:
                    yield f"{consumer} has handled {reached} of {highest} of {producer}'s {stream}"


def chains(books: AllBooks, keyring: Database, public_key: dict[str, object]) -> Iterator[str]:
    """Every hash chain and every signed checkpoint verifies."""
    for name, book in books.items():
        for fault in verify(name, book.database, keyring, public_key).faults:
            yield f"{name}: {fault}"
