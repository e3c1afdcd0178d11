"""What a simulated world stands on: time that only passes when all wait, processes that die at once, a broker and a
network that lose and repeat."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Coroutine
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from contracts.topology import FAMILY
from rxflow.simulation.accepted import Accepted
from rxflow.simulation.broker import Broker, Publishing
from rxflow.simulation.consuming import Consuming
from rxflow.simulation.history import History
from rxflow.simulation.mishaps import CHANCES, EVERY, SPELLS, Fortune, Mishap
from rxflow.simulation.network import Api, Line, Network
from rxflow.simulation.processes import Killed, Process, in_greenlet, task_of_its_process
from rxflow.simulation.virtual_time import Lock, NothingWouldHappen, VirtualLoop, WakeUp, sleep
from services.seedwork.messaging.errors import PublishFailedError
from services.seedwork.messaging.publisher import Outgoing

FAMILY_NAME = next(iter(FAMILY))
CONSUMER = FAMILY[FAMILY_NAME].consumers[0]


def live(life: Callable[[], Coroutine[Any, Any, Any]]) -> tuple[Any, float]:
    """What it came to and how much virtual time went by."""
    loop = VirtualLoop()
    loop.set_task_factory(task_of_its_process)  # type: ignore[arg-type]
    try:
        return loop.run_until_complete(life()), loop.time()
    finally:
        loop.close()


def fortune(*, always: Mishap | None = None) -> Fortune:
    """Nothing goes wrong, but for one mishap that always does."""
    drawn = Fortune(random.Random(1), EVERY - {always})
    drawn._shares = {each.mishap: 1.0 for each in CHANCES}
    return drawn


def failed(where: str, error: BaseException) -> None:
    raise AssertionError(where) from error


class TestTime:
    def test_a_day_takes_no_time(self) -> None:
        started = time.monotonic()

        _, seconds = live(lambda: asyncio.sleep(86_400))

        assert seconds == 86_400
        assert time.monotonic() - started < 60

    def test_synchronous_code_waits_in_it_too_while_others_go_on(self) -> None:
        order = []

        def slow() -> None:
            sleep(2)
            order.append("slow")

        async def life() -> None:
            task = asyncio.ensure_future(in_greenlet(slow))
            await asyncio.sleep(1)
            order.append("quick")
            await task

        _, seconds = live(life)

        assert order == ["quick", "slow"]
        assert seconds == 2

    def test_a_lock_is_given_up_after_its_time(self) -> None:
        def wait_for_it(lock: Lock) -> bool:
            return lock.acquire(timeout=5)

        async def life() -> tuple[bool, bool]:
            lock = Lock()
            first = await in_greenlet(wait_for_it, lock)
            return first, await in_greenlet(wait_for_it, lock)

        assert live(life) == ((True, False), 5)

    def test_a_wake_up_ends_a_wait(self) -> None:
        async def life() -> tuple[bool, bool]:
            wake_up = WakeUp()
            asyncio.get_running_loop().call_later(1, wake_up.set)
            return await wake_up.within(10), await wake_up.within(3)

        assert live(life) == ((True, False), 4)

    def test_a_world_in_which_nothing_would_ever_happen_is_told(self) -> None:
        with pytest.raises(NothingWouldHappen):
            live(lambda: asyncio.Event().wait())


class TestProcesses:
    def test_everything_a_process_has_started_dies_with_it(self) -> None:
        done = []

        async def work() -> None:
            asyncio.create_task(late())  # noqa: RUF006 - its process owns it
            await asyncio.sleep(10)
            done.append("work")

        async def late() -> None:
            await asyncio.sleep(5)
            done.append("late")

        async def life() -> bool:
            process = Process("api", failed)
            process.start(work(), "work")
            await asyncio.sleep(1)
            process.kill()
            await asyncio.sleep(20)
            with pytest.raises(Killed):
                process.check()
            return process.died.is_set()

        assert live(life)[0]
        assert done == []

    def test_what_ends_by_an_error_is_reported(self) -> None:
        told: list[str] = []

        async def broken() -> None:
            raise LookupError

        async def life() -> None:
            Process("worker", lambda where, error: told.append(f"{where} {error!r}")).start(broken(), "step")
            await asyncio.sleep(1)

        live(life)

        assert told == ["worker: step LookupError()"]


class TestBroker:
    def outgoing(self) -> Outgoing:
        return Outgoing(FAMILY_NAME, "id-1", b"body")

    def publish(self, drawn: Fortune) -> tuple[Broker, bool]:
        async def life() -> tuple[Broker, bool]:
            broker = Broker(drawn)
            publishing = Publishing(broker, Process("worker", failed), drawn)
            try:
                await in_greenlet(publishing.publish, [self.outgoing()])
            except PublishFailedError:
                return broker, False
            return broker, True

        return live(life)[0]  # type: ignore[no-any-return]

    def test_what_is_confirmed_waits_for_every_consumer(self) -> None:
        broker, confirmed = self.publish(fortune())

        assert confirmed
        assert {consumer for consumer, _ in broker.queues} == set(FAMILY[FAMILY_NAME].consumers)

    def test_a_connection_that_breaks_before_keeps_nothing_and_after_keeps_all(self) -> None:
        before, sure = self.publish(fortune(always=Mishap.DROPPED_BEFORE_CONFIRM))
        after, unsure = self.publish(fortune(always=Mishap.CONFIRM_LOST))

        assert (sure, unsure) == (False, False)
        assert before.empty
        assert not after.empty

    def test_what_is_given_back_comes_again(self) -> None:
        async def life() -> list[bytes]:
            broker = Broker(fortune())
            broker.route(self.outgoing())
            taken = await broker.take(CONSUMER, FAMILY_NAME, 10)
            assert not broker.empty
            broker.give_back(CONSUMER, FAMILY_NAME, taken)
            again = await broker.take(CONSUMER, FAMILY_NAME, 10)
            broker.ack(CONSUMER, again)
            return [message.body for message in (*taken, *again)]

        assert live(life)[0] == [b"body", b"body"]

    def test_who_is_cut_off_neither_sends_nor_takes_while_others_do(self) -> None:
        drawn = fortune()
        drawn.running.add((Mishap.BROKER_CUT_OFF, CONSUMER))
        other = next(name for name in ("prescribe", "dispatch") if name != CONSUMER)

        async def life() -> tuple[bool, bool, bool]:
            broker = Broker(drawn)
            sent = []
            for name in (other, CONSUMER):
                try:
                    await in_greenlet(
                        Publishing(broker, Process(f"{name} worker 1", failed), drawn).publish, [self.outgoing()]
                    )
                    sent.append(True)
                except PublishFailedError:
                    sent.append(False)
            taking = asyncio.ensure_future(broker.take(CONSUMER, FAMILY_NAME, 10))
            await asyncio.sleep(20)
            waited = not taking.done()
            drawn.running.clear()
            return waited and bool(await taking), *sent

        assert live(life)[0] == (True, True, False)

    def test_an_acknowledgement_that_does_not_reach_the_broker_is_none(self) -> None:
        drawn, told = fortune(), []

        async def life() -> bool:
            broker = Broker(drawn)
            broker.acknowledged = lambda consumer, messages: told.append((consumer, len(messages)))
            broker.route(self.outgoing())
            duties: Any = SimpleNamespace(service=SimpleNamespace(name=CONSUMER))
            consuming = Consuming(broker, duties, FAMILY_NAME, random.Random(1))
            for cut_off in ({(Mishap.BROKER_CUT_OFF, CONSUMER)}, set()):
                unsettled = await broker.take(CONSUMER, FAMILY_NAME, 10)
                drawn.running |= cut_off
                consuming._settle(unsettled, list(unsettled))
                assert bool(broker.queues[CONSUMER, FAMILY_NAME].waiting) is bool(cut_off)
                drawn.running.clear()
            return True

        assert live(life)[0]
        assert told == [(CONSUMER, 1)]


class TestNetwork:
    def get(self, drawn: Fortune, *, alive: bool = True) -> Any:
        """What a client hears of an api."""

        async def app(_scope: Any, _receive: Any, send: Any) -> None:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"{}"})

        async def life() -> Any:
            process = Process("prescribe api 1", failed)
            if not alive:
                process.kill()
            network = Network(drawn, lambda _name: [Api(process, app)], lambda _name: 0, Accepted())
            client = httpx.Client(transport=Line(network, by_hand=True))
            try:
                return (await in_greenlet(client.get, "http://127.0.0.1:8101/x")).status_code
            except httpx.TransportError as error:
                return type(error)

        return live(life)[0]

    def test_an_answer_comes_is_lost_or_never_given(self) -> None:
        assert self.get(fortune()) == 200
        assert self.get(fortune(always=Mishap.ANSWER_LOST)) is httpx.ReadTimeout
        assert self.get(fortune(always=Mishap.REQUEST_LOST)) is httpx.ReadTimeout
        assert self.get(fortune(), alive=False) is httpx.ConnectError


class TestMishaps:
    def test_each_has_its_share_or_its_spell(self) -> None:
        told = {each.mishap for each in (*CHANCES, *SPELLS)}

        assert told | {Mishap.CLOCK_SKEW} == EVERY

    def test_in_a_calm_nothing_new_goes_wrong(self) -> None:
        drawn = fortune(always=Mishap.DUPLICATED)
        assert drawn.strikes(Mishap.DUPLICATED, "here")

        drawn.calm = True

        assert not drawn.strikes(Mishap.DUPLICATED, "here")


def test_a_short_history_tells_what_concerns_a_violation_and_every_mishap() -> None:
    history, mine, other = History(), "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"
    history.add(1, "dispatch HoldPlaced", mine)
    history.add(2, "dispatch HoldPlaced", other)
    history.add(3, Mishap.DUPLICATED, "somewhere")

    told = list(history.about([f"hold {mine} is wrong"]))

    assert [line.split()[0] for line in told] == ["1.000", "3.000"]
    assert history.mishaps == {Mishap.DUPLICATED: 1}


def test_the_tasks_of_a_process_end_in_the_order_in_which_they_began() -> None:
    """Whatever they do while they end is chance's, and chance must come to all worlds of a seed in one order."""
    ended: list[int] = []

    async def endless(number: int) -> None:
        try:
            await asyncio.sleep(1000)
        finally:
            ended.append(number)

    async def life() -> None:
        process = Process("worker", lambda _where, _error: None)
        for number in range(200):
            process.start(endless(number), f"{number}")
        await asyncio.sleep(1)
        process.kill()
        await asyncio.sleep(1)

    live(life)

    assert ended == list(range(200))
