"""Everybody in a world: some prescriptions and the people around each, all at once."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import httpx

from rxflow.client import NoAnswer, Problem, TimedOut
from rxflow.play.stage import Admitted
from rxflow.simulation.accepted import KEPT_NS
from rxflow.simulation.books import Books
from rxflow.simulation.doing import SHED, Doing
from rxflow.simulation.people import Mischief
from rxflow.simulation.processes import Process, in_greenlet
from rxflow.simulation.reviewers import Reviewing
from rxflow.simulation.virtual_time import sleep, wait_for
from rxflow.simulation.writing import any_journey
from services.prescribe.domain.prescription import PRESCRIPTION

if TYPE_CHECKING:
    from rxflow.simulation.world import Simulation

JOURNEYS = 2
HANDS = 3
"""So many people act for one prescription at the same time."""
ACTS = 14
"""Of each of them."""
DISPUTED = 0.5
"""Share of prescriptions that more than one pharmacist wants to decide."""
REVIEWERS, REVIEWS = 2, 4
"""So many of them, and so often each."""
PAUSE_SECONDS_MAX = 2.0
REVIEW_SECONDS_MAX = 1.0
LAPSES = 8
"""In so many steps the hours go by."""
TRIES = 5
AFTER_TRY_SECONDS = 3.0


class Crowd:
    """The people of one world."""

    def __init__(self, simulation: Simulation) -> None:
        self._world = simulation
        self._chance = simulation.random
        self.doings: list[Doing] = []

    @property
    def refused(self) -> int:
        return sum(len(each.refused) for each in self.doings)

    def statuses(self, books: Mapping[str, Books]) -> Counter[str]:
        """How the prescriptions ended."""
        return Counter(str(state.status) for state in books["prescribe"].states(PRESCRIPTION))

    async def live(self, nature: Process, hours: int) -> None:
        """Until everybody has done what they wanted."""
        patients = self._chance.sample(range(len(self._world.world.patients)), JOURNEYS)
        lives = [nature.start(in_greenlet(self._prescription, number), f"patient {number}") for number in patients]
        passing = nature.start(self._pass(hours), "time")
        await asyncio.gather(*lives, passing)

    async def _pass(self, hours: int) -> None:
        """Time goes by in leaps: what is decided before may be late after."""
        for _ in range(LAPSES):
            await asyncio.sleep(self._chance.random() * 2 * ACTS * PAUSE_SECONDS_MAX / LAPSES)
            self._world.move_clock(timedelta(hours=hours) * self._chance.random() * 2 / LAPSES)

    def _prescription(self, number: int) -> None:
        """From the doctor's desk on; whoever gives up leaves it there."""
        admitted = self._persistently(lambda: self._world.stage.admit(self._world.world.patients[number]))
        if not isinstance(admitted, Admitted):
            return
        journey = any_journey(self._world, admitted)
        reviewing, mischief = Reviewing(self._world, journey), Mischief(self._world, journey)
        self.doings += [reviewing, mischief]
        self._persistently(journey.issue)
        if self._chance.random() < DISPUTED:
            self._together(REVIEWERS, self._review, reviewing)
        self._persistently(reviewing.see_through)
        self._together(HANDS, self._act, mischief)

    def _together(self, hands: int, deed: Callable[[Any], None], doing: Doing) -> None:
        """So many people at the same time."""
        for hand in [asyncio.ensure_future(in_greenlet(deed, doing)) for _ in range(hands)]:
            wait_for(hand)

    def _act(self, mischief: Mischief) -> None:
        for _ in range(ACTS):
            sleep(self._chance.random() * PAUSE_SECONDS_MAX)
            mischief.act()

    def _review(self, reviewing: Reviewing) -> None:
        for _ in range(REVIEWS):
            sleep(self._chance.random() * REVIEW_SECONDS_MAX)
            if not reviewing.act():
                return

    def _persistently(self, deed: object) -> object:
        """Tries again for some time; whoever is refused has had an answer."""
        for _ in range(TRIES):
            try:
                return deed()  # type: ignore[operator]
            except (NoAnswer, TimedOut):
                sleep(AFTER_TRY_SECONDS)
            except Problem as problem:
                if problem.status >= 500 and problem.status != SHED:
                    raise
                sleep(AFTER_TRY_SECONDS)
        return None

    def bring_to_an_end(self) -> None:
        for each in self.doings:
            if isinstance(each, Mischief):
                each.bring_to_an_end()

    async def repeat_everything(self) -> list[str]:
        """Each accepted command once more, word for word: it gets its first answer."""
        installation, wrong = self._world.installation, []
        network = installation.network
        for command in list(network.accepted.commands.values()):
            if installation.clock_ns(command.service) - command.at_ns > KEPT_NS:
                continue
            sent = command.request
            response = await self._again(sent)
            if response.status_code != command.status or response.headers.get("Idempotent-Replay") != "true":
                wrong.append(f"{sent.url.path} under {command.key} again: {response.status_code} {response.text}")
        return wrong + network.accepted.contradictions

    async def _again(self, sent: httpx.Request) -> httpx.Response:
        """Its answer; an api that does not know yet that its store is well again says so, and is asked again."""
        for _ in range(TRIES):
            repeat = httpx.Request(sent.method, sent.url, headers=sent.headers, content=sent.content)
            response = await self._world.installation.network.exchange(repeat, by_hand=False)
            if response.status_code != SHED:
                break
            await asyncio.sleep(AFTER_TRY_SECONDS)
        return response
