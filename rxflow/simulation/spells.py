"""What goes wrong by itself and lasts: begins at moments of its own, somewhere, and ends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from rxflow.simulation.broker import EVERYBODY
from rxflow.simulation.history import History
from rxflow.simulation.installation import NAMES, Installation
from rxflow.simulation.mishaps import Mishap, Spell
from rxflow.simulation.processes import Process
from rxflow.simulation.restoring import restored


class Spells:
    """All of `mishaps.SPELLS`, each in its own rhythm."""

    def __init__(self, installation: Installation, history: History, replaced: Callable[[str, int], None]) -> None:
        self._installation, self._history, self._replaced = installation, history, replaced
        self._fortune = installation.fortune
        self._restoring = asyncio.Lock()

    async def forever(self) -> None:
        async with asyncio.TaskGroup() as group:
            for spell in self._fortune.spells:
                group.create_task(self._again_and_again(spell), name=spell.mishap)

    async def end(self, going_wrong: asyncio.Task[None]) -> None:
        """Nothing new; a store on its way back from a backup arrives first."""
        await self._restoring.acquire()
        going_wrong.cancel()
        self._fortune.running.clear()

    async def _again_and_again(self, spell: Spell) -> None:
        chance = self._fortune.chance
        while True:
            await asyncio.sleep(chance.expovariate(1 / spell.every_seconds))
            where = EVERYBODY if spell.mishap is Mishap.BROKER_AWAY else chance.choice(NAMES)
            self._history.add(asyncio.get_running_loop().time(), spell.mishap, where)
            await self._cast(spell, where)

    async def _cast(self, spell: Spell, where: str) -> None:
        installation = self._installation
        match spell.mishap:
            case Mishap.API_KILLED | Mishap.WORKER_KILLED:
                kind = "api" if spell.mishap is Mishap.API_KILLED else "worker"
                self._kill_one(installation.processes_of(f"{where} {kind}"))
            case Mishap.BROKER_EMPTIED:
                installation.broker.lose_everything()
            case Mishap.CLOCK_BACK:
                installation.set_clock_back(where)
            case Mishap.STORE_RESTORED:
                seconds = self._fortune.chance.random() * spell.seconds_max
                async with self._restoring:
                    await restored(installation, where, seconds, self._replaced)
            case _:
                await self._last(spell, where)

    def _kill_one(self, processes: list[Process]) -> None:
        if processes:
            self._fortune.chance.choice(processes).kill()

    async def _last(self, spell: Spell, where: str) -> None:
        running = self._fortune.running
        running.add((spell.mishap, where))
        await asyncio.sleep(self._fortune.chance.random() * spell.seconds_max)
        running.discard((spell.mishap, where))
