"""Shortage on its real store: three pharmacies, one case, one row."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest

from contracts.events.dispatch_stock import LineUnfilled
from services.shortage.application.detecting import judge_facts
from services.shortage.composition import SERVICE
from services.shortage.domain.case import case_id, case_ref
from services.shortage.domain.watch import watch_ref
from services.shortage.projections.cases import NOBODY
from tests.support.service_on_sqlite import service_on_sqlite
from tests.unit.shortage.conftest import DRUG, HANGZHOU
from tests.unit.shortage.test_live_detection import told

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


def test_detectors_read_their_facts_from_the_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at = datetime.now(UTC) - timedelta(hours=1)
    with service_on_sqlite(SERVICE, tmp_path) as shortage:
        for n in range(12):
            shortage.react(told(f"P{n}", at + timedelta(minutes=n)))
        shortage.react(unfilled("P1"))
        shortage.fire()
        shortage.find("watched_lines_of", drug_key=DRUG, since=0, limit=1)  # what was told is in the read models
        (loaded,) = shortage.load(watch_ref(DRUG))
        assert loaded.state.facts_at is not None
        monkeypatch.setattr("services.shortage.application.detecting.due", lambda _state, _now: True)
        shortage.run(judge_facts(watch_ref(DRUG).stream_id))
        (watch,) = shortage.load(watch_ref(DRUG))

    assert {alarm.node for alarm in watch.state.alarms.values()} >= {"", "33"}
    assert {sign.node for sign in watch.state.waiting.values()} == {"", "33"}


def test_three_pharmacies_make_a_confirmed_case(tmp_path: Path) -> None:
    with service_on_sqlite(SERVICE, tmp_path) as shortage:
        for pharmacy in ("P1", "P2"):
            shortage.react(unfilled(pharmacy))
        shortage.fire()
        public = shortage.find("open_shortages", **FIRST_PAGE, within="330102", authority=NOBODY)
        (suspicion,) = shortage.find("open_shortages", **FIRST_PAGE, within="33", authority="33")
        shortage.react(unfilled("P3"))
        shortage.fire()
        (confirmed,) = shortage.find("open_shortages", **FIRST_PAGE, within="330102", authority=NOBODY)
        elsewhere = shortage.find("open_shortages", **FIRST_PAGE, within="610103", authority="61")
        (loaded,) = shortage.load(case_ref(case_id(DRUG, "33", 1)))

    assert public == []
    assert elsewhere == []
    assert (suspicion["state"], confirmed["state"], confirmed["grade"]) == ("suspected", "confirmed", "III")
    assert loaded.state.confirmed.confirmed_by == "rule"
