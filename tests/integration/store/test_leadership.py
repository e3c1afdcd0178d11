"""Who leads a store on PostgreSQL, and who hears of commits."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.seedwork.store.leader import WAKE_CHANNEL, AdvisoryLeadership
from services.seedwork.store.postgres import PostgresDatabase
from tests.support.store import driving, new_store
from tests.support.waiting import eventually


@pytest.mark.servers
def test_only_the_leader_listens_and_the_next_one_does_when_it_takes_over(tmp_path: Path) -> None:
    with new_store("postgresql", tmp_path) as url, driving(url) as driver:
        database = driver.database
        assert isinstance(database, PostgresDatabase)
        first, second = AdvisoryLeadership(database, "rxflow:review"), AdvisoryLeadership(database, "rxflow:review")
        assert first.held()
        assert not second.held()

        # when: commits are told while the second only tries again and again
        for _ in range(3):
            database.notify(WAKE_CHANNEL)
            assert not second.held()

        # then: the leader hears of it, the other one has nothing to keep
        assert first.wait(5)
        assert not second.wait(0.1)

        # and: the next leader listens as well
        first.resign()  # its lock goes when the server has noticed that its connection is closed
        eventually(second.held, describe="the second to lead")
        database.notify(WAKE_CHANNEL)
        assert second.wait(5)
        second.resign()
