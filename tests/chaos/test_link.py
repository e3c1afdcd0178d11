"""A link that is cut, refused, slow or half-open, in front of a server that says everything back."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from tests.support.link import Link, link
from tests.support.waiting import eventually


@pytest.fixture
def way() -> Iterator[Link]:
    listener = socket.create_server(("127.0.0.1", 0))

    def echo(connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            while part := connection.recv(65536):
                connection.sendall(part)

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=echo, args=(listener.accept()[0],), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        with link(listener.getsockname()[1]) as made:
            yield made
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


@contextlib.contextmanager
def connected(way: Link, timeout: float = 5.0) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", way.port), timeout=timeout) as connection:
        yield connection


def says_back(connection: socket.socket) -> bool:
    connection.sendall(b"hello")
    try:
        return connection.recv(100) == b"hello"
    except TimeoutError:
        return False


def is_gone(connection: socket.socket) -> bool:
    try:
        connection.sendall(b"x")
        return not connection.recv(1)
    except OSError:
        return True


def test_a_sound_link_carries_both_ways(way: Link) -> None:
    with connected(way) as connection:
        assert says_back(connection)


def test_a_url_leads_through_it(way: Link) -> None:
    assert way.url("postgresql://postgres@127.0.0.1:1/rx") == f"postgresql://postgres@127.0.0.1:{way.port}/rx"


def test_cut_ends_connections_and_lets_new_ones_in(way: Link) -> None:
    with connected(way) as connection:
        assert says_back(connection)
        way.treat(cut=True)
        eventually(lambda: is_gone(connection))
    with connected(way) as another:
        assert says_back(another)


def test_refused_lets_nobody_in_until_it_is_sound(way: Link) -> None:
    way.treat(refused=True)
    with pytest.raises(ConnectionRefusedError), connected(way):
        pass

    way.treat()
    with connected(way) as connection:
        assert says_back(connection)


def test_slow_takes_its_time_each_way(way: Link) -> None:
    with connected(way) as connection:
        way.treat(delay_seconds=0.2)
        begun = time.monotonic()

        assert says_back(connection)

    assert time.monotonic() - begun >= 0.4


def test_half_open_swallows_for_ever_and_new_connections_work_once_it_is_over(way: Link) -> None:
    with connected(way, timeout=0.3) as old:
        assert says_back(old)
        way.treat(half_open=True)
        assert not says_back(old)
        with connected(way, timeout=0.3) as during:
            assert not says_back(during)

        way.treat()

        assert not says_back(old)
        with connected(way) as later:
            assert eventually(lambda: says_back(later))
