"""Reference data is loaded row by row: wrong rows are named, the others reach their owner."""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import date
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

import rxflow.loading
from rxflow.cli import KINDS
from rxflow.client.failures import NoAnswer, Problem
from rxflow.loading import Row, Unloadable, load, read_rows
from rxflow.world import build_world

TODAY = date(2026, 1, 5)


class Owner:
    """Takes entries; refuses the codes it is told to."""

    def __init__(self, refused: Mapping[str, str] | None = None) -> None:
        self.entries: list[tuple[str, str, dict[str, Any]]] = []
        self.requests = 0
        self._refused = refused or {}

    def __call__(self, service: str, kind: str, entries: Sequence[Mapping[str, Any]]) -> list[str | None]:
        self.requests += 1
        self.entries += [(service, kind, dict(entry)) for entry in entries if entry["code"] not in self._refused]
        return [self._refused.get(entry["code"]) for entry in entries]


class Away:
    """An owner that refuses or does not answer whole requests."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def __call__(self, service: str, kind: str, entries: Sequence[Mapping[str, Any]]) -> list[str | None]:
        raise self._error


def written(directory: Path, name: str, text: str) -> Path:
    path = directory / name
    path.write_text(text, encoding="utf-8")
    return path


def test_family_doctors_contracts_load_from_a_table(tmp_path: Path) -> None:
    patient = "0190f3a2-0002-7c3e-9a51-5b2c8d6e4f10"
    rows = (f"FC330102001,D330102000002,{patient},2026-12-31", "FC330102002,D330102000002,nobody,")
    table = "\n".join(("code,doctor,patient_ref,valid_until", *rows))
    owner = Owner()

    read = read_rows(written(tmp_path, "contracts.csv", table), "family_contract")
    reports = list(load("family_contract", read, owner, valid_from=TODAY))

    assert [report.problem is None for report in reports] == [True, False]
    assert "patient_ref" in str(reports[1].problem)
    ((service, kind, entry),) = owner.entries
    assert (service, kind) == ("prescribe", "family_contract")
    assert (entry["valid_from"], entry["valid_until"]) == ("2026-01-05", "2026-12-31")
    assert entry["content"] == {"doctor": "D330102000002", "patient_ref": patient}


def test_the_command_names_every_kind() -> None:
    assert [kind for kind in rxflow.loading.KINDS if kind not in re.findall(r"\w+", KINDS)] == []


def test_the_drug_file_of_the_world_loads_as_it_is() -> None:
    owner = Owner()
    path = Path(str(files("rxflow.world").joinpath("drugs.csv")))

    reports = list(load("drug", read_rows(path, "drug"), owner, valid_from=TODAY))

    assert [report.problem for report in reports] == [None] * len(build_world().products)
    service, kind, entry = owner.entries[0]
    assert (service, kind, entry["valid_from"]) == ("prescribe", "drug", "2026-01-05")
    assert entry["content"]["pack_size"] == 7
    assert entry["content"]["deliverable"] is True
    assert "list_price" not in entry["content"]


OF_NO_WORLD = {"family_contract", "audit_rules", "benefit_policy", "delivery_tariff"}
"""One names a patient by the reference that registration makes, the others change rules that ship with the code."""


@pytest.mark.parametrize("kind", [kind for kind in rxflow.loading.KINDS if kind not in OF_NO_WORLD])
def test_each_register_of_the_world_loads_from_json(kind: str, tmp_path: Path) -> None:
    entries = [entry.as_json() for entry in build_world().entries(kind)]
    owner = Owner()

    rows = read_rows(written(tmp_path, "entries.json", json.dumps(entries)), kind)
    reports = list(load(kind, rows, owner, valid_from=TODAY))

    assert not [report for report in reports if report.problem]
    assert [entry["content"] for _, _, entry in owner.entries] == [entry["content"] for entry in entries]


def test_cells_of_lists_are_split_and_empty_cells_left_out(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "designations.csv",
        "code,pharmacy,insurer,channels,valid_from,valid_until\nP1-I1,P1,I1,定点; 双通道,2026-02-01,\n",
    )
    owner = Owner()

    list(load("designation", read_rows(path, "designation"), owner, valid_from=TODAY))

    assert owner.entries == [
        (
            "insurance",
            "designation",
            {
                "code": "P1-I1",
                "content": {"pharmacy": "P1", "insurer": "I1", "channels": ["定点", "双通道"]},
                "valid_from": "2026-02-01",
                "valid_until": None,
                "suspended": False,
            },
        )
    ]


def test_a_region_sets_its_own_benefits_and_what_overlaps_is_told(tmp_path: Path) -> None:
    row = {
        "id": "hz/2026",
        "insuplc": "330100",
        "insutype": "390",
        "psn_types": ["居民"],
        "med_types": ["门诊统筹"],
        "medins_lv": [1],
        "valid_from": "2026-01-01",
        "deductible": 10000,
        "pooled": {"ratio_bp": 6000, "annual_cap": 200000},
    }
    records = [
        {"code": "330100-390", "valid_from": "2026-01-01", "rows": [row]},
        {"code": "330200-390", "rows": [row, {**row, "id": "again"}]},
        {"code": "330300-390", "rows": [{**row, "deductible": -1}]},
    ]
    owner = Owner()

    rows = read_rows(written(tmp_path, "policies.json", json.dumps(records)), "benefit_policy")
    reports = list(load("benefit_policy", rows, owner, valid_from=TODAY))

    assert [report.problem is None for report in reports] == [True, False, False]
    ((service, kind, entry),) = owner.entries
    assert (service, kind, entry["code"], entry["valid_from"]) == (
        "insurance",
        "benefit_policy",
        "330100-390",
        "2026-01-01",
    )
    assert entry["content"]["rows"][0]["pooled"] == row["pooled"]


def test_a_cell_may_hold_json(tmp_path: Path) -> None:
    keys = '[{""kid"": ""k"", ""jwk"": {}, ""valid_from"": ""2026-01-01"", ""valid_until"": ""2027-01-01""}]'
    header = "code,name,professions,organisation,registration_no,keys"
    path = written(tmp_path, "people.csv", f'{header}\nD1,王示安,prescriber,H1,1,"{keys}"\n')

    assert read_rows(path, "person")[0].fields["keys"][0]["kid"] == "k"


def test_wrong_rows_are_named_and_the_others_go_on() -> None:
    rows = [
        Row(2, {"code": "I1", "name": "first", "region": "330100"}),
        Row(3, {"code": "I2", "name": "second", "region": "Hangzhou"}),
        Row(4, {"name": "no code", "region": "330100"}),
        Row(5, {"code": "I4", "name": "fourth", "region": "330100"}),
        Row(6, {"code": "I5", "name": "fifth", "region": "330100"}),
    ]
    owner = Owner({"I4": "code: not of the form"})

    reports = {report.number: report.problem for report in load("insurer", rows, owner, valid_from=TODAY)}

    assert reports[2] is None
    assert reports[3] is not None
    assert reports[3].startswith("region: ")
    assert "Hangzhou" not in reports[3], "the value may be personal"
    assert reports[4] is not None
    assert reports[4].startswith("code: ")
    assert reports[5] == "code: not of the form"
    assert reports[6] is None
    assert [entry["code"] for _, _, entry in owner.entries] == ["I1", "I5"]


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (
            Problem("identity.forbidden", 403, detail="The role has no right."),
            "identity.forbidden: The role has no right.",
        ),
        (NoAnswer("POST insurance: down"), "POST insurance: down"),
    ],
)
def test_a_request_that_fails_as_a_whole_is_the_fate_of_each_row(error: Exception, told: str) -> None:
    rows = [Row(number, {"code": f"I{number}", "name": "n", "region": "330100"}) for number in (1, 2)]

    reports = list(load("insurer", rows, Away(error), valid_from=TODAY))

    assert [report.problem for report in reports] == [told, told]


def test_long_files_are_sent_in_parts() -> None:
    rows = [Row(number, {"code": f"I{number}", "name": "n", "region": "330100"}) for number in range(200)]
    owner = Owner()

    reports = list(load("insurer", rows, owner, valid_from=TODAY))

    assert len(reports) == len(owner.entries) == 200
    assert owner.requests == 3


def test_nothing_is_sent_where_no_row_is_right() -> None:
    owner = Owner()

    list(load("insurer", [Row(1, {"code": "I1"})], owner, valid_from=TODAY))

    assert owner.requests == 0


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("a.csv", "", "no column code"),
        ("a.csv", "name,region\nn,330100\n", "no column code"),
        ("a.csv", "code,name,region\n", "no rows"),
        ("a.json", "{", "no JSON"),
        ("a.json", '{"code": "I1"}', "no list of objects"),
        ("a.json", "[1]", "no list of objects"),
        ("a.json", "[]", "no rows"),
    ],
)
def test_a_file_that_is_no_table_is_refused_whole(name: str, text: str, reason: str, tmp_path: Path) -> None:
    with pytest.raises(Unloadable, match=reason):
        read_rows(written(tmp_path, name, text), "insurer")


def test_a_missing_file_and_an_unknown_kind_are_refused(tmp_path: Path) -> None:
    with pytest.raises(Unloadable, match="cannot be read"):
        read_rows(tmp_path / "nowhere.csv", "insurer")
    with pytest.raises(Unloadable, match="no kind hospital; there are person"):
        read_rows(tmp_path / "nowhere.csv", "hospital")


def test_a_file_has_an_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rxflow.loading, "ROWS_MAX", 2)
    path = written(tmp_path, "a.csv", "code,name,region\nI1,n,330100\nI2,n,330100\nI3,n,330100\n")

    with pytest.raises(Unloadable, match="3 rows; at most 2"):
        read_rows(path, "insurer")


def test_a_broken_line_is_named(tmp_path: Path) -> None:
    path = written(tmp_path, "a.csv", f'code,name\nI1,"{"x" * 200_000}"\n')

    with pytest.raises(Unloadable, match="field larger"):
        read_rows(path, "insurer")


def test_a_cell_that_only_starts_like_json_is_reported_with_its_line(tmp_path: Path) -> None:
    path = written(tmp_path, "a.csv", "code,name\nI1,[broken\n")

    with pytest.raises(Unloadable, match="line 2"):
        read_rows(path, "insurer")
