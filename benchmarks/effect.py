"""From a commit in prescribe to its effect in review, against publishing one message, consuming it and inserting one
row; and how long the greenlets of both workers wait for their turn while prescriptions come in as fast as they can."""

from __future__ import annotations

import json
import signal
import statistics
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from amqp import Connection as Broker

from benchmarks import plain_consumer
from benchmarks.api import Prescribing
from benchmarks.installations import Installation, api, installation, process
from benchmarks.load_generator import Generator, generator
from benchmarks.measuring import Figure, percentile
from contracts.topology import EXCHANGE
from services.prescribe.application.signed_commands import issue_prescription
from services.prescribe.composition import SERVICE
from services.seedwork.messaging.publisher import BatchPublisher, Outgoing
from services.seedwork.model import derived_id
from services.seedwork.store.drivers import Driver
from services.seedwork.store.executor import Context, Work, perform
from services.seedwork.store.leader import WAKE_CHANNEL
from services.seedwork.store.opening import blocking_database, store_core
from services.seedwork.usecase import Actor
from tests.support import servers

COMMITS = 40
WARM_UP = 5
RATIO_MAX = 3.0
STALL_MS_MAX = 10.0
LOADED_REQUESTS = 400
LOADED_SECONDS = 10.0
EFFECT_SECONDS_MAX = 20.0
SERVICES = ("prescribe", "review")
NOTHING = "nothing"
"""As `benchmarks.watched_worker` calls it, which must not be imported here: it makes its process green."""


@dataclass
class Poller:
    """Waits until a row is there."""

    connection: psycopg.Connection[Any]
    query: str

    def seen_after(self, key: uuid.UUID, started: float) -> float:
        """Milliseconds from `started` until the row of this key is seen."""
        while not self.connection.execute(self.query, (key,), prepare=True).fetchall():
            if time.perf_counter() - started > EFFECT_SECONDS_MAX:
                raise RuntimeError(f"no effect within {EFFECT_SECONDS_MAX} s")
            time.sleep(0.0005)
        return (time.perf_counter() - started) * 1000


@contextmanager
def commits(installed: Installation, prescribing: Prescribing) -> Iterator[Callable[[], float]]:
    """Issues a prescription in prescribe's store; milliseconds from its commit to review's note of it."""
    settings = installed.settings
    database = blocking_database(settings.service_database_url("prescribe"), 1)
    keyring = blocking_database(settings.keyring_database_url, 1)
    core, driver = store_core(SERVICE, settings), Driver(database, keyring)
    database.open()
    keyring.open()
    with psycopg.connect(settings.service_database_url("review"), autocommit=True) as connection:
        poller = Poller(connection, "SELECT 1 FROM events WHERE stream_id = %s")

        def commit() -> float:
            draft, doctor = next(prescribing.drafts(1))
            context = Context(Actor(doctor.code, "prescriber", doctor.organisation), "bench", "bench")
            outcome = driver.run(perform(core, Work(issue_prescription(draft.jws), context)))
            started = time.perf_counter()
            database.notify(WAKE_CHANNEL)
            if outcome.refusal:
                raise RuntimeError(outcome.refusal.code)
            return poller.seen_after(derived_id("dossier", draft.prescription_id), started)

        yield commit
    database.close()
    keyring.close()


@contextmanager
def plainly(broker_url: str, environment: dict[str, str]) -> Iterator[Callable[[], float]]:
    """Publishes one message; milliseconds until its consumer's row is there."""
    with servers.database("rxflow_bench") as url, ExitStack() as running:
        connection = running.enter_context(psycopg.connect(url, autocommit=True))
        connection.execute(plain_consumer.TABLE)
        publisher = BatchPublisher(broker_url)
        running.callback(publisher.close)
        _declare(publisher, broker_url)
        running.enter_context(process(["-m", "benchmarks.plain_consumer", broker_url, url], environment))
        poller = Poller(connection, "SELECT 1 FROM plain WHERE id = %s")

        def publish() -> float:
            key = uuid.uuid4()
            started = time.perf_counter()
            publisher.publish([Outgoing("bench", str(key), b"x" * 1500)])
            return poller.seen_after(key, started)

        yield publish


def _declare(publisher: BatchPublisher, broker_url: str) -> None:
    """The queue of the plain consumer; publishing once first, because that declares the exchange."""
    publisher.publish([Outgoing("bench", str(uuid.uuid4()), b"{}")])
    parts = _broker_at(broker_url)
    with Broker(**parts) as connection:
        channel = connection.channel()
        channel.queue_declare(
            plain_consumer.QUEUE, durable=True, auto_delete=False, arguments={"x-queue-type": "quorum"}
        )
        channel.queue_bind(plain_consumer.QUEUE, EXCHANGE, "bench")


def _broker_at(url: str) -> dict[str, Any]:
    from kombu.utils.url import parse_url  # noqa: PLC0415

    parts = parse_url(url)
    return {
        "host": f"{parts['hostname']}:{parts['port'] or 5672}",
        "userid": parts["userid"],
        "password": parts["password"],
        "virtual_host": parts["virtual_host"],
    }


def effect_figure(commit: Callable[[], float], publish: Callable[[], float]) -> Figure:
    for _ in range(WARM_UP):
        commit()
        publish()
    pairs = [(commit(), publish()) for _ in range(COMMITS)]
    ours, plain = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    ratio = statistics.median(a / b for a, b in pairs)
    note = f"medians {statistics.median(ours):.1f} and {statistics.median(plain):.1f} ms"
    name = "commit to effect in the next service / publish, consume, insert"
    return Figure(name, ratio, RATIO_MAX, at_least=False, note=note)


def load_workers(port: int, sender: Generator, prescribing: Prescribing) -> float:
    """Issues as fast as the api takes it; how many per second."""
    issued, started = 0, time.perf_counter()
    while time.perf_counter() - started < LOADED_SECONDS:
        issued += sender.send(port, prescribing.issues(LOADED_REQUESTS)).statuses.get(201, 0)
    return issued / (time.perf_counter() - started)


def figures() -> Iterator[Figure]:
    with servers.virtual_host("rxflow_bench") as broker_url, ExitStack() as running:
        directory = Path(running.enter_context(tempfile.TemporaryDirectory()))
        installed = running.enter_context(installation(SERVICES, broker_url))
        with ExitStack() as watched:
            children = {
                name: watched.enter_context(
                    process(["-m", "benchmarks.watched_worker", str(directory / name), name], installed.environment)
                )
                for name in (*SERVICES, NOTHING)
            }
            port = watched.enter_context(api(installed, "prescribe")).port
            cast = watched.enter_context(installed.cast({"prescribe": port}))
            prescribing = Prescribing.on(cast)
            with commits(installed, prescribing) as commit, plainly(broker_url, installed.environment) as publish:
                yield effect_figure(commit, publish)
            sender = watched.enter_context(generator())
            for child in children.values():
                child.send_signal(signal.SIGUSR1)
            rate = load_workers(port, sender, prescribing)
        for name in (*SERVICES, NOTHING):
            late, busy = zip(*json.loads((directory / name).read_text()), strict=True)
            median = statistics.median(late)
            note = f"by the clock p99 {percentile(late, 0.99):.1f} ms, median {median:.2f} ms, {len(late)} turns"
            if name == NOTHING:
                yield Figure("the same watch where nothing else runs, p99", percentile(late, 0.99), unit="ms")
                continue
            title = f"hub stall in {name}'s worker by its own work, p99, {rate:.0f} prescriptions/s"
            yield Figure(title, percentile(busy, 0.99), STALL_MS_MAX, at_least=False, unit="ms", note=note)
