"""An api sees within a moment whom the installation trusts, without being started again."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from services.seedwork.ports import Idempotency
from services.seedwork.runtime import StoreRuntime
from services.seedwork.settings import Settings
from services.seedwork.usecase import Answer, Decision, Moment, UseCase
from tests.support.certificates import Authority, pem
from tests.support.store import ACTOR, BOXES, new_store
from tests.support.waiting import eventually

SERVICE = replace(BOXES, name="shortage", translate={})


class OneStore(Settings):
    """Whatever is asked for, it is this store."""

    def service_database_url(self, service: str) -> str:
        del service
        return self.database_url


class Api:
    """A runtime whose directory of trust is the test's."""

    def __init__(self, runner: asyncio.Runner, runtime: StoreRuntime) -> None:
        self.runner = runner
        self.runtime = runtime

    def trusted_roots(self) -> int:
        """As a decision sees them."""

        def decide(moment: Moment) -> Decision:
            return Decision.nothing(Answer(body={"roots": len(moment.trust.roots)}))

        asked = Idempotency("nurse", "POST /boxes", uuid4().hex, b"body".ljust(32))
        trace: dict[str, Any] = {"correlation_id": "c", "causation_id": "c", "traceparent": None}
        execute = self.runtime.execute(UseCase((), decide), actor=ACTOR, idempotency=asked, **trace)
        return int(self.runner.run(execute).body["roots"])

    def says(self, words: str) -> bool:
        """Whether readiness says so, once the runtime had a moment to look."""
        self.runner.run(asyncio.sleep(0.05))
        (found,) = [check for check in self.runtime.readiness() if check.name == "signatures"]
        assert found.ok
        return words in found.detail


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Api]:
    with new_store("sqlite", tmp_path) as url, asyncio.Runner() as runner:
        settings = OneStore(
            development=True, database_url=url, key_directory=tmp_path, trust_directory=tmp_path / "trust"
        )
        runtime = StoreRuntime(SERVICE, settings)
        runner.run(runtime.start())
        yield Api(runner, runtime)
        runner.run(runtime.stop())


def test_a_new_root_counts_without_a_restart(api: Api, tmp_path: Path) -> None:
    assert api.trusted_roots() == 0
    assert api.says("0 roots")

    (tmp_path / "trust" / "roots").mkdir(parents=True)
    (tmp_path / "trust" / "roots" / "example.pem").write_text(pem(Authority.root().certificate))

    eventually(lambda: api.says("1 roots"))
    assert api.trusted_roots() == 1


def test_a_broken_file_is_told_and_the_service_stays_ready(api: Api, tmp_path: Path) -> None:
    (tmp_path / "trust" / "revocation").mkdir(parents=True)
    (tmp_path / "trust" / "revocation" / "broken.crl").write_bytes(b"no list")

    eventually(lambda: api.says("broken.crl: no revocation list"))
