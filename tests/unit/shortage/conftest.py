"""Pharmacies of a province that cannot fill what patients ask for."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from contracts.events.dispatch import LineUnfilled
from services.seedwork.ports import Outcome
from services.seedwork.usecase import Actor
from services.shortage.application import use_cases
from services.shortage.composition import SERVICE
from services.shortage.domain.case import CaseState, case_id, case_ref
from services.shortage.domain.commands import ConfirmCase, DismissCase
from tests.support.store_in_memory import StoreInMemory

NOW = datetime(2026, 3, 2, 1, tzinfo=UTC)
DRUG = "头孢克肟|胶囊剂|100mg"
HANGZHOU, XIHU, NINGBO, XIAN = "330102", "330106", "330203", "610103"
HOUR = timedelta(hours=1)


class Region:
    """Shortage as it is fed by pharmacies and decided by authorities."""

    def __init__(self) -> None:
        self.store = StoreInMemory(SERVICE, NOW)

    def unfilled(
        self,
        pharmacy: str,
        region: str = HANGZHOU,
        *,
        demand: str = "line-1",
        drug: str = DRUG,
        at: datetime | None = None,
        on_hand: int | None = 0,
        reason: Any = "out_of_stock",
    ) -> None:
        """A pharmacy could not fill a demand, at the store's time unless told otherwise."""
        event = LineUnfilled(
            drug_key=drug,
            product="XA01",
            pharmacy=pharmacy,
            region=region,
            quantity=12,
            reason=reason,
            on_hand_known=on_hand is not None,
            on_hand=on_hand or 0,
            demand_key=demand,
        )
        self.store.react(event, at)

    def case(self, n: int = 1, region: str = "33", drug: str = DRUG) -> CaseState:
        state: CaseState = self.store.state(case_ref(case_id(drug, region, n)))
        return state

    def id(self, n: int = 1, region: str = "33") -> UUID:
        return case_id(DRUG, region, n)

    def confirm(self, case: UUID, actor: Actor) -> Outcome:
        return self.store.run(use_cases.confirm_case(ConfirmCase(case_id=case, reason="多家药店报告")), actor)

    def dismiss(self, case: UUID, actor: Actor) -> Outcome:
        return self.store.run(use_cases.dismiss_case(DismissCase(case_id=case, reason="到货在途")), actor)


def authority(region: str | None = "330000") -> Actor:
    return Actor("R33", "regulator", region=region)


@pytest.fixture
def region() -> Region:
    return Region()
