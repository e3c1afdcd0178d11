"""Retail with a province's worth of stored prescriptions: what the nearest pharmacies cost beside one look-up, and a
hold among a hundred thousand prescriptions beside one among a thousand."""

from __future__ import annotations

import os
import random
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID, uuid4

import psycopg
from psycopg import sql

from benchmarks.installations import installation
from benchmarks.measuring import Figure, Rates, interleaved
from contracts.events.prescribe import InstalmentOpened
from contracts.values import LineQuantity
from rxflow.seeding.offices import Offices
from rxflow.seeding.running import Amounts, seed
from rxflow.world import World
from services.dispatch.application.holds import HoldRequest, hold_quantity
from services.dispatch.application.offers import nearest
from services.dispatch.application.reactions import open_instalment
from services.dispatch.composition import SERVICE
from services.dispatch.domain import secrets
from services.dispatch.domain.fulfilment.aggregate import FULFILMENTS
from services.dispatch.domain.fulfilment.commands import WantedLine
from services.dispatch.domain.fulfilment.state import FulfilmentState
from services.dispatch.domain.policy import POLICIES
from services.dispatch.domain.prescription_content import CONTENTS, ContentStored, content_id
from services.dispatch.domain.values import Way
from services.seedwork.calendar import civil_day
from services.seedwork.clock import from_micros
from services.seedwork.settings import KEYRING, Settings
from services.seedwork.store.batch import Statement, Wanted
from services.seedwork.store.drivers import Driver
from services.seedwork.store.executor import Context, StoreCore, Work, find, load, perform
from services.seedwork.store.migrating import SERVICES
from services.seedwork.store.opening import blocking_database, libpq, store_core
from services.seedwork.store.roles import database_of
from services.seedwork.usecase import Actor, Decision, UseCase
from tests.support import servers

FEW = 1_000
MANY = int(os.environ.get("RXFLOW_BENCH_PRESCRIPTIONS", "100000"))
PHARMACIES = 2_000
MODELS = 100
"""Prescriptions that went their whole way through the services; the others are like them."""
PIECE = 400
"""Prescriptions written by one COPY."""
SLICES = 9
HOLDS = 80
"""In one slice: ten of them are fewer than there are prescriptions."""
SECONDS = 0.4
NEAREST_GATE, HOLD_GATE = 10.0, 1.3
_STOCKED = "SELECT product, pharmacy FROM stock_levels"
_OPEN = "SELECT fulfilment_id, prescription_id FROM fulfilments ORDER BY fulfilment_id LIMIT 2000"


@dataclass
class Retail:
    """Dispatch's store of one filled installation, as a process of dispatch works on it."""

    world: World
    core: StoreCore
    driver: Driver
    fulfilments: list[FulfilmentState]
    prescriptions: list[UUID]
    stocked: dict[str, frozenset[str]]
    """Product -> pharmacies."""
    held: int = 0

    def rows(self, query: str, **parameters: Any) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self.driver.run(find(self.core, query, parameters))
        return rows

    def look_up(self, chance: random.Random) -> None:
        """One row of a hundred thousand, by an index."""
        assert self.rows("fulfilments_of_prescription", prescription_id=chance.choice(self.prescriptions))

    def nearest(self, chance: random.Random) -> int:
        """As for a hold that ends in one of the pharmacies: those around it that have all lines; how many."""
        store = chance.choice(self.world.stores)
        wanted = {row.content.drug_key: row.content.quantity for row in chance.choice(self.both).lines.values()}
        asking = nearest(store.pharmacy, store.code, wanted, self.today, self.policy)
        try:
            wish = next(asking)
            while True:
                wish = asking.send(self.rows(wish.query, **wish.parameters))
        except StopIteration as stop:
            return len(stop.value)

    def hold(self, chance: random.Random) -> None:
        """The next prescription, whole, in a pharmacy that has everything."""
        state = self.fulfilments[self.held]
        self.held += 1
        products = [row.content.product for row in state.lines.values()]
        code = chance.choice(sorted(frozenset.intersection(*(self.stocked[product] for product in products))))
        pharmacist = self.world.store[code].pharmacist
        actor = Actor(pharmacist.code, "pharmacist", code, region=pharmacist.region)
        request = HoldRequest(
            fulfilment_id=state.fulfilment_id,
            pharmacy=code,
            pharmacist=pharmacist.code,
            token=secrets.patient_token(self.key, state.fulfilment_id, state.token_issue),
            way=Way.COUNTER,
            lines=tuple(WantedLine(line=number, quantity=row.buckets.remaining) for number, row in state.lines.items()),
        )
        use_case = hold_quantity(request, actor, self.key, self.key)
        outcome = self.driver.run(perform(self.core, Work(use_case, Context(actor, "bench", "bench"))))
        assert outcome.refusal is None, outcome.refusal

    def holds(self, chance: random.Random) -> float:
        """The rate of so many, one after the other."""
        started = time.perf_counter()
        for _ in range(HOLDS):
            self.hold(chance)
        return HOLDS / (time.perf_counter() - started)

    @property
    def key(self) -> bytes:
        return b"a key of the benchmarks"

    def __post_init__(self) -> None:
        now = from_micros(self.driver.database.load(Wanted()).now)
        self.today = civil_day(now)
        self.policy = POLICIES.on(self.today, self.core.jurisdiction)
        self.both = [state for state in self.fulfilments if len(state.lines) > 1]


