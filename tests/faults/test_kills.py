"""`kill -9` of everything that runs while a thousand prescriptions are issued and reviewed: each reaches its end, once.

One run per pair, with the deaths spread over it; the tests then look at what is left from one side each.
"""

from __future__ import annotations

import json
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest

from contracts.topology import POISON_QUEUE, UNROUTED_QUEUE
from services.seedwork.messaging import topology
from tests.faults.circulation import Circulation, circulation_in
from tests.faults.stores import Stores, stores_of
from tests.faults.systems import System, embedded_system, leader_of, real_system
from tests.integration.messaging.conftest import connect
from tests.support.private_servers import PrivateServer
from tests.support.waiting import eventually

pytestmark = [pytest.mark.xdist_group("faults"), pytest.mark.timeout(900)]

PRESCRIPTIONS = int(os.environ.get("RXFLOW_FAULTS_PRESCRIPTIONS", "1000"))
FIGURES = os.environ.get("RXFLOW_FAULTS_FIGURES")
"""A file to append a run's figures to."""
REST_SECONDS = 180.0

Death = Callable[[System], Callable[[], bool]]
"""Kills something; returns how to know that it is replaced."""


# -- deaths


def process(*names: str) -> Death:
    def die(system: System) -> Callable[[], bool]:
        dead = {name: system.kill(name) for name in names}
        return lambda: all(system.replaced(name, pid) for name, pid in dead.items())

    return die


def leader(service: str) -> Death:
    """The worker that leads the store now, whichever of the two that is."""

    def die(system: System) -> Callable[[], bool]:
        name = eventually(lambda: leader_of(system, service), within=120, describe=f"a leader of {service}")
        dead = system.kill(name)
        return lambda: system.replaced(name, dead) and leader_of(system, service) is not None

    return die


def server(kind: str) -> Death:
    """Dies like in a power failure and is started again at once."""

    def die(system: System) -> Callable[[], bool]:
        running: PrivateServer = getattr(system, kind)
        running.kill()
        running.start()  # type: ignore[attr-defined]
        return lambda: True

    return die


DEATHS: dict[str, Sequence[tuple[str, Death]]] = {
    "embedded": (
        ("api", process("api")),
        ("leading worker, and the broker in it", leader("prescribe")),
        ("api and worker", process("api", "worker")),
        ("worker again", process("worker")),
    ),
    "real": (
        ("api of prescribe", process("prescribe-api")),
        ("leading worker of review", leader("review")),
        ("broker", server("rabbit")),
        ("api of review, worker of dispatch", process("review-api", "dispatch-worker")),
        ("database", server("postgres")),
        ("leading worker of prescribe", leader("prescribe")),
    ),
}


@dataclass
class Run:
    """A run that has come to rest, and how it went."""

    system: System
    circulation: Circulation
    stores: Stores
    figures: dict[str, object] = field(default_factory=dict)
    mid_way: list[bool] = field(default_factory=list)
    """Of each death: whether there was still work to do."""


def let_die(run: Run, deaths: Sequence[tuple[str, Death]]) -> None:
    """One after another, spread evenly over the work."""
    circulation, recoveries = run.circulation, {}
    for number, (name, die) in enumerate(deaths, start=1):
        due = PRESCRIPTIONS * number // (len(deaths) + 2)
        eventually(lambda due=due: circulation.decided >= due, within=400, describe=f"{due} decided")  # type: ignore[misc]
        begun = time.monotonic()
        replaced = die(run.system)
        run.mid_way.append(circulation.decided < PRESCRIPTIONS)
        if number == len(deaths):
            circulation.reserve_freed.set()
        eventually(lambda replaced=replaced: replaced() and run.system.ready(), within=180, describe=f"{name} is back")  # type: ignore[misc]
        recoveries[name] = round(time.monotonic() - begun, 1)
    run.figures["seconds until all were ready again"] = recoveries


def live_through(run: Run, deaths: Sequence[tuple[str, Death]]) -> None:
    begun = time.monotonic()
    with ThreadPoolExecutor(1, "deaths") as pool:
        run.circulation.reserved_from = PRESCRIPTIONS * 9 // 10
        dying = pool.submit(let_die, run, deaths)
        dying.add_done_callback(lambda _: run.circulation.reserve_freed.set())  # also when a death failed
        try:
            run.circulation.issue_and_review(PRESCRIPTIONS)
        except AssertionError:
            if dying.done():
                dying.result()  # what was not replaced says more than that it did not answer
            raise
        decided = time.monotonic()
        dying.result()
    rested = partial(lambda stores: not stores.unrest(), run.stores)
    try:
        eventually(rested, within=REST_SECONDS)
    except AssertionError:
        raise AssertionError(f"not at rest: {run.stores.unrest()}") from None
    run.figures["seconds until all were decided"] = round(decided - begun, 1)
    run.figures["seconds from then to rest"] = round(time.monotonic() - decided, 1)
    run.figures["repeats of the callers"] = run.circulation.tally.repeats


