"""Pharmacies of a province that cannot fill what patients ask for."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from contracts.envelope import IntegrationEvent
from contracts.events.dispatch_stock import LineUnfilled
from contracts.events.prescribe import RegisterEntryRecorded
from services.seedwork.ports import Outcome
from services.seedwork.usecase import Actor
from services.shortage.application import use_cases
from services.shortage.application.lots import spread_lot
from services.shortage.composition import SERVICE
from services.shortage.domain.case import CaseState, case_id, case_ref
from services.shortage.domain.commands import ConfirmCase, DismissCase
from services.shortage.domain.lots import LOT
from tests.support.store_in_memory import StoreInMemory

NOW = datetime(2026, 3, 2, 1, tzinfo=UTC)
DRUG = "头孢克肟|胶囊剂|100mg"
OTHER_DRUG = "阿司匹林|片剂|100mg"
HANGZHOU, XIHU, NINGBO, XIAN = "330102", "330106", "330203", "610103"
HOUR = timedelta(hours=1)


class Region:
    """Shortage as it is fed by pharmacies and decided by authorities."""

    def __init__(self) -> None:
        self.store = StoreInMemory(SERVICE, NOW)
        self.register(DRUG, english_name="Cefixime", atc="J01DD08")

    def register(self, drug_key: str, *, english_name: str = "", atc: str = "J01DD08") -> None:
        """The register of drugs has a product of this key."""
        generic_name, form, strength = drug_key.split("|")
        content = {
            "generic_name": generic_name,
            "english_name": english_name,
            "form": form,
            "strength": strength,
            "atc": atc,
            "base_unit": "粒",
            "pack_size": 6,
            "dose_unit": "mg",
            "dose_per_base_unit": 100_000,
        }
        self.store.react(
            RegisterEntryRecorded(kind="drug", code="X" * 23, content=content, valid_from=date(2020, 1, 1))
        )

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
        self.react(event, at)

    def react(self, event: IntegrationEvent, at: datetime | None = None) -> None:
        """It is taken, and the clock has had its turn."""
        self.store.react(event, at)
        spread(self.store)

    def case(self, n: int = 1, region: str = "33", drug: str = DRUG) -> CaseState:
        state: CaseState = self.store.state(case_ref(case_id(drug, region, n)))
        return state

    def id(self, n: int = 1, region: str = "33") -> UUID:
        return case_id(DRUG, region, n)

    def confirm(self, case: UUID, actor: Actor) -> Outcome:
        return self.store.run(use_cases.confirm_case(ConfirmCase(case_id=case, reason="多家药店报告")), actor)

    def dismiss(self, case: UUID, actor: Actor) -> Outcome:
        return self.store.run(use_cases.dismiss_case(DismissCase(case_id=case, reason="到货在途")), actor)


def spread(store: StoreInMemory) -> None:
    """The clock's next turns, without any time going by: every lot has its effect."""
    for stream_id, ref in list(store.refs.items()):
        while ref.aggregate is LOT and store.state(ref).spread_at is not None:
            store.run(spread_lot(stream_id))


def authority(region: str | None = "330000") -> Actor:
    return Actor("R33", "regulator", region=region)


@pytest.fixture
def region() -> Region:
    return Region()
