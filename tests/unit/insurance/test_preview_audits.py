"""The audit as a hint before signing: by what the asker says and the patient was supplied; nothing of it is kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from contracts.roles import Role
from tests.unit.insurance.audits import AGE, EARLY, HINT, RECALLED, SEX, TRACE, audited_world, released, rule
from tests.unit.insurance.memory import BING, JIA, YI, dispensed, dispensed_line
from tests.unit.insurance.test_insurance_api import Desk, problem
from tests.unit.insurance.test_share_previews import GOLDEN, ask

DOUBLE = rule("DOUBLE", {"kind": "duplicate", "window_days": 30}, "violation")
LONG = rule("LONG", {"kind": "quantity", "days_max": 30, "window_days": 30}, "suspicious")
DOCTORS = rule("DOCTORS", {"kind": "doctor_shopping", "window_days": 30, "prescribers_max": 1}, "suspicious")


def desk_with(tmp_path: Path, *rules: dict[str, Any]) -> Desk:
    return Desk(audited_world(*rules), tmp_path)


def hints(desk: Desk, *lines: str, **said: Any) -> list[tuple[str, str, list[int]]]:
    response = ask(desk, *lines, **said)
    assert response.status_code == 200, response.text
    return [(hint["rule"], hint["grade"], hint["lines"]) for hint in response.json()["audit_hints"]]


def test_by_what_is_said_of_patient_and_diagnosis(tmp_path: Path) -> None:
    desk = desk_with(tmp_path, AGE, HINT)
    assert hints(desk, age_days=365 * 10, diagnoses=["J06.9"]) == [
        ("AGE", "suspicious", [1, 2, 3]),
        ("HINT", "hint", [1, 2, 3]),
    ]
    assert hints(desk, age_days=365 * 40, diagnoses=["K21.0", "J06.9"]) == []


def test_what_is_not_said_is_held_against_nobody(tmp_path: Path) -> None:
    desk = desk_with(tmp_path, AGE, HINT, SEX, LONG, TRACE, RECALLED)
    shown = ask(desk).json()
    assert (shown["audit_hints"], shown["audit_unchecked"]) == ([], ["AGE", "HINT", "LONG"])


def test_by_what_the_patient_was_supplied(tmp_path: Path) -> None:
    desk = desk_with(tmp_path, DOUBLE)
    assert hints(desk) == []
    desk.memory.hear(dispensed(lines=(dispensed_line(1, YI, 1, 4800),)))
    assert hints(desk) == [("DOUBLE", "violation", [2])]
    assert hints(desk, f"{JIA}:20:10", f"{BING}:10:10:3000") == []


def test_by_how_long_it_lasts(tmp_path: Path) -> None:
    desk = desk_with(tmp_path, LONG)
    assert hints(desk, days=[31, 30]) == [("LONG", "suspicious", [1])]
    assert hints(desk, days=[30, 30, 30]) == []


def test_a_prescriber_who_asks_is_the_one_who_would_sign(tmp_path: Path) -> None:
    desk = desk_with(tmp_path, DOCTORS)
    asked = ask(desk, role=Role.PRESCRIBER).json()
    assert (asked["audit_hints"], asked["audit_unchecked"]) == ([], [])
    assert ask(desk).json()["audit_unchecked"] == ["DOCTORS"]


def test_early_by_the_days_of_the_supply_before(tmp_path: Path) -> None:
    desk = desk_with(tmp_path, EARLY)
    desk.memory.hear(released())
    desk.memory.hear(dispensed(lines=(dispensed_line(1, JIA, 2, 2550),)))
    assert hints(desk) == [("EARLY", "suspicious", [1])]


def test_where_no_insurer_pays_nothing_is_audited(tmp_path: Path) -> None:
    desk = desk_with(tmp_path, AGE)
    assert hints(desk, age_days=100, insurance_intent="self_pay") == []


def test_nothing_is_kept_of_it(tmp_path: Path) -> None:
    desk = desk_with(tmp_path, AGE)
    before = len(desk.memory.log)
    assert hints(desk, age_days=100) == [("AGE", "suspicious", [1, 2, 3])]
    assert len(desk.memory.log) == before


@pytest.mark.parametrize("said", [{"sex": "?"}, {"age_days": -1}, {"diagnoses": ["<x>"]}, {"days": [0]}])
def test_what_is_no_answer_is_refused(tmp_path: Path, said: dict[str, Any]) -> None:
    assert problem(ask(desk_with(tmp_path, AGE), *GOLDEN, **said))[0] == 422
