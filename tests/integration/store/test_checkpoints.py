"""Signed checkpoints find what a chain alone does not: a deleted stream, a cut tail, another store in its place."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
import sqlalchemy as sa

from services.seedwork.identity import new_private_jwk
from services.seedwork.store import checkpoints, reading
from services.seedwork.store.batch import Statement
from services.seedwork.store.checkpoints import Checkpoints, Verdict, merkle_root, verify
from services.seedwork.store.opening import is_sqlite
from services.seedwork.store.sealer import seal
from tests.integration.consumer.world import Pair, new_case, pair

KEY = orjson.loads(new_private_jwk())
PUBLIC = {name: KEY[name] for name in ("kty", "crv", "x", "y")}


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.servers)])
def both(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Pair]:
    with pair(request.param, tmp_path) as sides:
        yield sides


def signing(both: Pair) -> Checkpoints:
    return Checkpoints("review", both.producer.database, both.consumer_driver.database, KEY)


def verdict_on(both: Pair, key: dict[str, Any] = PUBLIC) -> Verdict:
    return verify("review", both.producer.database, both.consumer_driver.database, key)


def tamper(both: Pair, statement: str, *tables: str) -> None:
    """What somebody with the database's password can do: take the triggers away, change, put them back."""
    database: Any = both.producer.database
    path = getattr(database, "path", None)
    url = f"sqlite:///{path}" if path else database.url.replace("postgresql://", "postgresql+psycopg://", 1)
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.begin() as connection:
        for table in tables:
            if is_sqlite(url):
                connection.exec_driver_sql(f"DROP TRIGGER {table}_no_update")
                connection.exec_driver_sql(f"DROP TRIGGER {table}_no_delete")
            else:
                connection.exec_driver_sql(f"DROP TRIGGER {table}_append_only ON {table}")
        connection.exec_driver_sql(statement)
    engine.dispose()


@pytest.fixture(autouse=True)
def _small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything is read in pages, and every test over several of them."""
    monkeypatch.setattr(checkpoints, "PAGE", 1)


def test_an_honest_store_verifies_with_the_public_key_alone_and_shows_its_open_tail(both: Pair) -> None:
    case = new_case()
    both.close_case(case, times=3)
    while seal(both.producer.database):
        pass
    assert not signing(both).step()
    both.close_case(case, times=2)
    while seal(both.producer.database):
        pass

    verdict = verdict_on(both)

    assert verdict.faults == []
    assert (verdict.events, verdict.streams, verdict.checkpoints, verdict.open_tail) == (5, 1, 1, 2)


def test_pieces_follow_each_other_and_name_the_one_before(both: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoints, "LEAVES_MAX", 4)
    both.close_case(new_case(), times=10)
    while seal(both.producer.database):
        pass

    signer = signing(both)
    while signer.step():
        pass

    verdict = verdict_on(both)
    assert verdict.faults == []
    assert (verdict.checkpoints, verdict.open_tail) == (2, 2)  # the third piece is not ripe yet


@pytest.mark.parametrize("before", [0, 1])
def test_an_overlapping_leader_that_saw_the_log_longer_signs_nothing_over_it(
    both: Pair, before: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoints, "SECONDS_MAX", 0)
    slow, quick = signing(both), signing(both)
    for _ in range(before):
        both.close_case(new_case(), times=2)
        seal(both.producer.database)
        quick.step()
    both.close_case(new_case(), times=2)
    seal(both.producer.database)
    tail = reading.tail

    def overtaken(database: Any) -> int:
        """The quick one has looked a moment earlier, and signs first."""
        monkeypatch.setattr(reading, "tail", lambda _database: tail(database) - 1)
        quick.step()
        monkeypatch.setattr(reading, "tail", tail)
        return tail(database)

    monkeypatch.setattr(reading, "tail", overtaken)

    assert slow.step(), "it looks again"
    slow.step()

    verdict = verdict_on(both)
    assert verdict.faults == []
    assert (verdict.checkpoints, verdict.open_tail) == (before + 2, 0)


def test_a_store_that_was_signed_before_goes_on(both: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    """Older releases kept no place of their signer."""
    monkeypatch.setattr(checkpoints, "SECONDS_MAX", 0)
    for _ in range(2):
        both.close_case(new_case(), times=2)
        seal(both.producer.database)
        signing(both).step()
        both.producer.database.write([Statement("DELETE FROM cursor WHERE name = 'checkpoint'", {})])

    verdict = verdict_on(both)

    assert verdict.faults == []
    assert (verdict.checkpoints, verdict.open_tail) == (2, 0)


def test_a_changed_event_is_found(both: Pair) -> None:
    both.close_case(new_case(), times=3)
    seal(both.producer.database)
    signing(both).step()

    tamper(both, "UPDATE events SET topic = 'test.forged' WHERE version = 2", "events")

    assert any("version 2 was altered" in fault for fault in verdict_on(both).faults)


def test_a_deleted_stream_is_found_although_no_chain_misses_it(both: Pair) -> None:
    gone, kept = new_case(), new_case()
    both.close_case(gone, times=1)
    both.close_case(kept, times=2)
    seal(both.producer.database)
    signing(both).step()

    of_one_event = "SELECT stream_id FROM events GROUP BY stream_id HAVING count(*) = 1"
    tamper(both, f"DELETE FROM events WHERE stream_id IN ({of_one_event})", "events")

    faults = verdict_on(both).faults
    assert not any("stream" in fault and "checkpoint" not in fault for fault in faults)
    assert any("root differ" in fault for fault in faults)


def test_a_store_cut_with_its_checkpoints_contradicts_the_witness(both: Pair) -> None:
    both.close_case(new_case(), times=3)
    seal(both.producer.database)
    signing(both).step()

    tamper(both, "DELETE FROM checkpoint", "checkpoint")

    assert any("witness" in fault for fault in verdict_on(both).faults)


def test_anothers_signature_is_not_accepted(both: Pair) -> None:
    both.close_case(new_case())
    seal(both.producer.database)
    signing(both).step()
    stranger = orjson.loads(new_private_jwk())

    assert any("signature.invalid" in fault for fault in verdict_on(both, stranger).faults)


def test_the_tree_is_that_of_rfc_6962() -> None:
    """Roots of the test vectors of RFC 6962's reference implementation."""
    leaves = [bytes.fromhex(leaf) for leaf in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657")]

    assert merkle_root([]).hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert merkle_root(leaves[:1]).hex() == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    assert merkle_root(leaves[:2]).hex() == "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"
    assert merkle_root(leaves[:3]).hex() == "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"
    assert merkle_root(leaves[:7]).hex() == "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c"
