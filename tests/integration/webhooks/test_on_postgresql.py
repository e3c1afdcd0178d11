"""The sender's statements on PostgreSQL: what is due, what fails, what is dead, what is decided and paused."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest

from services.seedwork.settings import Settings
from services.seedwork.store.batch import Statement
from services.seedwork.webhooks.use_cases import ping_endpoint, replay_letter, resume_endpoint, skip_letter
from tests.support.servers import DATABASE_URL
from tests.support.service_on_sqlite import ServiceOnSqlite, make_tables
from tests.support.webhook_receiver import receiver
from tests.unit.seedwork.webhooks.notes import SERVICE, Clock, Desk

pytestmark = pytest.mark.servers
ATTEMPTS = 10


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    prefix = f"hooks_{uuid.uuid4().hex[:12]}"
    url = urlunsplit(urlsplit(DATABASE_URL)._replace(path=f"/{prefix}"))
    settings = Settings(development=True, key_directory=tmp_path, database_url=url)
    names = [f"{prefix}_insurance", f"{prefix}_keyring"]
    with psycopg.connect(DATABASE_URL, autocommit=True) as connection:
        for name in names:
            connection.execute(f'CREATE DATABASE "{name}"')
    make_tables(SERVICE, settings)
    office = ServiceOnSqlite(SERVICE, settings)
    office.database.open()
    office.keyring.open()
    try:
        yield Desk(office, Clock())
    finally:
        office.database.close()
        office.keyring.close()
        with psycopg.connect(DATABASE_URL, autocommit=True) as connection:
            for name in names:
                connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def overdue(desk: Desk, hours: int = 0) -> None:
    """What waits is due, as if hours had gone by: the time is the server's own."""
    earlier = timedelta(hours=hours) // timedelta(microseconds=1)
    desk.office.database.write(
        [
            Statement("UPDATE webhook_delivery SET due_at = 0 WHERE due_at IS NOT NULL"),
            Statement(f"UPDATE webhook_progress SET failing_since = failing_since - {earlier}"),
        ]
    )


def test_a_message_fails_is_dead_is_replayed_and_skipped(desk: Desk) -> None:
    with receiver() as subscriber:
        endpoint = desk.open(subscriber.url, "note.new")
        for text in ("a1", "a2"):
            desk.write(text)
        desk.write("not wanted", 9, "urgent")
        for _ in range(2):
            for _ in range(ATTEMPTS):
                subscriber.replies.append(500)
                desk.send(2)
                overdue(desk)
            (dead,) = desk.deliveries(endpoint, "dead")
            assert (dead["attempts"], dead["answer"], desk.endpoint(endpoint)["dead"]) == (ATTEMPTS, 500, 1)
            if dead["decided_by"] is None:
                desk.decide(replay_letter(endpoint, "I1", dead["place"]))
        desk.decide(skip_letter(endpoint, "I1", dead["place"], "另行取得"))
        desk.send()
        assert subscriber.told() == ["a1"] * 2 * ATTEMPTS + ["a2"]
        assert len({each.message_id for each in subscriber.received}) == 2
        assert subscriber.received[-1].is_signed_with(desk.secret(endpoint))
        assert desk.statuses(endpoint) == ["skipped", "delivered"]


def test_an_endpoint_is_paused_pinged_and_resumed(desk: Desk) -> None:
    with receiver() as subscriber:
        endpoint = desk.open(subscriber.url)
        desk.write("a")
        for _ in range(7):
            subscriber.replies.append(503)
            desk.send(2)
            overdue(desk, hours=1)
        shown = desk.endpoint(endpoint)
        assert (shown["status"], shown["reason"], shown["waiting"]) == ("paused", "failing", 1)
        desk.decide(ping_endpoint(endpoint, "I1"))
        desk.send()
        assert subscriber.received[-1].content["type"] == "webhook.ping"
        subscriber.received.clear()
        desk.decide(resume_endpoint(endpoint, "I1"))
        desk.send()
        assert subscriber.told() == ["a"]
        assert (desk.endpoint(endpoint)["failures"], desk.endpoint(endpoint)["answered_at"] is None) == (0, False)
