"""What follows from a patient being forgotten, on both databases: whatever dies in between, no key is left."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa

from services.seedwork.failures import AnswerForgotten
from services.seedwork.forgetting import _FORGOTTEN, PENDING, Forgetting, caught_up
from services.seedwork.forgotten import FORGOTTEN, PatientForgotten
from services.seedwork.forgotten_copies import keep_forgotten
from services.seedwork.store.batch import Statement
from services.seedwork.store.drivers import Driver
from services.seedwork.store.executor import StoreCore, load, perform
from services.seedwork.store.rendering import Prepared
from services.seedwork.store.sealer import seal
from services.seedwork.store.tables import forgetting, idempotency, key, meta
from tests.support.store import BOX, BOXES, core_of, driving, new_key, open_box, work

WITH_FORGOTTEN = replace(BOXES, aggregates=(*BOXES.aggregates, FORGOTTEN))


class Process:
    """A service's process with caches of its own."""

    def __init__(self, url: str, driver: Driver) -> None:
        self.core: StoreCore = core_of(url, WITH_FORGOTTEN)
        self.driver = driver
        self.forgetting = Forgetting(self.core, driver)

    def open(self, patient: UUID, key: str | None = None) -> UUID:
        box = uuid4()
        self.driver.run(perform(self.core, work(open_box(box, patient=patient), key)))
        return box

    def owner(self, box: UUID) -> str | None:
        (loaded,) = self.driver.run(load(self.core, [BOX.ref(box)]))
        return loaded.state.owner  # type: ignore[no-any-return]

    def hear(self, patient: UUID) -> None:
        """The owner of patients' records tells that this one is forgotten, and it is sealed."""
        self.driver.run(perform(self.core, work(keep_forgotten(PatientForgotten(patient_ref=patient), None))))
        while seal(self.driver.database):
            pass

    def keys(self, patient: UUID) -> list[bytes]:
        found = Prepared(lambda _i: sa.select(key.c.wrapped_dek).where(key.c.patient_ref == patient))
        return [row["wrapped_dek"] for row in found.read(self.driver.keyring) if row["wrapped_dek"]]

    def pending(self) -> int | None:
        reached = self.driver.run(self.core.keyring.reached("boxes"))
        since: int | None = PENDING.read(self.driver.database, after=reached.within(1))[0]["since"]
        return since


class Dying:
    """A keyring of a process that dies when it has written so often and writes again."""

    def __init__(self, keyring: Any, writes: int) -> None:
        self._keyring = keyring
        self._left = writes

    def write(self, statements: Any) -> Any:
        if not self._left:
            raise KeyboardInterrupt
        self._left -= 1
        return self._keyring.write(statements)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._keyring, name)


@pytest.fixture
def driver(own_url: str) -> Iterator[Driver]:
    with driving(own_url) as made:
        yield made


@pytest.fixture
def process(own_url: str, driver: Driver) -> Process:
    return Process(own_url, driver)


def test_the_keys_are_destroyed_once_the_event_is_sealed(own_url: str, driver: Driver, process: Process) -> None:
    patient, other = uuid4(), uuid4()
    box, others = process.open(patient), process.open(other)
    assert process.forgetting.step() is False

    process.hear(patient)
    process.hear(patient)  # told twice
    assert process.keys(patient) != []
    process.forgetting.step()

    assert process.keys(patient) == []
    fresh = Process(own_url, driver)
    assert (fresh.owner(box), fresh.owner(others)) == (None, "李雷")
    assert fresh.owner(fresh.open(patient)) is None, "nothing personal can be kept of them any more"


@pytest.mark.parametrize("writes", [0, 1, 2])
def test_a_crash_between_the_event_and_the_destruction_leaves_no_key(
    own_url: str, process: Process, writes: int
) -> None:
    patient = uuid4()
    process.open(patient)
    process.hear(patient)
    with driving(own_url) as dying, suppress(KeyboardInterrupt):
        dying.keyring = Dying(dying.keyring, writes)
        Process(own_url, dying).forgetting.step()
    assert bool(process.keys(patient)) == (writes == 0), "one write is all of it"

    process.forgetting.step()  # whoever leads next

    assert process.keys(patient) == []


