"""The keyring: one key per patient and class, made once, kept wrapped, destroyed for good."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from cryptography.exceptions import InvalidTag

from services.seedwork.model import PersonalClass
from services.seedwork.store.drivers import Driver
from services.seedwork.store.errors import Unavailable
from services.seedwork.store.keyring import CACHE_SECONDS, Keyring, Reached
from services.seedwork.store.rendering import Prepared
from services.seedwork.store.requests import KeyringWrite
from services.seedwork.store.tables import key
from tests.support.store import MASTER_KEY, driving

IDENTITY, CLINICAL = PersonalClass.IDENTITY, PersonalClass.CLINICAL
NONCE = bytes(12)
FIRST = Reached(1, 1)


class Ring:
    """A process's view of the keyring; its clock stands until the test moves it."""

    def __init__(self, driver: Driver, *rights: PersonalClass, master: bytes = MASTER_KEY) -> None:
        self.driver = driver
        self.seconds = 0.0
        is_postgresql = driver.keyring.is_postgresql
        self.keyring = Keyring(master, frozenset(rights), is_postgresql=is_postgresql, monotonic=lambda: self.seconds)

    def key(self, patient: UUID, kind: PersonalClass = IDENTITY, *, create: bool = False) -> Any:
        return self.driver.run(self.keyring.fetch([(patient, kind)], create=create))[patient, kind]

    def destroy(self, *patients: UUID, reached: Reached = FIRST) -> None:
        self.driver.run(self.keyring.destroy(patients, "boxes", reached))

    def reached(self, store: str = "boxes") -> Reached:
        return self.driver.run(self.keyring.reached(store))


@pytest.fixture
def driver(url: str) -> Iterator[Driver]:
    with driving(url) as made:
        yield made


def same(one: Any, other: Any) -> bool:
    opened: bytes = other.decrypt(NONCE, one.encrypt(NONCE, b"name", b""), b"")
    return opened == b"name"


def rows_of(driver: Driver, patient: UUID) -> list[dict[str, Any]]:
    return Prepared(lambda _i: sa.select(key).where(key.c.patient_ref == patient)).read(driver.keyring)


def test_a_key_is_made_once_and_found_by_every_process(driver: Driver) -> None:
    patient = uuid4()
    made = Ring(driver, IDENTITY).key(patient, create=True)

    assert same(made, Ring(driver, IDENTITY).key(patient))
    assert same(made, Ring(driver, IDENTITY).key(patient, create=True))
    assert len(rows_of(driver, patient)) == 1


def test_each_class_has_a_key_of_its_own(driver: Driver) -> None:
    patient, ring = uuid4(), Ring(driver, IDENTITY, CLINICAL)
    identity, clinical = (ring.key(patient, kind, create=True) for kind in (IDENTITY, CLINICAL))

    with pytest.raises(InvalidTag):
        same(identity, clinical)


def test_no_key_is_made_by_reading(driver: Driver) -> None:
    patient = uuid4()

    assert Ring(driver, IDENTITY).key(patient) is None
    assert rows_of(driver, patient) == []


def test_two_processes_that_make_the_same_key_end_with_one(driver: Driver) -> None:
    patient = uuid4()
    slow, fast = Ring(driver, IDENTITY), Ring(driver, IDENTITY)
    steps = slow.keyring.fetch([(patient, IDENTITY)], create=True)
    request = next(steps)
    while not isinstance(request, KeyringWrite):
        request = steps.send(driver.keyring.rows(request.statement))
    made = fast.key(patient, create=True)  # first

    looking = steps.send(driver.keyring.write(request.statements))
    with pytest.raises(StopIteration) as stop:
        steps.send(driver.keyring.rows(looking.statement))

    assert same(made, stop.value.value[patient, IDENTITY])


def test_a_destroyed_key_is_gone_and_no_new_one_takes_its_place(driver: Driver) -> None:
    patient, ring = uuid4(), Ring(driver, IDENTITY)
    ring.key(patient, create=True)

    ring.destroy(patient)

    assert ring.key(patient) is None
    assert ring.key(patient, create=True) is None
    (tombstone,) = rows_of(driver, patient)
    assert (tombstone["state"], tombstone["wrapped_dek"]) == ("destroyed", None)


