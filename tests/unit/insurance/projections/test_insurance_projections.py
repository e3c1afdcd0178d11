"""What lists, the settlement feed and the trial balance show."""

from __future__ import annotations

from functools import partial
from typing import Any
from uuid import UUID

import pytest

from services.insurance.application.claims import authorise_claim
from services.insurance.application.members import give_standing_authorisation, load_member
from services.insurance.application.payments import pay
from services.insurance.domain.claim import CLAIM as CLAIMS
from services.insurance.domain.claim import AuthoriseClaim, claim_id_of
from services.insurance.domain.claim_audit import AuditLifted
from services.insurance.domain.claim_events import ClaimRefused
from services.insurance.domain.payment import PayShare, payment_of
from services.insurance.projections.claims import PROJECTION
from services.seedwork.usecase import Decision, UseCase
from tests.unit.insurance.far import Far
from tests.unit.insurance.memory import (
    ADMIN,
    INSURER,
    NOW,
    PATIENT_ACTOR,
    PHARMACY,
    SUPPLY,
    Memory,
    dispensed,
    golden_member,
    insured_world,
    received,
    recorded,
    undone,
)

CLAIM = claim_id_of(SUPPLY, 1)
OTHER = UUID(int=40)


def share(memory: Memory, supply: UUID, reference: str, attempt: int = 1) -> None:
    payment = payment_of(claim_id_of(supply, attempt)).stream_id
    memory.run(pay(PayShare(payment_id=payment, reference=reference), memory.outside), PATIENT_ACTOR)


def busy_world() -> Memory:
    """One settled claim, one voided after payment, one dropped quote, one paid alone and settled."""
    memory = insured_world()
    dropped, alone = UUID(int=41), UUID(int=42)
    memory.hear(dispensed(supply_id=dropped))
    memory.hear(undone(supply=dropped))
    memory.run(give_standing_authorisation(PATIENT_ACTOR), PATIENT_ACTOR)
    memory.hear(dispensed())
    share(memory, SUPPLY, "WX-0001")
    memory.hear(dispensed(supply_id=OTHER))
    share(memory, OTHER, "WX-0002")
    memory.hear(undone(supply=OTHER))
    memory.hear(received())
    memory.hear(dispensed(supply_id=alone, insurance_intent="self_pay"))
    share(memory, alone, "WX-0003")
    memory.hear(received(supply=alone))
    return memory


def settlements(memory: Memory, after: int = 0, limit: int = 100, insurer: str = INSURER) -> list[Any]:
    return list(memory.rows("settlements_of_insurer", insurer=insurer, after=after, limit=limit))


def test_the_claims_of_a_supply_are_listed_by_attempt() -> None:
    memory = insured_world()
    memory.run(give_standing_authorisation(PATIENT_ACTOR), PATIENT_ACTOR)
    memory.hear(dispensed())
    share(memory, SUPPLY, "DECLINE-1")
    rows = memory.rows("claims_of_supply", supply_id=SUPPLY)
    assert [(row["attempt"], row["state"]) for row in rows] == [(1, "voided"), (2, "authorised")]
    assert rows[1]["patient_share"] == 4200
    assert rows[1]["payers"][0] == {"payer": "hifp", "amount": 7350, "rule": "cn/000000/390/2026/hifp"}
    assert memory.rows("claims_of_supply", supply_id=OTHER) == []


def test_a_refused_claim_is_listed_as_refused() -> None:
    memory = insured_world()
    memory.hear(dispensed())
    memory.run(load_member(golden_member(as_of=NOW.date(), insured_until="2026-03-01")), ADMIN)
    memory.run(authorise_claim(AuthoriseClaim(claim_id=CLAIM, credential="token-1"), memory.outside), PATIENT_ACTOR)
    assert memory.rows("claims_of_supply", supply_id=SUPPLY)[0]["state"] == "refused"


@pytest.mark.parametrize("credential", [None, "token-1"])
def test_the_listed_state_is_the_claims_own(credential: str | None) -> None:
    memory = insured_world()
    memory.hear(dispensed())
    if credential:
        ask = AuthoriseClaim(claim_id=CLAIM, credential=credential)
        memory.run(authorise_claim(ask, memory.outside), PATIENT_ACTOR)
    assert memory.rows("claims_of_supply", supply_id=SUPPLY)[0]["state"] == memory.claim().state


