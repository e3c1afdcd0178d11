"""Settling: what it costs to adjudicate a supply beside saving what comes of it, and what eight settlements at a time
gain over one, beside bare inserts.

The gain is measured twice. Whole settlements, while no commit waits for the disk: where it does, bare inserts gain the
more the slower it is, and whatever needs a processor, too, gains less, hot spot or none. And their saves alone, which
do wait: what they would lock while they wait shows here.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from uuid import UUID, uuid4

import psycopg
from psycopg import sql

from benchmarks.installations import installation
from benchmarks.insured import FACTS, LINES, PAYERS, POLICY, PRODUCTS, WRITERS, Insurance, insurance
from benchmarks.measuring import Figure, Rates, interleaved, rate
from benchmarks.store import RAW, Bare, event
from services.insurance.composition import SERVICE
from services.insurance.domain.adjudication import BenefitStanding, adjudicate
from services.insurance.domain.catalogue import Listing
from services.seedwork.settings import Settings
from services.seedwork.store.batch import Batch
from services.seedwork.store.opening import libpq
from services.seedwork.store.roles import database_of

SECONDS = 0.2
CLAIMS = 2_600
"""Prepared to be settled: more than two cores do in all slices."""
ADJUDICATED_GATE, GAIN_GATE = 1.0, 0.8


def commits_wait(settings: Settings, *, wait: bool) -> None:
    """Whether commits of connections opened from now on wait for the disk."""
    value = "on" if wait else "off"
    for url in (settings.service_database_url(SERVICE.name), settings.keyring_database_url):
        with psycopg.connect(libpq(url), autocommit=True) as connection:
            name = sql.Identifier(database_of(url))
            connection.execute(sql.SQL("ALTER DATABASE {} SET synchronous_commit = {}").format(name, sql.SQL(value)))


def adjudicated_figure(office: Insurance) -> Figure:
    """Of one thread: five lines adjudicated, against saving the claim that is quoted by them."""
    listings = {product: Listing(entry, f"catalogue/{product}") for product, entry in PRODUCTS.items()}
    standing = BenefitStanding(
        deductible_used=5_000,
        account_balance=FACTS.account_balance,
        assistance=FACTS.assistance,
        supplements=frozenset(FACTS.supplements),
    )
    assert len(adjudicate(LINES, listings, POLICY, standing).payers) == PAYERS

    def saved() -> float:
        waiting = [office.dispensed() for _ in range(40)]
        before = office.saving
        for dispensed in waiting:
            office.quote(dispensed)
        return len(waiting) / (office.saving - before)

    rates = interleaved(
        {
            "save": saved,
            "adjudicate": lambda: rate(lambda _: adjudicate(LINES, listings, POLICY, standing), 1, SECONDS),
        }
    )
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


def gain_figure(name: str, settle: Callable[[], object], bare: Bare) -> Figure:
    """Claims of different patients of one pharmacy and insurer; gain: the rate of eight writers by that of one."""

    def insert(number: int) -> object:
        return bare.cursors[number].execute(RAW, event(uuid4(), 1)._asdict(), prepare=True)

    def settled(_number: int) -> object:
        return settle()

    rates = interleaved(
        {
            f"{what} {writers}": partial(rate, work, writers, SECONDS)
            for writers in (1, WRITERS)
            for what, work in (("insert", insert), ("settle", settled))
        }
    )
    gained = {what: gains(rates, what) for what in ("settle", "insert")}
    seen = [f"{each} {rates.median(f'{each} 1'):.0f} to {rates.median(f'{each} {WRITERS}'):.0f}/s" for each in gained]
    return Figure(
        f"what {WRITERS} {name} at a time gain / what bare inserts gain",
        statistics.median(a / b for a, b in zip(*gained.values(), strict=True)),
        GAIN_GATE,
        note=", ".join(seen),
    )


def gains(rates: Rates, what: str) -> Sequence[float]:
    """Slice by slice."""
    return [many / one for many, one in zip(rates.of[f"{what} {WRITERS}"], rates.of[f"{what} 1"], strict=True)]


def figures() -> Iterator[Figure]:
    with installation([SERVICE.name]) as made:
        settings = made.settings
        url = libpq(settings.service_database_url(SERVICE.name))
        commits_wait(settings, wait=False)
        with insurance(settings) as office, Bare(url, WRITERS) as bare:
            office.load_registers()
            yield adjudicated_figure(office)
            claims = [office.cleared() for _ in range(CLAIMS)]
            yield gain_figure("settlements", lambda: office.settle(claims.pop()), bare)
            one, other = (office.settled(office.cleared()) for _ in range(2))
            assert not written(one) & written(other), "settlements write to a stream that they share"
        commits_wait(settings, wait=True)
        with insurance(settings) as office, Bare(url, WRITERS) as bare:
            yield gain_figure("saves of settlements", lambda: office.save(renamed(one)), bare)
