"""An installation whose registers are loaded, once for all seeds: the same, to the byte, whoever founds it."""

from __future__ import annotations

import base64
import random
from pathlib import Path

from rxflow.simulation.mishaps import EVERY
from rxflow.simulation.processes import in_greenlet
from rxflow.simulation.rest import at_rest
from rxflow.simulation.watching import Violated
from rxflow.simulation.world import FOUNDED_AT, REST_SECONDS_MAX, Simulation, settings_in
from services.seedwork.store.migrating import STORES, migrate, store

SEED = 0


def found(directory: Path) -> None:
    """Migrated stores, keys, the demo world's registers, arrived everywhere."""
    keys = directory / "keys" / "development"
    keys.mkdir(parents=True, mode=0o700)
    master = keys / "master.key"
    master.touch(mode=0o600)
    master.write_bytes(base64.b64encode(random.Random(SEED).randbytes(32)) + b"\n")
    settings = settings_in(directory)
    for name in STORES:
        migrate(store(name, settings))
    verdict = Founding(directory, SEED, without=EVERY, begins_at=FOUNDED_AT).run()
    if verdict.violations:
        raise Violated("; ".join(verdict.violations))


class Founding(Simulation):
    """Nothing goes wrong and nobody is there yet."""

    async def _live(self) -> None:
        self.installation.start()
        await in_greenlet(self.stage.load_registers)
        await in_greenlet(self._register_some_twice)
        left = await at_rest(self.installation, self.watch.books, REST_SECONDS_MAX)
        if left:
            raise Violated("; ".join(left))

    def _register_some_twice(self) -> None:
        """Two doctors in each hospital are licensed pharmacists as well: may review, but never what is their own."""
        twice = {doctor.code for hospital in self.world.hospitals for doctor in hospital.doctors[:2]}
        entries = [entry.as_json() for entry in self.world.entries("person") if entry.code in twice]
        for entry in entries:
            entry["content"]["professions"].append("reviewer")
        wrong = [each for each in self.cast.administrator().record("prescribe", "person", entries) if each]
        if wrong:
            raise Violated("; ".join(wrong))
