"""Settling: what it costs to adjudicate a supply beside saving what comes of it, and that it is no hot spot: what eight
who settle gain over one, and whether eight saves of settlements get into each other's way.

Those who write are processes, as an installation has them. The gain is measured while no commit waits for the disk:
where it does, bare inserts gain the more the slower it is, and whatever needs a processor, too, gains less, hot spot or
none. The saves do wait: what they would lock while they wait shows there.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from uuid import UUID, uuid4

import psycopg
from psycopg import sql

from benchmarks.installations import installation
from benchmarks.insured import FACTS, LINES, PAYERS, POLICY, PRODUCTS, Insurance, insurance
from benchmarks.measuring import Figure, Rates, interleaved, rate
from benchmarks.store import RAW, Bare, event
from benchmarks.writers import Works, writers
from services.insurance.composition import SERVICE
from services.insurance.domain.adjudication import Adjudication, BenefitStanding, adjudicate
from services.insurance.domain.catalogue import Listing
from services.seedwork.settings import Settings
from services.seedwork.store.batch import Batch
from services.seedwork.store.opening import libpq
from services.seedwork.store.roles import database_of

SECONDS = 0.3
WRITERS = 8
COMPUTE, INSERT, SETTLE, SAVE, SAVE_ALONE = "compute", "insert", "settle", "save", "save alone"
CLAIMS, CLAIMS_BESIDE = 1_400, 350
"""Prepared to be settled, by the process that also writes alone and by each of the others: more than two cores do in
all slices."""
ADJUDICATED_GATE, GAIN_GATE, SHARED_GATE = 1.0, 0.8, 0.8


def commits_wait(settings: Settings, *, wait: bool) -> None:
    """Whether commits of connections opened from now on wait for the disk."""
    value = "on" if wait else "off"
    for url in (settings.service_database_url(SERVICE.name), settings.keyring_database_url):
        with psycopg.connect(libpq(url), autocommit=True) as connection:
            name = sql.Identifier(database_of(url))
            connection.execute(sql.SQL("ALTER DATABASE {} SET synchronous_commit = {}").format(name, sql.SQL(value)))


def adjudicated() -> Adjudication:
    """Five lines, eight payers."""
    listings = {product: Listing(entry, f"catalogue/{product}") for product, entry in PRODUCTS.items()}
    standing = BenefitStanding(
        deductible_used=5_000,
        account_balance=FACTS.account_balance,
        assistance=FACTS.assistance,
        supplements=frozenset(FACTS.supplements),
    )
    return adjudicate(LINES, listings, POLICY, standing)


def adjudicated_figure(office: Insurance) -> Figure:
    """Of one thread: five lines adjudicated, against saving the claim that is quoted by them."""
    assert len(adjudicated().payers) == PAYERS

    def saved() -> float:
        waiting = [office.dispensed() for _ in range(40)]
        before = office.saving
        for dispensed in waiting:
            office.quote(dispensed)
        return len(waiting) / (office.saving - before)

    rates = interleaved({"save": saved, "adjudicate": lambda: rate(lambda _: adjudicated(), 1, SECONDS)})
    return Figure(
        f"adjudicating {len(LINES)} lines with {PAYERS} payers / saving the quoted claim",
        rates.ratio("save", "adjudicate"),
        ADJUDICATED_GATE,
        at_least=False,
        note=rates.note("save", "adjudicate"),
    )


def written(batch: Batch) -> set[UUID]:
    return {row.stream_id for row in (*batch.events, *batch.public, *batch.timers)}


def renamed(batch: Batch) -> Batch:
    """The same for streams that nobody has written to yet; what it only asserts stays."""
    names = {stream_id: uuid4() for stream_id in written(batch)}
    return replace(
        batch,
        events=[row._replace(stream_id=names[row.stream_id]) for row in batch.events],
        public=[row._replace(stream_id=names[row.stream_id]) for row in batch.public],
        timers=[row._replace(stream_id=names[row.stream_id]) for row in batch.timers],
        asserted={each: version for each, version in batch.asserted.items() if each not in names},
    )


@contextmanager
def settling(settings: Settings, claims: int) -> Iterator[Works]:
    """A process of insurance with so many claims of its own to settle: of different patients, of one pharmacy and one
    insurer."""
    url = libpq(settings.service_database_url(SERVICE.name))
    with insurance(settings) as office, Bare(url, 1) as bare:
        waiting = [office.cleared() for _ in range(claims)]
        one, other = (office.settled(office.cleared()) for _ in range(2))
        assert not written(one) & written(other), "settlements write to a stream that they share"
        assert renamed(one).asserted, "settlements read nothing that they share"
        (cursor,) = bare.cursors
        yield {
            COMPUTE: adjudicated,
            INSERT: lambda: cursor.execute(RAW, event(uuid4(), 1)._asdict(), prepare=True),
            SETTLE: lambda: office.settle(waiting.pop()),
            SAVE: lambda: office.save(renamed(one)),
            SAVE_ALONE: lambda: office.save(replace(renamed(one), asserted={})),
        }


def gain_figure(settings: Settings) -> Figure:
    """Gain: the rate of eight writers by that of one. Nothing gains more than its processors and its database allow:
    the less of what computing gains and of what bare inserts gain is what settling is compared with."""
    with writers(settling, [(settings, each) for each in (CLAIMS, *[CLAIMS_BESIDE] * (WRITERS - 1))]) as waiting:
        rates = interleaved(
            {
                f"{work} {count}": partial(waiting.rate, work, count, SECONDS)
                for count in (1, WRITERS)
                for work in (COMPUTE, INSERT, SETTLE)
            }
        )
    gained = {work: gains(rates, work) for work in (SETTLE, COMPUTE, INSERT)}
    seen = [f"{each} {rates.median(f'{each} 1'):.0f} to {rates.median(f'{each} {WRITERS}'):.0f}/s" for each in gained]
    allowed = min(statistics.median(gained[work]) for work in (COMPUTE, INSERT))
    return Figure(
        f"what {WRITERS} processes that settle gain / what computing or bare inserts gain",
        statistics.median(gained[SETTLE]) / allowed,
        GAIN_GATE,
        note=", ".join(seen),
    )


def gains(rates: Rates, work: str) -> Sequence[float]:
    """Slice by slice."""
    return [many / one for many, one in zip(rates.of[f"{work} {WRITERS}"], rates.of[f"{work} 1"], strict=True)]


def shared_figure(settings: Settings) -> Figure:
    """Eight that save settlements of one pharmacy and one insurer, beside eight whose saves share nothing."""
    with writers(settling, [(settings, 0)] * WRITERS) as waiting:
        rates = interleaved({work: partial(waiting.rate, work, WRITERS, SECONDS) for work in (SAVE, SAVE_ALONE)})
    return Figure(
        f"{WRITERS} processes that save settlements / that save such as share nothing",
        rates.ratio(SAVE, SAVE_ALONE),
        SHARED_GATE,
        note=rates.note(SAVE, SAVE_ALONE),
    )


def figures() -> Iterator[Figure]:
    with installation([SERVICE.name]) as made:
        settings = made.settings
        commits_wait(settings, wait=False)
        with insurance(settings) as office:
            office.load_registers()
            yield adjudicated_figure(office)
        yield gain_figure(settings)
        commits_wait(settings, wait=True)
        yield shared_figure(settings)