def test_no_key_is_made_later_for_a_class_the_patient_had_none_of(driver: Driver) -> None:
    patient, ring = uuid4(), Ring(driver, IDENTITY, CLINICAL)
    ring.key(patient, IDENTITY, create=True)

    ring.destroy(patient)

    assert ring.key(patient, CLINICAL, create=True) is None


def test_destroying_twice_is_harmless_and_others_keep_their_keys(driver: Driver) -> None:
    patient, other, ring = uuid4(), uuid4(), Ring(driver, IDENTITY)
    kept = ring.key(other, create=True)
    for _ in range(2):
        ring.destroy(patient)

    assert same(kept, Ring(driver, IDENTITY).key(other))


def test_how_far_a_log_is_applied_stands_beside_the_keys(driver: Driver) -> None:
    ring = Ring(driver, IDENTITY)
    assert ring.reached("nobody") == Reached(0, 0)

    ring.destroy(uuid4(), reached=Reached(1, 7))

    assert ring.reached() == Reached(1, 7)
    assert (ring.reached().within(1), ring.reached().within(2)) == (7, 0)


def test_a_keyring_that_is_behind_hands_out_nothing(driver: Driver) -> None:
    patient, ring = uuid4(), Ring(driver, IDENTITY)
    ring.key(patient, create=True)
    ring.keyring.is_behind = True

    with pytest.raises(Unavailable):
        ring.key(patient)


def test_other_processes_forget_a_destroyed_key_within_a_minute(driver: Driver) -> None:
    patient, ring, other = uuid4(), Ring(driver, IDENTITY), Ring(driver, IDENTITY)
    other.key(patient, create=True)
    ring.destroy(patient)

    other.seconds = CACHE_SECONDS - 1
    assert other.key(patient) is not None
    other.seconds = CACHE_SECONDS + 1
    assert other.key(patient) is None
    assert CACHE_SECONDS <= 60


def test_a_service_gets_no_key_of_a_class_it_has_no_right_to(driver: Driver) -> None:
    patient = uuid4()
    Ring(driver, CLINICAL).key(patient, CLINICAL, create=True)

    assert Ring(driver, IDENTITY).key(patient, CLINICAL) is None


def test_a_service_cannot_keep_what_it_has_no_right_to(driver: Driver) -> None:
    with pytest.raises(PermissionError, match="clinical"):
        Ring(driver, IDENTITY).key(uuid4(), CLINICAL, create=True)


def test_another_master_key_opens_nothing(driver: Driver) -> None:
    patient = uuid4()
    Ring(driver, IDENTITY).key(patient, create=True)

    with pytest.raises(InvalidTag):
        Ring(driver, IDENTITY, master=bytes(32)).key(patient)


def test_a_wrapped_key_cannot_be_given_to_another_patient(driver: Driver) -> None:
    patient, thief = uuid4(), uuid4()
    ring = Ring(driver, IDENTITY)
    ring.key(patient, create=True)
    ring.key(thief, create=True)
    stolen = rows_of(driver, patient)[0]["wrapped_dek"]
    swap = sa.update(key).values(wrapped_dek=stolen).where(key.c.patient_ref == thief)
    driver.keyring.write([Prepared(lambda _i: swap).bind(driver.keyring)])

    with pytest.raises(InvalidTag):
        Ring(driver, IDENTITY).key(thief)


def test_the_cache_holds_only_so_many_keys(driver: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.seedwork.store.keyring.CACHED_KEYS_MAX", 2)
    ring, patients = Ring(driver, IDENTITY), [uuid4() for _ in range(3)]
    for patient in patients:
        ring.key(patient, create=True)
    Ring(driver, IDENTITY).destroy(patients[0], patients[2])

    assert ring.key(patients[0]) is None, "no longer cached"
    assert ring.key(patients[2]) is not None, "still cached"


def test_what_is_cached_no_longer_is_held_no_longer(driver: Driver) -> None:
    ring, patients = Ring(driver, IDENTITY), [uuid4() for _ in range(3)]
    for patient in patients:
        ring.key(patient, create=True)
    ring.seconds = CACHE_SECONDS + 1

    ring.key(patients[0])

    assert list(ring.keyring._cache) == [(patients[0], IDENTITY)], "a key that nobody uses takes kilobytes"
