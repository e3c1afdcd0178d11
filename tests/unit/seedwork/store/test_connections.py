"""A line for connections: bounded, fair, and nothing broken is ever handed to the next."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import psycopg
import pytest
from psycopg.pq import ConnStatus, TransactionStatus

from services.seedwork.store.connections import AsyncConnections, Connections
from services.seedwork.store.errors import Unavailable
from services.seedwork.store.watch import Watch
from tests.support.waiting import eventually

WAIT_SECONDS = 0.2
PATIENCE_SECONDS = 10


class FakeConnection:
    """As much of a connection as a line for connections sees."""

    def __init__(self) -> None:
        self.pgconn = self
        self.transaction_status = TransactionStatus.IDLE
        self.status = ConnStatus.OK
        self.closed = False

    def cursor(self, *, binary: bool) -> object:
        return object()

    def close(self) -> None:
        self.closed = True

    finish = close

    def break_down(self) -> None:
        """The server went away."""
        self.transaction_status = TransactionStatus.UNKNOWN
        self.status = ConnStatus.BAD


class Server:
    """Hands out fake connections; while it is down it refuses."""

    def __init__(self) -> None:
        self.made: list[FakeConnection] = []
        self.down = False

    def connect(self) -> Any:
        if self.down:
            raise psycopg.OperationalError("refused")
        self.made.append(FakeConnection())
        return self.made[-1]

    async def connect_async(self) -> Any:
        return self.connect()


@pytest.fixture
def server() -> Server:
    return Server()


Line = Callable[..., Connections]


@pytest.fixture
def line(server: Server) -> Iterator[Line]:
    opened: list[Connections] = []

    def open_line(size: int = 1, wait_seconds: float = WAIT_SECONDS) -> Connections:
        opened.append(Connections(server.connect, size=size, wait_seconds=wait_seconds, watch=Watch(60)))
        opened[-1].open()
        return opened[-1]

    yield open_line
    for each in opened:
        each.close()


def waiting(line: Connections, count: int) -> None:
    eventually(lambda: len(line._waiting) == count, within=PATIENCE_SECONDS)


def _taken(line: Connections) -> object:
    try:
        return line.take()
    except Unavailable:
        return None


# -- threads and greenlets


def test_the_connection_used_last_is_used_first(line: Line, server: Server) -> None:
    connections = line(size=2)
    first, second = connections.take(), connections.take()

    connections.give(first)
    connections.give(second)

    assert connections.take() is second
    assert len(server.made) == 2


def test_nobody_waits_longer_than_the_line_allows(line: Line) -> None:
    connections = line()
    connections.take()

    with pytest.raises(Unavailable):
        connections.take()


def test_who_came_first_is_served_first(line: Line) -> None:
    connections = line(wait_seconds=PATIENCE_SECONDS)
    held = connections.take()
    served: list[int] = []

    def use(number: int) -> None:
        session = connections.take()
        served.append(number)
        connections.give(session)

    threads = []
    for number in (1, 2, 3):
        threads.append(threading.Thread(target=use, args=(number,)))
        threads[-1].start()
        waiting(connections, number)
    connections.give(held)
    for thread in threads:
        thread.join(PATIENCE_SECONDS)

    assert served == [1, 2, 3]


def test_a_connection_that_is_not_idle_is_never_used_again(line: Line, server: Server) -> None:
    connections = line()
    session = connections.take()
    server.made[0].transaction_status = TransactionStatus.ACTIVE

    connections.give(session)

    assert server.made[0].closed
    assert connections.take() is not session


def test_when_one_was_lost_the_idle_ones_are_not_trusted_either(line: Line, server: Server) -> None:
    connections = line(size=3)
    first, second, third = (connections.take() for _ in range(3))
    connections.give(second)
    connections.give(third)
    server.made[0].break_down()

    connections.give(first)

    assert all(each.closed for each in server.made)
    fresh = connections.take()
    assert fresh.connection is server.made[3]


def test_a_connection_is_replaced_at_the_end_of_its_life(line: Line, server: Server) -> None:
    connections = line()
    session = connections.take()
    session.retire_at = 0.0

    connections.give(session)

    assert connections.take().connection is server.made[1]


def test_a_dropped_connection_is_replaced_for_whoever_waits(line: Line, server: Server) -> None:
    connections = line(wait_seconds=PATIENCE_SECONDS)
    session = connections.take()
    taken: list[Any] = []
    waiter = threading.Thread(target=lambda: taken.append(connections.take()))
    waiter.start()
    waiting(connections, 1)
    server.made[0].break_down()

    connections.give(session)
    waiter.join(PATIENCE_SECONDS)

    assert [each.connection for each in taken] == server.made[1:]


def test_a_server_that_is_away_is_tried_again_while_somebody_waits(line: Line, server: Server) -> None:
    server.down = True
    connections = line(wait_seconds=PATIENCE_SECONDS)
    taken: list[Any] = []
    waiter = threading.Thread(target=lambda: taken.append(connections.take()))
    waiter.start()
    waiting(connections, 1)

    server.down = False
    waiter.join(PATIENCE_SECONDS)

    assert len(taken) == 1


def test_a_server_that_is_away_costs_no_place_for_good(line: Line, server: Server) -> None:
    server.down = True
    connections = line()
    with pytest.raises(Unavailable):
        connections.take()

    server.down = False

    assert eventually(lambda: _taken(connections), within=PATIENCE_SECONDS)


def test_a_closed_line_hands_out_nothing_and_closes_what_comes_back(line: Line, server: Server) -> None:
    connections = line(size=2)
    used, idle = connections.take(), connections.take()
    connections.give(idle)

    connections.close()
    connections.give(used)

    assert all(each.closed for each in server.made)
    with pytest.raises(Unavailable):
        connections.take()


# -- an event loop


def on_a_loop(server: Server, story: Callable[[AsyncConnections], Awaitable[None]], wait: float = WAIT_SECONDS) -> None:
    async def tell() -> None:
        connections = AsyncConnections(server.connect_async, size=1, wait_seconds=wait, watch=Watch(60))
        await connections.open()
        try:
            await story(connections)
        finally:
            await connections.close()

    asyncio.run(tell())


def test_on_a_loop_nobody_waits_longer_than_the_line_allows(server: Server) -> None:
    async def story(connections: AsyncConnections) -> None:
        await connections.take()
        with pytest.raises(Unavailable):
            await connections.take()

    on_a_loop(server, story)


def test_on_a_loop_who_came_first_is_served_first(server: Server) -> None:
    async def story(connections: AsyncConnections) -> None:
        held = await connections.take()
        served: list[int] = []

        async def use(number: int) -> None:
            session = await connections.take()
            served.append(number)
            connections.give(session)

        users = [asyncio.create_task(use(number)) for number in (1, 2, 3)]
        await asyncio.sleep(0)
        connections.give(held)
        await asyncio.gather(*users)
        assert served == [1, 2, 3]

    on_a_loop(server, story, PATIENCE_SECONDS)


def test_on_a_loop_a_request_cancelled_while_it_waits_leaves_the_line(server: Server) -> None:
    async def story(connections: AsyncConnections) -> None:
        held = await connections.take()
        cancelled = asyncio.create_task(connections.take())
        patient = asyncio.create_task(connections.take())
        await asyncio.sleep(0)
        cancelled.cancel()
        connections.give(held)
        assert await patient is held

    on_a_loop(server, story, PATIENCE_SECONDS)


def test_on_a_loop_a_session_handed_to_a_cancelled_request_goes_to_the_next(server: Server) -> None:
    async def story(connections: AsyncConnections) -> None:
        held = await connections.take()
        unlucky = asyncio.create_task(connections.take())
        await asyncio.sleep(0)
        connections.give(held)
        unlucky.cancel()  # before it could run
        await asyncio.wait([unlucky])
        assert unlucky.cancelled()
        assert await connections.take() is held

    on_a_loop(server, story)


def test_on_a_loop_a_connection_that_is_not_idle_is_never_used_again(server: Server) -> None:
    async def story(connections: AsyncConnections) -> None:
        session = await connections.take()
        server.made[0].transaction_status = TransactionStatus.INTRANS
        connections.give(session)
        assert server.made[0].closed
        assert await connections.take() is not session

    on_a_loop(server, story)


def test_on_a_loop_a_server_that_is_away_is_tried_again_while_somebody_waits(server: Server) -> None:
    async def story(connections: AsyncConnections) -> None:
        server.down = True
        waiter = asyncio.create_task(connections.take())
        await asyncio.sleep(0.02)
        server.down = False
        assert await waiter

    on_a_loop(server, story, PATIENCE_SECONDS)


def test_on_a_loop_closing_ends_what_is_being_connected(server: Server) -> None:
    async def story(connections: AsyncConnections) -> None:
        server.down = True
        waiter = asyncio.create_task(connections.take())
        await asyncio.sleep(0.02)
        await connections.close()
        with pytest.raises(Unavailable):
            await waiter
        with pytest.raises(Unavailable):
            await connections.take()

    on_a_loop(server, story)