def multiply(settings: Settings, count: int) -> None:
    """So many more prescriptions in dispatch alone: contents like those that stand there, for new patients, opened by
    dispatch's own reaction. The other services know nothing of them, and are not asked."""
    offices = Offices(settings)
    with offices.open():
        dispatch = offices[SERVICE.name]
        known = dispatch.database.rows(Statement(_OPEN))
        models = [state.content for state in dispatch.states([CONTENTS.ref(content_id(each)) for _, each in known])]
        for first in range(0, count, PIECE):
            patient_refs = [uuid4() for _ in range(PIECE)]
            contents = [
                models[number % len(models)].model_copy(
                    update={"prescription_id": uuid4(), "patient_ref": patient_refs[number // 4 % PIECE]}
                )
                for number in range(first, min(count, first + PIECE))
            ]
            dispatch.command((_stored(content), Actor.service(SERVICE.name)) for content in contents)
            opened = (open_instalment(_opened(content)) for content in contents)
            dispatch.command((each, Actor.service(SERVICE.name)) for each in opened)
            offices.keys.write_out()
            dispatch.write_out()
    for url in (settings.service_database_url(SERVICE.name), settings.keyring_database_url):
        with psycopg.connect(libpq(url), autocommit=True) as connection:
            connection.execute("ANALYZE")


def _stored(content: ContentStored) -> UseCase:
    ref = CONTENTS.ref(content_id(content.prescription_id))
    return UseCase((ref,), lambda _moment, known: Decision.on(known, [content]))


def _opened(content: ContentStored) -> InstalmentOpened:
    return InstalmentOpened(
        prescription_id=content.prescription_id,
        patient_ref=content.patient_ref,
        instalment=1,
        of=1,
        opens_at=datetime.now(UTC),
        closes_at=content.valid_until,
        lines=tuple(LineQuantity(line=row.line, quantity=row.quantity) for row in content.lines),
    )


@contextmanager
def twin(settings: Settings) -> Iterator[Settings]:
    """A copy of dispatch's store and of the keyring as they are now, dropped afterwards."""
    parts = urlsplit(settings.database_url)
    other = settings.model_copy(update={"database_url": urlunsplit(parts._replace(path=f"{parts.path}_twin"))})
    with psycopg.connect(servers.DATABASE_URL, autocommit=True) as connection, ExitStack() as made:
        for name in (SERVICE.name, KEYRING):
            old, new = (sql.Identifier(database_of(each.service_database_url(name))) for each in (settings, other))
            connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(new, old))
            made.callback(connection.execute, sql.SQL("DROP DATABASE {} WITH (FORCE)").format(new))
        yield other


@contextmanager
def worked_on(settings: Settings, world: World) -> Iterator[Retail]:
    """As a process of dispatch works on it."""
    core = store_core(SERVICE, settings)
    urls = (settings.service_database_url(SERVICE.name), settings.keyring_database_url)
    with ExitStack() as running:
        database, keyring = (blocking_database(url, 1) for url in urls)
        for each in (database, keyring):
            each.open()
            running.callback(each.close)
        driver = Driver(database, keyring)
        stocked = defaultdict(set)
        for product, pharmacy in database.rows(Statement(_STOCKED)):
            stocked[product].add(pharmacy)
        known = database.rows(Statement(_OPEN))
        refs = [FULFILMENTS.ref(fulfilment_id) for fulfilment_id, _ in known]
        states = [each.state for n in range(0, len(refs), 50) for each in driver.run(load(core, refs[n : n + 50]))]
        by_product = {product: frozenset(codes) for product, codes in stocked.items()}
        yield Retail(world, core, driver, states, [each for _, each in known], by_product)


def rate(work: Callable[[random.Random], object], chance: random.Random) -> float:
    """How often in a second, for a slice's time."""
    count, started = 0, time.perf_counter()
    while time.perf_counter() - started < SECONDS:
        work(chance)
        count += 1
    return count / (time.perf_counter() - started)


def nearest_figure(many: Retail, chance: random.Random) -> Figure:
    slices = {"look-up": lambda: rate(many.look_up, chance), "nearest": lambda: rate(many.nearest, chance)}
    rates = interleaved(slices, SLICES)
    found = sum(many.nearest(chance) for _ in range(100)) / 100
    return Figure(
        f"nearest of {PHARMACIES} pharmacies with both lines / one indexed look-up, {MANY} prescriptions stored",
        rates.ratio("look-up", "nearest"),
        NEAREST_GATE,
        at_least=False,
        note=f"{rates.note('look-up', 'nearest')}, {found:.1f} found",
    )


def hold_figure(few: Retail, many: Retail, chance: random.Random) -> Figure:
    rates: Rates = interleaved({"few": lambda: few.holds(chance), "many": lambda: many.holds(chance)}, SLICES)
    return Figure(
        f"a hold with {MANY} prescriptions stored / with {FEW}",
        rates.ratio("few", "many"),
        HOLD_GATE,
        at_least=False,
        note=rates.note("few", "many"),
    )


def figures() -> Iterator[Figure]:
    chance = random.Random(5)
    with ExitStack() as running:
        settings = running.enter_context(installation(list(SERVICES))).settings
        world = seed(settings, Amounts(prescriptions=MODELS, pharmacies=PHARMACIES))
        multiply(settings, FEW - MODELS)
        fewer = running.enter_context(twin(settings))
        multiply(settings, MANY - FEW)
        many = running.enter_context(worked_on(settings, world))
        yield nearest_figure(many, chance)
        yield hold_figure(running.enter_context(worked_on(fewer, world)), many, chance)