def test_a_claim_is_listed_as_settling_until_its_insurer_has_booked() -> None:
    far = Far(steps="two_step")
    far.hear()
    far.ask()
    far.pay()
    listed = []
    for step in (lambda: far.memory.hear(received()), far.tick):
        step()
        listed += [row["state"] for row in far.memory.rows("claims_of_supply", supply_id=SUPPLY)]
    assert listed == ["settling", "settled"]


def test_a_claim_whose_audit_is_lifted_is_listed_as_quoted() -> None:
    memory = insured_world()
    memory.hear(dispensed())
    listed = []
    for event in (ClaimRefused(reasons=("audit",)), AuditLifted()):
        happens = partial(lambda event, _moment, claim: Decision.on(claim, [event]), event)
        memory.run(UseCase((CLAIMS.ref(CLAIM),), happens), ADMIN)
        listed.append(memory.rows("claims_of_supply", supply_id=SUPPLY)[0]["state"])
    assert listed == ["refused", "quoted"]


def test_the_feed_tells_an_insurer_its_settled_and_taken_back_claims_in_order() -> None:
    memory = busy_world()
    items = settlements(memory)
    assert [(item["kind"], item["supply_id"]) for item in items] == [("voided", OTHER), ("settled", SUPPLY)]
    assert items[0]["reason"] == "supply_undone"
    assert items[1]["fund"] == 12300
    assert len(items[1]["receipt_sha256"]) == 64
    assert settlements(memory, after=items[0]["position"]) == items[1:]
    assert settlements(memory, limit=1) == items[:1]
    assert settlements(memory, insurer="I330100") == []


def test_the_feed_of_an_insurer_is_read_by_an_index_in_its_order() -> None:
    memory = busy_world()
    feed = PROJECTION.queries["settlements_of_insurer"]
    text = feed.compile(memory.engine)
    values = {**text.params, "insurer": INSURER, "after": 0, "limit": 10}
    assert text.positiontup is not None
    with memory.engine.connect() as connection:
        given = tuple(values[name] for name in text.positiontup)
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", given)
        steps = [str(row[-1]) for row in plan]
    assert any("settlements_of_insurer_in_order (insurer=? AND position>?)" in step for step in steps)
    assert not any("SCAN" in step or "TEMP B-TREE" in step for step in steps)


def test_payments_are_found_by_claim() -> None:
    memory = busy_world()
    (paid,) = memory.rows("payments_of_claim", claim_id=CLAIM)
    assert (paid["status"], paid["amount"], paid["reference"]) == ("paid", 4200, "WX-0001")
    (refunded,) = memory.rows("payments_of_claim", claim_id=claim_id_of(OTHER, 1))
    assert (refunded["status"], refunded["reference"]) == ("refunded", "WX-0002")
    assert refunded["refund_reference"]


def test_the_trial_balance_of_an_insurer_sums_to_zero() -> None:
    memory = busy_world()
    accounts = {row["account"]: row["debit"] - row["credit"] for row in memory.rows("trial_balance", insurer=INSURER)}
    assert sum(accounts.values()) == 0
    assert accounts[f"payable.{PHARMACY}"] == -22500
    assert accounts[f"held.{PHARMACY}"] == 0
    assert accounts[f"receivable.hifp.{INSURER}"] == 7350
    assert accounts["provider.simulated"] == 4200
    assert memory.rows("trial_balance", insurer="I330100") == []


def test_register_entries_are_listed_by_code_as_they_stand() -> None:
    memory = insured_world()
    for name in ("一局", "二局"):
        memory.run(recorded("insurer", "I330100", {"name": name, "region": "330100"}), ADMIN)
    rows = memory.rows("register_entries", kind="insurer", after="", limit=10)
    assert [(row["code"], row["content"]["name"]) for row in rows] == [(INSURER, "市医疗保障局"), ("I330100", "二局")]


def test_a_rebuild_gives_the_same_rows() -> None:
    memory = busy_world()
    before = settlements(memory)
    memory.rebuild()
    assert settlements(memory) == before
