"""Insurance on its real store: a claim's whole way, read models from the sealed log, member facts sealed."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import sqlalchemy as sa

from services.insurance.application.members import give_standing_authorisation, load_member
from services.insurance.application.payments import pay
from services.insurance.composition import OUTSIDE, SERVICE
from services.insurance.domain.claim import claim_id_of, claim_of
from services.insurance.domain.payment import PayShare, payment_of
from services.seedwork.clock import from_micros
from services.seedwork.store.batch import Wanted
from services.seedwork.store.tables import events
from tests.support.service_on_sqlite import ServiceOnSqlite, service_on_sqlite
from tests.unit.insurance.memory import (
    ADMIN,
    INSURER,
    JIA,
    PATIENT_ACTOR,
    SUPPLY,
    dispensed,
    golden_member,
    received,
    recorded,
    undone,
)


def admit(insurance: ServiceOnSqlite) -> None:
    today = from_micros(insurance.database.load(Wanted()).now).date()
    for kind, code, content in (
        ("insurer", INSURER, {"name": "市医疗保障局", "region": "310100"}),
        ("catalogue_entry", JIA, {"name": "甲类药", "drug_list_class": "甲"}),
    ):
        assert insurance.run(recorded(kind, code, content, date(2020, 1, 1)), ADMIN).body["recorded"] == 1
    member = golden_member(as_of=today, assistance="特困", account_balance=0)
    assert insurance.run(load_member(member), ADMIN).refusal is None
    assert insurance.run(give_standing_authorisation(PATIENT_ACTOR), PATIENT_ACTOR).refusal is None


def pay_share(insurance: ServiceOnSqlite) -> None:
    share = PayShare(payment_id=payment_of(claim_id_of(SUPPLY, 1)).stream_id, reference="WX-0001")
    assert insurance.run(pay(share, OUTSIDE), PATIENT_ACTOR).refusal is None


def test_a_claim_settles_and_its_member_stays_sealed(tmp_path: Path) -> None:
    with service_on_sqlite(SERVICE, tmp_path) as insurance:
        admit(insurance)
        insurance.react(dispensed())
        pay_share(insurance)
        insurance.react(received())

        (claim,) = insurance.load(claim_of(SUPPLY, 1))
        assert claim.state.state == "settled"
        (item,) = insurance.find("settlements_of_insurer", insurer=INSURER, after=0, limit=10)
        assert (item["kind"], item["total"]) == ("settled", 22500)
        assert item["fund"] + item["patient_share"] == 22500
        accounts = insurance.find("trial_balance", insurer=INSURER)
        assert sum(account["debit"] - account["credit"] for account in accounts) == 0
        (listed,) = insurance.find("claims_of_supply", supply_id=SUPPLY)
        assert listed["state"] == "settled"
        (payment,) = insurance.find("payments_of_claim", claim_id=claim_id_of(SUPPLY, 1))
        assert payment["status"] == "paid"
        entries = insurance.find("register_entries", kind="insurer", after="", limit=10)
        assert [entry["content"]["region"] for entry in entries] == ["310100"]

    with sa.create_engine(f"sqlite:///{tmp_path}/insurance.db").connect() as connection:
        stored = "".join(str(state, "utf-8") for state in connection.scalars(sa.select(events.c.state)))
    assert "特困" not in stored
    connection.engine.dispose()


def test_an_undone_supply_is_voided_and_refunded(tmp_path: Path) -> None:
    with service_on_sqlite(SERVICE, tmp_path) as insurance:
        admit(insurance)
        insurance.react(dispensed())
        pay_share(insurance)
        insurance.react(undone())

        (payment,) = insurance.load(payment_of(claim_id_of(SUPPLY, 1)))
        assert payment.state.state == "refunded"
        accounts = insurance.find("trial_balance", insurer=INSURER)
        assert accounts
        assert all(account["debit"] == account["credit"] for account in accounts)
