"""The keyring: one data key per patient and class, wrapped by the master key, in a database of its own.

Destroying the keys forgets the patient in every event and kept answer, and keeps the chains provable. A new key is
committed before the first event that uses it; an orphan key is harmless.
"""

from __future__ import annotations

import os
import time
from collections import OrderedDict
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy.dialects import postgresql, sqlite

from services.seedwork.model import PersonalClass
from services.seedwork.store.batch import Statement
from services.seedwork.store.errors import Unavailable
from services.seedwork.store.rendering import render
from services.seedwork.store.requests import KeyringRows, KeyringWrite
from services.seedwork.store.sealing import NONCE_BYTES, KeyName
from services.seedwork.store.tables import forgetting
from services.seedwork.store.tables import key as key_table

CACHE_SECONDS = 60
CACHED_KEYS_MAX = 50_000
KEY_BYTES = 32
LIVE, DESTROYED = "live", "destroyed"

_SELECT = sa.select(key_table.c.wrapped_dek).where(
    key_table.c.patient_ref == sa.bindparam("patient_ref"), key_table.c.data_class == sa.bindparam("data_class")
)
_REACHED = sa.select(forgetting.c.epoch, forgetting.c.log_index).where(
    forgetting.c.store == sa.bindparam("store", type_=sa.Text)
)
_EMPTY_THE_WAL = Statement("PRAGMA wal_checkpoint(TRUNCATE)")
"""On SQLite a destroyed key would stand in the write-ahead log until that happens to be overwritten."""


@dataclass(frozen=True)
class Reached:
    """How much of a store's log of forgotten patients is applied to the keyring."""

    epoch: int = 0
    log_index: int = 0

    def within(self, epoch: int) -> int:
        """The log index; a store that was restored has another log, which is applied from its start."""
        return self.log_index if self.epoch == epoch else 0