def test_more_than_a_batch_is_destroyed_in_steps(process: Process, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.seedwork.forgetting.BATCH", 2)
    patients = [uuid4() for _ in range(3)]
    for patient in patients:
        process.open(patient)
        process.hear(patient)

    assert process.forgetting.step() is True
    assert [bool(process.keys(patient)) for patient in patients] == [False, False, True]
    assert process.forgetting.step() is False
    assert process.keys(patients[2]) == []


def test_the_few_tombstones_are_found_without_reading_the_log(driver: Driver) -> None:
    if driver.database.is_postgresql:
        return  # it may well read a log this short
    for query, parameters in ((_FORGOTTEN, {"after": 1, "batch": 1}), (PENDING, {"after": 1})):
        asked = query.bind(driver.database, **parameters)
        steps = driver.database.rows(Statement(f"EXPLAIN QUERY PLAN {asked.text}", asked.parameters))
        reads = [step[3] for step in steps if "events" in step[3] or "log" in step[3]]
        assert "events_forgetting" in reads[0]
        assert "position=?" in reads[1]


def test_a_restored_keyring_gets_its_tombstones_again(own_url: str, driver: Driver, process: Process) -> None:
    # given: a backup of the keyring, taken while both were known
    patient, other = uuid4(), uuid4()
    process.open(patient)
    process.open(other)
    backup = Prepared(lambda _i: sa.select(key)).read(driver.keyring)
    for forgotten in (patient, other):
        process.hear(forgotten)
    process.forgetting.step()
    assert process.pending() is None

    # when: it is put back, with the position it had then: none
    for statement in (sa.delete(key), sa.delete(forgetting)):
        driver.keyring.write([Prepared(lambda _i, it=statement: it).bind(driver.keyring)])
    for row in backup:
        driver.keyring.write([Prepared(lambda insert: insert(key)).bind(driver.keyring, **row)])
    assert process.keys(patient) != []

    # then: it is seen to be behind, until the log is applied again
    since = process.pending()
    assert since is not None
    assert not caught_up(since, since + 6_000_000).ok
    assert caught_up(since, since + 4_000_000).ok
    Process(own_url, driver).forgetting.step()
    assert process.keys(patient) == process.keys(other) == []
    assert caught_up(process.pending(), since).ok


def test_a_restored_store_applies_its_log_from_the_start(process: Process) -> None:
    """Its log goes on under numbers that were used before."""
    lost, patient = uuid4(), uuid4()
    process.open(patient)
    process.hear(patient)
    reached = process.driver.run(process.core.keyring.reached("boxes"))
    ahead = replace(reached, epoch=1, log_index=10**6)  # before the restore the log was longer
    process.driver.run(process.core.keyring.destroy([lost], "boxes", ahead))
    epoch = Prepared(lambda insert: insert(meta)).bind(process.driver.database, name="store_epoch", value=2)
    process.driver.database.write([epoch])

    process.forgetting.step()

    assert process.keys(patient) == []


def test_an_answer_about_a_forgotten_patient_cannot_be_given_again(
    own_url: str, driver: Driver, process: Process
) -> None:
    patient, about_nobody, about_patient = uuid4(), new_key(), new_key()
    box = uuid4()
    opening = work(open_box(box, patient=patient), about_patient)
    process.driver.run(perform(process.core, opening))
    process.driver.run(perform(process.core, work(open_box(uuid4(), owner=None), about_nobody)))
    assert process.driver.run(perform(process.core, opening)).replayed

    process.hear(patient)
    process.forgetting.step()

    fresh = Process(own_url, driver)
    with pytest.raises(AnswerForgotten):
        fresh.driver.run(perform(fresh.core, opening))
    (kept,) = Prepared(lambda _i: sa.select(idempotency.c.answer).where(idempotency.c.key == about_patient)).read(
        driver.database
    )
    service_key = fresh.core._answers
    plain = service_key.decrypt(
        kept["answer"][:12], bytes(kept["answer"][12:]), f"nurse|POST /boxes|{about_patient}".encode()
    )
    assert str(box).encode() not in plain
    again = work(open_box(uuid4(), owner=None), about_nobody)
    assert fresh.driver.run(perform(fresh.core, again)).replayed
