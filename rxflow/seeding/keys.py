"""Data keys of the patients who are being registered: made here, written by COPY before the first event under them."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from dataclasses import dataclass, field
from typing import Any

import psycopg
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from rxflow.seeding.copying import put
from services.seedwork.store.keyring import Keyring
from services.seedwork.store.requests import KeyringRows, KeyringWrite
from services.seedwork.store.sealing import KeyName
from services.seedwork.store.tables import key as key_table


@dataclass
class NewKeys:
    """The keys that all five services share, until they are written."""

    url: str
    ciphers: dict[KeyName, AESGCM] = field(default_factory=dict)
    rows: list[dict[str, Any]] = field(default_factory=list)

    def write_out(self) -> None:
        """Forgets them here as well: nothing is said of these patients any more."""
        if self.rows:
            columns = [column.name for column in key_table.c]
            with psycopg.connect(self.url) as connection, connection.cursor() as cursor:
                put(cursor, key_table, columns, ([row[name] for name in columns] for row in self.rows))
        self.ciphers.clear()
        self.rows.clear()


class GatheringKeyring(Keyring):
    """One service's keyring over the keys that are not written yet; its rights are its own."""

    shared: NewKeys

    def fetch(
        self, names: Iterable[KeyName], *, create: bool = False
    ) -> Generator[KeyringRows | KeyringWrite, Any, dict[KeyName, AESGCM | None]]:
        keys: dict[KeyName, AESGCM | None] = {}
        for name in sorted(names):
            if name in self.shared.ciphers and self.may(name):
                keys[name] = self.shared.ciphers[name]
            elif create and self.may(name):
                row, cipher = self.made(name)
                self.shared.rows.append(row)
                keys[name] = self.shared.ciphers[name] = cipher
            else:
                keys |= yield from super().fetch((name,), create=create)
        return keys