class Keyring:
    """Keys by name, with a cache of at most 60 s, so that a destroyed key is dead within a minute everywhere."""

    def __init__(
        self,
        master_key: bytes,
        rights: frozenset[PersonalClass],
        *,
        is_postgresql: bool,
        monotonic: Callable[[], float] = time.monotonic,
        random_bytes: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self._master = AESGCM(master_key)
        self._kek = "master-1"
        self._rights = rights
        self._monotonic = monotonic
        self._random_bytes = random_bytes
        self._cache: OrderedDict[KeyName, tuple[float, AESGCM | None]] = OrderedDict()
        dialect: Any = postgresql if is_postgresql else sqlite
        self._select = render(_SELECT, is_postgresql=is_postgresql)
        self._insert = render(dialect.insert(key_table).on_conflict_do_nothing(), is_postgresql=is_postgresql)
        self._reached = render(_REACHED, is_postgresql=is_postgresql)
        self._is_postgresql = is_postgresql
        tombstone = dialect.insert(key_table)
        self._destroy = render(
            tombstone.on_conflict_do_update(
                index_elements=list(key_table.primary_key), set_={"wrapped_dek": None, "state": DESTROYED}
            ),
            is_postgresql=is_postgresql,
        )
        advance = dialect.insert(forgetting)
        self._advance = render(
            advance.on_conflict_do_update(
                index_elements=list(forgetting.primary_key),
                set_={"epoch": advance.excluded.epoch, "log_index": advance.excluded.log_index},
            ),
            is_postgresql=is_postgresql,
        )
        self.is_behind = False
        """It may hold keys that were destroyed once (it came out of a backup): no key is handed out meanwhile."""

    def fetch(
        self, names: Iterable[KeyName], *, create: bool = False
    ) -> Generator[KeyringRows | KeyringWrite, Any, dict[KeyName, AESGCM | None]]:
        """The keys of these names; None where a key is destroyed, absent or beyond this service's rights.

        Raises Unavailable while the keyring is behind.
        """
        if self.is_behind:
            raise Unavailable("the keyring waits for the keys of forgotten patients to be destroyed")
        keys: dict[KeyName, AESGCM | None] = {}
        for name in sorted(names):  # a set has another order in each process
            if not self.may(name):
                if create:  # it would be lost in silence
                    raise PermissionError(f"this service may not keep personal data of class {name[1]}")
                keys[name] = None
                continue
            cached = self._cached(name)
            if cached is not None:
                keys[name] = cached
                continue
            wrapped = yield from self._read(name)
            if wrapped is None and create:
                yield KeyringWrite((self._insert.bind(self.made(name)[0]),))
                wrapped = yield from self._read(name)  # somebody else's may have been first
            keys[name] = self._unwrap(name, wrapped)
            if keys[name] is not None:
                self._remember(name, keys[name])
        return keys

    def reached(self, store: str) -> Generator[KeyringRows, Any, Reached]:
        """Up to where a store's log of forgotten patients is applied."""
        rows = yield KeyringRows(self._reached.bind({"store": store}))
        return Reached(*map(int, rows[0])) if rows else Reached()

    def destroy(
        self, patients: Iterable[UUID], store: str, reached: Reached
    ) -> Generator[KeyringRows | KeyringWrite, Any, None]:
        """Forgets these patients as far as this service's rights go, in one transaction with how far its log is
        applied. The rows stay as tombstones, also of keys that never were: none is made later."""
        forgotten = sorted(set(patients))  # in one order everywhere, or two services could deadlock
        tombstones = [
            self._destroy.bind(self._tombstone((patient, kind)))
            for patient in forgotten
            for kind in sorted(self._rights)
        ]
        advance = self._advance.bind({"store": store, "epoch": reached.epoch, "log_index": reached.log_index})
        yield KeyringWrite((*tombstones, advance))
        for name in [name for name in self._cache if name[0] in forgotten]:
            del self._cache[name]
        if not self._is_postgresql:
            yield KeyringRows(_EMPTY_THE_WAL)

    def _read(self, name: KeyName) -> Generator[KeyringRows, Any, bytes | None]:
        rows = yield KeyringRows(self._select.bind({"patient_ref": name[0], "data_class": str(name[1])}))
        return rows[0][0] if rows else None

    def _cached(self, name: KeyName) -> AESGCM | None:
        entry = self._cache.get(name)
        if entry is None or entry[0] < self._monotonic():
            return None
        return entry[1]

    def _remember(self, name: KeyName, key: AESGCM | None) -> None:
        """In the order in which they expire, so that what has expired is let go: a worker that sees a new patient every
        second would otherwise hold kilobytes of each for hours."""
        now = self._monotonic()
        self._cache.pop(name, None)
        self._cache[name] = (now + CACHE_SECONDS, key)
        while len(self._cache) > CACHED_KEYS_MAX or next(iter(self._cache.values()))[0] < now:
            self._cache.popitem(last=False)

    def _tombstone(self, name: KeyName) -> dict[str, Any]:
        row = {"patient_ref": name[0], "data_class": str(name[1]), "wrapped_dek": None}
        return {**row, "kek": self._kek, "state": DESTROYED}

    def may(self, name: KeyName) -> bool:
        """Whether this service has a right to keys of the class."""
        return name[1] in self._rights

    def made(self, name: KeyName) -> tuple[dict[str, Any], AESGCM]:
        """A new key, and its row as it is to be kept; nothing is written."""
        nonce, key = self._random_bytes(NONCE_BYTES), self._random_bytes(KEY_BYTES)
        wrapped = nonce + self._master.encrypt(nonce, key, f"{name[0]}|{name[1]}".encode())
        row = {"patient_ref": name[0], "data_class": str(name[1]), "wrapped_dek": wrapped}
        return {**row, "kek": self._kek, "state": LIVE}, AESGCM(key)

    def _unwrap(self, name: KeyName, wrapped: bytes | None) -> AESGCM | None:
        if wrapped is None:
            return None
        data = self._master.decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], f"{name[0]}|{name[1]}".encode())
        return AESGCM(data)
