"""Past supplies looked at again with other rules: what would have been found, and nothing is changed."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
import pytest
from rich.console import Console

from rxflow.audit_replay_cli import replay_audit
from services.insurance.composition import SERVICE
from services.insurance.domain.audit.case import audit_of
from services.insurance.domain.audit.history import HistoryState, history_of
from services.insurance.domain.audit.prescription import prescription_ref
from services.insurance.domain.audit.replay import Past, Replayed, replay
from services.insurance.domain.audit.rules import RuleSet
from services.insurance.domain.claim import ClaimState
from services.seedwork.settings import Settings
from tests.support.service_on_sqlite import service_on_sqlite
from tests.unit.insurance.audits import AGE, EARLY, HINT, RECALLED, SEX, TRACE, again, audited_world, released
from tests.unit.insurance.memory import PATIENT, PRESCRIPTION, SUPPLY, Memory, dispensed
from tests.unit.insurance.test_insurance_on_sqlite import admit
from tests.unit.insurance.test_trace_alarms import repeated


def rules(*named: dict[str, Any]) -> RuleSet:
    return RuleSet.model_validate({"version": "new", "rules": list(named)})


def past(memory: Memory, supply: UUID = SUPPLY, prescription: UUID = PRESCRIPTION) -> Past:
    return Past(
        claim=memory.claim(1, supply),
        case=memory.state(audit_of(supply)),
        prescription=memory.state(prescription_ref(prescription)),
        year=memory.state(history_of(PATIENT, 2026)),
        year_before=memory.state(history_of(PATIENT, 2025)),
        recalls={},
    )


def replayed(memory: Memory, candidate: RuleSet, supply: UUID = SUPPLY, prescription: UUID = PRESCRIPTION) -> Replayed:
    found = replay(past(memory, supply, prescription), candidate)
    assert found is not None
    return found


def names(again: Replayed) -> tuple[list[str], list[str]]:
    return [each.rule for each in again.new], [each.rule for each in again.vanished]


def found_by(*named: dict[str, Any]) -> Memory:
    memory = audited_world(*named)
    memory.hear(released(patient_sex="female"))
    memory.hear(dispensed())
    return memory


def test_what_would_be_found_now_differs() -> None:
    memory = found_by()
    found = replayed(memory, rules(SEX, HINT))
    assert (found.status, names(found)) == ("differs", (["SEX"], []))
    assert found.as_json()["new"][0]["grade"] == "violation"
    assert found.as_json()["claim"] == "quoted"


def test_what_would_not_be_found_any_more_differs() -> None:
    found = replayed(found_by(SEX), rules(AGE))
    assert (found.status, names(found)) == ("differs", ([], ["SEX"]))


@pytest.mark.parametrize("candidate", [rules(SEX), rules(SEX, HINT)])
def test_the_same_and_hints_make_no_difference(candidate: RuleSet) -> None:
    assert replayed(found_by(SEX), candidate).status == "same"


def test_another_grade_is_another_finding() -> None:
    found = replayed(found_by(SEX), rules({**SEX, "grade": "suspicious"}))
    assert names(found) == (["SEX"], ["SEX"])


def test_it_sees_what_came_before_and_not_what_came_later() -> None:
    memory = found_by()
    later = again(memory, 2)
    assert replayed(memory, rules(EARLY)).status == "same"
    assert names(replayed(memory, rules(EARLY), later, UUID(int=21))) == (["EARLY"], [])


def test_a_repeated_code_stays_known() -> None:
    memory = found_by(TRACE)
    memory.hear(repeated())
    assert replayed(memory, rules(TRACE)).status == "same"


def test_what_is_not_known_is_listed() -> None:
    memory = audited_world()
    memory.hear(dispensed())
    found = replayed(memory, rules(SEX, AGE))
    assert (found.status, found.unchecked) == ("same", ("SEX", "AGE"))


def test_uninsured_supplies_and_those_of_before_the_audit_are_counted_only() -> None:
    memory = audited_world()
    memory.hear(dispensed(insurance_intent="self_pay"))
    assert replayed(memory, rules(SEX)).status == "uninsured"
    insured = found_by()
    older = replace(past(insured), year=HistoryState())
    found = replay(older, rules(SEX))
    assert found is not None
    assert found.status == "uncounted"
    assert replay(replace(older, claim=ClaimState()), rules(SEX)) is None


def test_the_command_tells_what_differs_and_changes_nothing(tmp_path: Path) -> None:
    with service_on_sqlite(SERVICE, tmp_path) as insurance:
        admit(insurance)
        insurance.react(released(patient_sex="female"))
        insurance.react(dispensed())
        insurance.react(dispensed(supply_id=UUID(int=30), insurance_intent="self_pay"))
    before = (tmp_path / "insurance.db").read_bytes()
    settings = Settings(development=True, key_directory=tmp_path, database_url=f"sqlite:///{tmp_path}")
    console, candidate, out = Console(record=True, width=200), tmp_path / "rules.json", tmp_path / "found.json"

    def run(text: str, since: date = date(2026, 1, 1)) -> int:
        candidate.write_text(text)
        return replay_audit(console, console, settings, candidate, since, out)

    assert run(rules(SEX, RECALLED).model_dump_json()) == 1
    report = orjson.loads(out.read_bytes())
    assert report["totals"] == {"differs": 1, "uninsured": 1}
    assert [each["supply_id"] for each in report["cases"]] == [str(SUPPLY)]
    assert "2 supplies: 0 same, 1 differs, 1 uninsured, 0 uncounted" in console.export_text()
    assert run(rules(HINT).model_dump_json()) == 0
    assert run(rules(SEX).model_dump_json(), date(2100, 1, 1)) == 0
    assert run('{"version": "x", "rules": [{"id": "R"}]}') == 2
    assert "Field required" in console.export_text()
    assert (tmp_path / "insurance.db").read_bytes() == before
