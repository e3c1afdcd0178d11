"""Dispatch on its real store: one fill from the release to the patient's hands, and what the read models say."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from services.dispatch.composition import SERVICE
from services.dispatch.domain.fulfilment.state import FulfilmentState
from services.dispatch.domain.prescription_content import CONTENTS, content_id
from services.seedwork.model import StreamRef
from services.seedwork.ports import Outcome
from services.seedwork.usecase import Actor, UseCase
from tests.support.service_on_sqlite import ServiceOnSqlite, service_on_sqlite
from tests.unit.dispatch.town import TABLETS, A, Town


class RealStore:
    """The town's words on the real store. Read models are filled before each step, as a running projector would."""

    def __init__(self, service: ServiceOnSqlite) -> None:
        self._service = service

    def run(self, use_case: UseCase, actor: Actor | None = None) -> Outcome:
        self._service.find("designations_of", pharmacy=A)
        return self._service.run(use_case, actor)

    def react(self, event: Any) -> Outcome:
        return self._service.react(event)

    def state(self, ref: StreamRef[Any]) -> Any:
        return self._service.load(ref)[0].state


@pytest.fixture
def service(tmp_path: Path) -> Iterator[ServiceOnSqlite]:
    with service_on_sqlite(SERVICE, tmp_path) as running:
        yield running


def test_one_fill_is_saved_and_read_back(service: ServiceOnSqlite) -> None:
    town = Town(RealStore(service), now=datetime.now(UTC))

    fulfilment = town.release(60, 2)
    town.collected(fulfilment, 40, held=60)

    state: FulfilmentState = town.state(fulfilment)
    assert (state.lines[1].buckets.remaining, state.lines[1].buckets.in_hands) == (20, 40)
    content = town.store.state(CONTENTS.ref(content_id(state.prescription_id))).content
    assert content.patient_name == "测试患者"
    (level,) = [
        row for row in service.find("stock_of_pharmacy", pharmacy=A, after="", limit=9) if row["product"] == TABLETS
    ]
    assert (level["on_hand"], level["reserved"]) == (160, 0)
    (found,) = service.find("fulfilments_of_prescription", prescription_id=state.prescription_id)
    assert found["fulfilment_id"] == fulfilment
