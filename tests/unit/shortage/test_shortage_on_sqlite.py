"""Shortage on its real store: three pharmacies, one case, one row."""

from pathlib import Path
from uuid import UUID

from contracts.events.dispatch import LineUnfilled
from services.shortage.composition import SERVICE
from services.shortage.domain.case import case_id, case_ref
from services.shortage.projections.cases import NOBODY
from tests.support.service_on_sqlite import service_on_sqlite
from tests.unit.shortage.conftest import DRUG, HANGZHOU

FIRST_PAGE = {"drug_key": "", "after_suspected_at": 2**63 - 1, "after_case_id": UUID(int=0), "limit": 10}


def unfilled(pharmacy: str) -> LineUnfilled:
    return LineUnfilled(
        drug_key=DRUG,
        product="XA01",
        pharmacy=pharmacy,
        region=HANGZHOU,
        quantity=12,
        reason="out_of_stock",
        on_hand_known=True,
        on_hand=0,
        demand_key="line-1",
    )


def test_three_pharmacies_make_a_confirmed_case(tmp_path: Path) -> None:
    with service_on_sqlite(SERVICE, tmp_path) as shortage:
        for pharmacy in ("P1", "P2"):
            shortage.react(unfilled(pharmacy))
        public = shortage.find("open_shortages", **FIRST_PAGE, within="330102", authority=NOBODY)
        (suspicion,) = shortage.find("open_shortages", **FIRST_PAGE, within="33", authority="33")
        shortage.react(unfilled("P3"))
        (confirmed,) = shortage.find("open_shortages", **FIRST_PAGE, within="330102", authority=NOBODY)
        elsewhere = shortage.find("open_shortages", **FIRST_PAGE, within="610103", authority="61")
        (loaded,) = shortage.load(case_ref(case_id(DRUG, "33", 1)))

    assert public == []
    assert elsewhere == []
    assert (suspicion["state"], confirmed["state"], confirmed["grade"]) == ("suspected", "confirmed", "III")
    assert loaded.state.confirmed.confirmed_by == "rule"
