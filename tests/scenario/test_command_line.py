"""The command line beside a running `rxflow up`: it restarts what dies, loads reference data and stops cleanly."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import httpx
import pytest

from contracts.roles import Role
from rxflow.client import Connection, Session, wait_until
from rxflow.installation import Installation
from rxflow.world import build_world
from tests.scenario.installations import as_json, rxflow, rxflow_up
from tests.support.knowledge import document

pytestmark = pytest.mark.xdist_group("scenario-embedded")
NEW = "X" + "0" * 22
DRUGS = str(files("rxflow.world").joinpath("drugs.csv"))
KNOWLEDGE = str(files("services.review").joinpath("knowledge", "reference"))


@dataclass(frozen=True)
class Up:
    """A running `rxflow up`."""

    installation: Installation
    process: subprocess.Popen[str]
    output: Path

    def said(self) -> str:
        return self.output.read_text()


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    directory = tmp_path_factory.mktemp("up")
    with rxflow_up(directory) as (installation, process):
        yield Up(installation, process, directory / "up.log")


def started(up: Up, kind: str) -> list[int]:
    return [int(pid) for pid in re.findall(rf"^{kind}: started, process (\d+)$", up.said(), flags=re.MULTILINE)]


def test_it_tells_where_it_listens_and_a_token_for_each_role(up: Up) -> None:
    wait_until(lambda: f"{Role.SYSTEM_ADMIN.value}: ey" in up.said(), "the tokens")

    for service, port in up.installation.ports.items():
        assert re.search(rf"{service}\W+http://127\.0\.0\.1:{port}", up.said())
    for role in Role:
        assert (f"{role.value}: ey" in up.said()) == (role is not Role.SERVICE)


def test_a_token_of_the_command_line_is_accepted(up: Up) -> None:
    made = rxflow(up.installation, "token", "--role", "prescriber")

    with httpx.Client(trust_env=False) as http:
        url = f"{up.installation.addresses.of('prescribe')}/prescriptions"
        with_it = http.get(url, headers={"Authorization": f"Bearer {made.stdout.strip()}"})
        without = http.get(url)

    assert with_it.status_code == 200
    assert without.status_code == 401
    assert without.json()["code"] == "identity.missing"


def test_a_file_is_loaded_row_by_row_and_again_without_effect(up: Up) -> None:
    for _ in range(2):
        loaded = rxflow(up.installation, "load", "drug", DRUGS, "--quiet")
        assert loaded.returncode == 0, loaded.stderr
        assert loaded.stdout.strip() == f"{len(build_world().products)} of {len(build_world().products)} rows are in"


def test_a_wrong_row_is_named_and_the_others_are_in(up: Up, tmp_path: Path) -> None:
    entries = [entry.as_json() for entry in build_world().entries("insurer")]
    entries[1]["content"]["region"] = "somewhere"

    loaded = rxflow(up.installation, "load", "insurer", str(as_json(tmp_path / "insurers.json", entries)))

    assert loaded.returncode == 1
    assert f"{len(entries) - 1} of {len(entries)} rows are in" in loaded.stdout
    assert "region: " in loaded.stdout


def test_a_file_that_is_no_table_is_refused(up: Up, tmp_path: Path) -> None:
    (tmp_path / "insurers.json").write_text("{")

    assert rxflow(up.installation, "load", "insurer", str(tmp_path / "insurers.json")).returncode == 2
    assert rxflow(up.installation, "load", "hospital", DRUGS).returncode == 2


def test_a_set_of_knowledge_is_loaded_whole_or_not_at_all(up: Up, tmp_path: Path) -> None:
    again = rxflow(up.installation, "load", "knowledge", KNOWLEDGE)
    faulty = as_json(tmp_path / "faulty.json", document(skin_tests=[{"id": "unsourced"}]))
    refused = rxflow(up.installation, "load", "knowledge", str(faulty))
    other = as_json(tmp_path / "small.json", document(valid_from="2099-01-01"))
    loaded = rxflow(up.installation, "load", "knowledge", str(other))

    assert (again.returncode, loaded.returncode) == (0, 0), again.stderr + loaded.stderr
    assert "unchanged" in again.stdout
    assert refused.returncode == 1
    assert "unsourced" in refused.stderr
    assert "nothing of the set was taken" in refused.stderr
    assert "small-1: " in loaded.stdout
    assert "in force from 2099-01-01" in loaded.stdout


def test_past_cases_are_tried_with_another_set(up: Up, tmp_path: Path) -> None:
    tried = rxflow(up.installation, "replay-review", "--knowledge", KNOWLEDGE, "--since", "2026-01-01")
    broken = rxflow(up.installation, "replay-review", "--knowledge", DRUGS, "--since", "2026-01-01")

    assert tried.returncode == 0, tried.stderr
    assert " cases: " in tried.stdout
    assert broken.returncode == 2


def test_there_are_no_dead_letters(up: Up) -> None:
    listed = rxflow(up.installation, "dead-letters", "list")
    missing = rxflow(up.installation, "dead-letters", "show", "review", "1")

    assert (listed.returncode, listed.stdout.strip()) == (0, "no dead letters")
    assert (missing.returncode, missing.stderr.strip()) == (1, "no dead letter 1")


def test_read_models_are_made_anew_while_their_old_rows_answer(up: Up, tmp_path: Path) -> None:
    token = rxflow(up.installation, "token", "--role", "prescriber").stdout.strip()
    assert rxflow(up.installation, "load", "drug", DRUGS).returncode == 0
    first, *_ = [entry.as_json() for entry in build_world().entries("drug")]
    with Connection(up.installation.addresses) as connection:

        def drugs() -> list[str]:
            page = Session(connection, token).read("prescribe", "/registers/drug", limit=200)
            return [item["code"] for item in page["items"]]

        before = wait_until(drugs, "drugs in the list")
        asked = rxflow(up.installation, "rebuild", "prescribe")
        assert (asked.returncode, "registers is made anew" in asked.stdout) == (0, True)
        another = as_json(tmp_path / "drugs.json", [{**first, "code": NEW}])
        loaded = rxflow(up.installation, "load", "drug", str(another))
        assert loaded.returncode == 0, loaded.stdout

        def with_the_new_one() -> bool:
            listed = drugs()
            assert set(listed) >= set(before[:-1]), "no gap"
            return NEW in listed

        wait_until(with_the_new_one, "the new rows")


def test_a_second_one_says_that_the_ports_are_in_use(up: Up) -> None:
    second = rxflow(up.installation, "up")

    assert second.returncode == 1
    assert "in use" in second.stderr


@pytest.mark.parametrize("kind", ["api", "worker"])
def test_what_dies_is_started_again(up: Up, kind: str) -> None:
    before = started(up, kind)
    os.kill(before[-1], signal.SIGKILL)

    wait_until(lambda: len(started(up, kind)) > len(before), "another process")
    up.installation.wait_until_ready()

    assert f"{kind}: ended (signal SIGKILL), again in 0.5 s" in up.said()


def test_it_stops_cleanly_when_told(up: Up) -> None:
    up.process.send_signal(signal.SIGTERM)

    assert up.process.wait(40) == 0
    assert up.said().count(": stopped\n") == 2
    assert not up.installation.ports_in_use()


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["serve", "pharmacy", "--api"], "no service pharmacy"),
        (["serve", "review"], "either --api or --worker"),
        (["serve", "review", "--api", "--worker"], "either --api or --worker"),
        (["token", "--role", "service"], "say --subject"),
        (["dead-letters", "skip", "review", "1", "--reason", " "], "say why"),
        (["dead-letters", "list", "pharmacy"], "no service pharmacy"),
        (["webhooks", "list", "review"], "review calls nobody"),
        (["webhooks", "list", "insurance"], "say --party"),
        (["rebuild", "pharmacy"], "no service pharmacy"),
        (["rebuild", "review", "stock"], "there are review_queue"),
    ],
)
def test_wrong_use_is_explained(arguments: list[str], reason: str, tmp_path: Path) -> None:
    ended = rxflow(Installation.in_directory(tmp_path), *arguments)

    assert ended.returncode == 2
    assert reason in ended.stderr


def test_outside_development_mode_nobody_is_given_a_token(tmp_path: Path) -> None:
    installation = Installation.in_directory(tmp_path)
    real = Installation({**installation.settings, "development": False})

    ended = rxflow(real, "token", "--role", "prescriber")

    assert ended.returncode == 1
    assert "identity provider" in ended.stderr


def test_wrong_settings_are_named(tmp_path: Path) -> None:
    wrong = Installation({**Installation.in_directory(tmp_path).settings, "database_url": "mysql://localhost/rxflow"})

    ended = rxflow(wrong, "migrate")

    assert ended.returncode == 2
    assert ended.stderr.startswith("database_url: ")
    assert json.dumps(ended.stderr).count("Traceback") == 0
