"""Real servers for tests.

Two ways: the machine's own PostgreSQL and RabbitMQ, where every test gets a database or virtual host of its own; and
private ones, started from the installed binaries on free loopback ports, which a test may stop, kill and freeze.

Settings: RXFLOW_TEST_DATABASE_URL, RXFLOW_TEST_BROKER_URL, RXFLOW_BROKER_ADMIN_URL (management API; without it
rabbitmqctl), RXFLOW_REQUIRE_SERVERS=1 (tests that cannot run fail instead of being skipped).
"""

from __future__ import annotations

import base64
import functools
import json
import os
import shutil
import socket
import subprocess
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from urllib.parse import quote, urlsplit, urlunsplit

import pytest

from rxflow.free_ports import free_ports

DATABASE_URL = os.environ.get("RXFLOW_TEST_DATABASE_URL", "postgresql://postgres@127.0.0.1:5432/postgres")
BROKER_URL = os.environ.get("RXFLOW_TEST_BROKER_URL", "amqp://guest:guest@127.0.0.1:5672/")
BROKER_ADMIN_URL = os.environ.get("RXFLOW_BROKER_ADMIN_URL", "")
REQUIRED = os.environ.get("RXFLOW_REQUIRE_SERVERS") == "1"


def demand(missing: str) -> None:
    """Skips a test that lacks what is named; where servers are required that is a failure. Nothing missing: goes on."""
    if missing and REQUIRED:
        pytest.fail(f"RXFLOW_REQUIRE_SERVERS=1, but {missing}", pytrace=False)
    if missing:
        pytest.skip(missing)


@functools.cache
def missing_postgres() -> str:
    """Why the machine's PostgreSQL cannot be used; empty when it can."""
    import psycopg  # noqa: PLC0415 - an unpatched test process may load it, but only when asked

    try:
        with psycopg.connect(DATABASE_URL, connect_timeout=3):
            return ""
    except psycopg.Error as error:
        return f"PostgreSQL at {_without_password(DATABASE_URL)}: {str(error).strip().splitlines()[0]}"


@functools.cache
def missing_rabbitmq() -> str:
    """Why the machine's RabbitMQ cannot be used; empty when it can."""
    parts = urlsplit(BROKER_URL)
    try:
        socket.create_connection((parts.hostname or "127.0.0.1", parts.port or 5672), timeout=3).close()
        _administer("list_vhosts", "GET", "/vhosts")
    except (OSError, subprocess.SubprocessError) as error:
        return f"RabbitMQ at {_without_password(BROKER_URL)}: {error}"
    return ""


def servers_available() -> bool:
    return not (missing_postgres() or missing_rabbitmq())


@contextmanager
def database(prefix: str = "rxflow_test") -> Iterator[str]:
    """The URL of a new, empty database, dropped afterwards with whoever is still connected."""
    import psycopg  # noqa: PLC0415

    name = f"{prefix}_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(DATABASE_URL, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    try:
        yield urlunsplit(urlsplit(DATABASE_URL)._replace(path=f"/{name}"))
    finally:
        with psycopg.connect(DATABASE_URL, autocommit=True) as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        drop_roles(name)


def drop_roles(prefix: str) -> None:
    """The services' roles of databases that have been dropped."""
    import psycopg  # noqa: PLC0415

    with psycopg.connect(DATABASE_URL, autocommit=True) as connection:
        names = connection.execute("SELECT rolname FROM pg_roles WHERE starts_with(rolname, %s)", (prefix,))
        for (name,) in names.fetchall():
            connection.execute(f'DROP ROLE "{name}"')


_spare: list[str] = []
_made = ExitStack()


@contextmanager
def emptied_database() -> Iterator[str]:
    """The URL of an empty database that other tests had before: making and dropping one costs the server a checkpoint.

    For tests that change nothing but tables; dropped at the end of the session.
    """
    import psycopg  # noqa: PLC0415

    url = _spare.pop() if _spare else _made.enter_context(database("rxflow_spare"))
    try:
        yield url
    finally:
        with psycopg.connect(url, autocommit=True, options="-c client_min_messages=error") as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            connection.execute("DROP SCHEMA public CASCADE")
            connection.execute("CREATE SCHEMA public")
        _spare.append(url)


def drop_emptied_databases() -> None:
    """At the end of the session."""
    _spare.clear()
    _made.close()


@contextmanager
def virtual_host(prefix: str = "rxflow_test") -> Iterator[str]:
    """The broker URL of a new, empty virtual host, deleted afterwards with all its queues."""
    name = f"{prefix}_{uuid.uuid4().hex[:12]}"
    parts = urlsplit(BROKER_URL)
    user = parts.username or "guest"
    _administer(f"add_vhost {name}", "PUT", f"/vhosts/{name}", {})
    try:
        rights = {"configure": ".*", "write": ".*", "read": ".*"}
        _administer(f"set_permissions -p {name} {user} .* .* .*", "PUT", f"/permissions/{name}/{quote(user)}", rights)
        yield urlunsplit(parts._replace(path=f"/{name}"))
    finally:
        _administer(f"delete_vhost {name}", "DELETE", f"/vhosts/{name}")


def _administer(command: str, method: str, path: str, body: object = None) -> None:
    """One administrative act, by the management API where it is configured, else by rabbitmqctl."""
    if not BROKER_ADMIN_URL:
        binary = shutil.which("rabbitmqctl")
        if binary is None:
            raise OSError("neither RXFLOW_BROKER_ADMIN_URL nor rabbitmqctl")
        subprocess.run([binary, "--quiet", *command.split()], check=True, capture_output=True, timeout=60)
        return
    parts = urlsplit(BROKER_ADMIN_URL)
    host = f"{parts.hostname}:{parts.port}" if parts.port else f"{parts.hostname}"
    request = urllib.request.Request(f"{parts.scheme}://{host}{parts.path.rstrip('/')}/api{path}", method=method)
    secret = f"{parts.username or 'guest'}:{parts.password or 'guest'}"
    request.add_header("Authorization", "Basic " + base64.b64encode(secret.encode()).decode())
    request.add_header("Content-Type", "application/json")
    urllib.request.urlopen(request, None if body is None else json.dumps(body).encode(), timeout=30).close()


def _without_password(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname}:{parts.port}"


def free_port() -> int:
    """A port that nobody listens at."""
    return free_ports(1)[0]
