"""A trace code met a second time is a fact for the insurer who paid its first sale, and for nobody else."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from contracts.events.dispatch_later import CodePlace, TraceCodeRepeated
from contracts.roles import Role
from services.insurance.api import router
from services.insurance.application.claims import authorise_claim
from services.insurance.domain.claim import AuthoriseClaim, claim_id_of
from services.insurance.domain.trace_alarm import trace_alarm_of
from tests.support.http_caller import Caller
from tests.unit.insurance.memory import INSURER, NOW, PATIENT_ACTOR, PHARMACY, SUPPLY, Memory, dispensed, insured_world

HASH = "ab" * 32
OTHER_PHARMACY = "P31010400009"


def repeated(first_supply: UUID | None = SUPPLY, **changes: Any) -> TraceCodeRepeated:
    fields: dict[str, Any] = {
        "code_sha256": HASH,
        "product": "XA01AAA001A001010100001",
        "kind": "sale",
        "found": "sold",
        "first": CodePlace(pharmacy=PHARMACY, region="310101", at=NOW, supply_id=first_supply),
        "second": CodePlace(pharmacy=OTHER_PHARMACY, region="310104", at=NOW),
    }
    return TraceCodeRepeated(**{**fields, **changes})


@pytest.fixture
def memory() -> Memory:
    """With a claim that the insurer has authorised."""
    made = insured_world()
    made.hear(dispensed())
    command = AuthoriseClaim(claim_id=claim_id_of(SUPPLY, 1), credential="token-4711")
    made.run(authorise_claim(command, made.outside), PATIENT_ACTOR)
    return made


def listed(memory: Memory, keys: Path, insurer: str = INSURER) -> list[dict[str, Any]]:
    call = Caller(memory, router, keys)
    officer = call.token("officer-1", Role.INSURANCE_OFFICER, organisation=insurer)
    items: list[dict[str, Any]] = call(officer, "GET", "/trace-alarms").json()["items"]
    return items


def test_the_insurer_of_the_first_sale_sees_both_places_and_its_claim(memory: Memory, tmp_path: Path) -> None:
    memory.hear(repeated())

    (alarm,) = listed(memory, tmp_path)

    assert (alarm["code_sha256"], alarm["kind"], alarm["found"]) == (HASH, "sale", "sold")
    assert (alarm["first"]["pharmacy"], alarm["second"]["pharmacy"]) == (PHARMACY, OTHER_PHARMACY)
    assert alarm["claim_id"] == str(claim_id_of(SUPPLY, 1))
    assert "supply_id" not in alarm["first"]


def test_another_insurer_sees_nothing_of_it(memory: Memory, tmp_path: Path) -> None:
    memory.hear(repeated())

    assert listed(memory, tmp_path, "I320100") == []


def test_the_same_repeat_told_again_is_one_fact(memory: Memory, tmp_path: Path) -> None:
    memory.hear(repeated())
    memory.hear(repeated())
    memory.hear(repeated(kind="return"))

    assert [row["kind"] for row in listed(memory, tmp_path)] == ["return", "sale"]


@pytest.mark.parametrize("supply", [None, UUID(int=99)], ids=["never told", "without a claim"])
def test_a_first_sale_without_a_claim_is_kept_for_nobody(memory: Memory, tmp_path: Path, supply: UUID | None) -> None:
    memory.hear(repeated(supply))

    (kept,) = memory.state(trace_alarm_of(HASH)).repeats
    assert (kept.claim_id, kept.insurer) == (None, None)
    assert listed(memory, tmp_path) == []