@contextmanager
def lived_through(starting: AbstractContextManager[System], pair: str) -> Iterator[Run]:
    started = time.monotonic()
    with starting as system, stores_of(system.settings) as stores:
        run = Run(system, circulation_in(system.installation), stores)
        eventually(lambda: not stores.unrest(), within=150, describe="the registers have arrived")
        run.figures["seconds until ready and loaded"] = round(time.monotonic() - started, 1)
        live_through(run, DEATHS[pair])
        if FIGURES:
            with Path(FIGURES).open("a") as out:
                out.write(json.dumps({pair: run.figures}, ensure_ascii=False) + "\n")
        yield run


@pytest.fixture(scope="module", params=["embedded", pytest.param("real", marks=pytest.mark.servers)])
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    directory = tmp_path_factory.mktemp(request.param)
    if request.param == "embedded":
        starting = embedded_system(directory)
    else:
        servers = request.getfixturevalue("running_servers")
        servers.prepare()
        starting = real_system(directory, servers, standbys=("prescribe", "review"))
    with lived_through(starting, request.param) as lived:
        yield lived


# -- what is left


def test_every_death_came_while_there_was_work(run: Run) -> None:
    assert all(run.mid_way)
    assert len(run.circulation.issued) == len(set(run.circulation.issued)) == PRESCRIPTIONS


def test_every_prescription_reaches_the_end_that_was_decided(run: Run) -> None:
    circulation = run.circulation

    ended = Counter(circulation.statuses())

    assert ended == Counter(
        [(each, "released") for each in circulation.passed] + [(each, "refused") for each in circulation.refused]
    )
    assert len(circulation.refused) > PRESCRIPTIONS // 20


def test_nobody_sees_an_effect_twice(run: Run) -> None:
    traces = run.circulation.traces()

    released = {"review.case_passed.v1": 1, "dispatch.fulfilment_opened.v1": 1}
    refused = {"review.case_refused.v1": 1}
    for prescription_id, types in traces.items():
        assert max(Counter(types).values()) == 1, (prescription_id, types)
        expected = refused if prescription_id in run.circulation.refused else released
        assert expected.items() <= Counter(types).items(), (prescription_id, types)


def test_no_effect_is_twice_in_the_stores(run: Run) -> None:
    passed, refused = len(run.circulation.passed), len(run.circulation.refused)

    topics = run.stores.topics()

    assert {
        topic: topics[topic]
        for topic in (
            "prescribe.prescription.prescription_issued",
            "review.case.opened",
            "review.case.taken",
            "review.case.passed",
            "review.case.refused",
            "prescribe.prescription.prescription_released",
            "prescribe.prescription.prescription_refused",
            "prescribe.prescription.instalment_opened",
            "dispatch.fulfilment.fulfilment_opened",
        )
    } == {
        "prescribe.prescription.prescription_issued": PRESCRIPTIONS,
        "review.case.opened": PRESCRIPTIONS,
        "review.case.taken": PRESCRIPTIONS,
        "review.case.passed": passed,
        "review.case.refused": refused,
        "prescribe.prescription.prescription_released": passed,
        "prescribe.prescription.prescription_refused": refused,
        "prescribe.prescription.instalment_opened": passed,
        "dispatch.fulfilment.fulfilment_opened": passed,
    }


def test_every_hash_chain_holds_and_every_log_is_whole(run: Run) -> None:
    assert run.stores.broken_chains() == []
    assert run.stores.faulty_logs() == []


def test_every_inbox_stands_where_its_upstream_ended(run: Run) -> None:
    for consumer in run.stores.databases:
        told = run.stores.told_to(consumer)
        handled = run.stores.handled_by(consumer)
        assert {place: handled.get(place) for place in told} == told
        assert handled.keys() <= told.keys()


def test_nothing_is_parked_poisoned_or_blocked(run: Run) -> None:
    assert run.stores.aside() == {}
    if run.system.rabbit is not None:
        with connect(run.system.rabbit.url) as connection:
            depths = [topology.depth(connection.channel(), queue) for queue in (POISON_QUEUE, UNROUTED_QUEUE)]
        assert depths == [0, 0]
