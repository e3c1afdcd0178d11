"""`rxflow verify`: whether a store is what it was, by its chains, its signed checkpoints and their witness."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
from rich.console import Console

from services.seedwork.identity import checkpoint_key
from services.seedwork.settings import Settings
from services.seedwork.store.checkpoints import verify
from services.seedwork.store.opening import blocking_database

FAULTS_SHOWN_MAX = 50


def verify_store(console: Console, settings: Settings, service: str, public_key: Path | None) -> int:
    """0: all holds; 1: something does not, each fault in a line."""
    jwk: dict[str, Any] = orjson.loads(public_key.read_bytes()) if public_key else checkpoint_key(settings)
    database = blocking_database(settings.service_database_url(service), 2)
    keyring = blocking_database(settings.keyring_database_url, 2)
    database.open()
    keyring.open()
    try:
        verdict = verify(service, database, keyring, jwk)
    finally:
        database.close()
        keyring.close()
    for fault in verdict.faults[:FAULTS_SHOWN_MAX]:
        console.print(fault, style="red", markup=False)
    console.print(
        f"{service}: {verdict.events} events in {verdict.streams} streams, {verdict.checkpoints} checkpoints,"
        f" {verdict.open_tail} events after the last one, {len(verdict.faults)} faults"
    )
    return 1 if verdict.faults else 0
