"""The rendered docs say what the code says; every setting, role and table has its place in them."""

from __future__ import annotations

import ast
import re
import subprocess
from importlib import import_module
from pathlib import Path
from typing import Any

import orjson
import pytest

from contracts.errors import CATALOGUE
from contracts.events import EVENTS
from contracts.roles import RIGHTS, Role
from contracts.topology import FAMILIES, PORTS
from rxflow.docs.__main__ import main
from rxflow.docs.reference import OTHER_VARIABLES, setting_meanings, variable
from rxflow.docs.rendering import DOCS, outdated, render, rendered
from rxflow.docs.services import transition_tables
from services.seedwork.settings import Settings

ROOT = DOCS.parent
ADR_PARTS = ("Status", "Context", "Decision", "Consequences")


@pytest.fixture(scope="module")
def now() -> dict[str, str]:
    return rendered()


def tracked(*patterns: str) -> list[Path]:
    listed = subprocess.run(["git", "ls-files", *patterns], cwd=ROOT, capture_output=True, text=True, check=True)
    return [ROOT / line for line in listed.stdout.splitlines() if (ROOT / line).is_file()]


def test_what_is_committed_is_what_the_code_renders(now: dict[str, str]) -> None:
    different = [name for name, text in now.items() if (DOCS / name).read_text(encoding="utf-8") != text]

    assert different == [], "make docs"


def test_rendering_is_deterministic(now: dict[str, str]) -> None:
    assert rendered() == now


def test_rendering_writes_what_is_outdated_and_nothing_else(tmp_path: Path, now: dict[str, str]) -> None:
    assert set(render(tmp_path)) == now.keys()
    assert outdated(tmp_path) == []

    (tmp_path / "errors.md").write_text("another", encoding="utf-8")

    assert outdated(tmp_path) == ["errors.md"]
    assert render(tmp_path) == ["errors.md"]


def test_the_check_passes_and_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--check"]) == 0
    assert capsys.readouterr().out == ""


def test_everything_of_the_tables_is_rendered(now: dict[str, str]) -> None:
    assert all(f"`{code}`" in now["errors.md"] for code in CATALOGUE)
    assert all(f"`{right}`" in now["roles.md"] for right in (*RIGHTS, *Role))
    assert all(f"`{name}`" in now["topology.md"] for name in (*EVENTS, *(family.name for family in FAMILIES)))
    assert all(f"`{variable(name)}`" in now["settings.md"] for name in Settings.model_fields)


def test_every_service_has_transition_tables_and_no_table_is_rendered_twice() -> None:
    tables = list(transition_tables())

    assert {table.service for table in tables} == PORTS.keys()
    assert len({(table.service, table.name) for table in tables}) == len(tables)
    assert all(row.state and row.trigger and row.next for table in tables for row in table.transitions.rows)


def test_every_setting_says_what_it_means_and_no_other_is_listed() -> None:
    assert setting_meanings().keys() == {variable(name) for name in Settings.model_fields}


def test_every_variable_that_is_read_anywhere_is_listed() -> None:
    readable = {".py", ".yml", ".sh", ".md", ".toml", ""}
    texts = [
        path.read_text(encoding="utf-8") for path in tracked() if path.suffix in readable and DOCS not in path.parents
    ]
    named = {name for text in texts for name in re.findall(r"\bRXFLOW_[A-Z]+(?:_[A-Z]+)*\b", text)}

    settings = {variable(name) for name in Settings.model_fields}
    assert named - settings == OTHER_VARIABLES.keys()


def references(node: Any) -> set[str]:
    if isinstance(node, dict):
        own = {node["$ref"]} if isinstance(node.get("$ref"), str) else set()
        return own.union(*(references(value) for value in node.values()))
    if isinstance(node, list):
        return set().union(*(references(value) for value in node))
    return set()


def resolves(document: Any, reference: str) -> bool:
    for step in reference.removeprefix("#/").split("/"):
        if step not in document:
            return False
        document = document[step]
    return reference.startswith("#/")


@pytest.mark.parametrize("name", ["asyncapi.json", *(f"openapi/{service}.json" for service in PORTS)])
def test_a_document_refers_only_to_what_it_holds(now: dict[str, str], name: str) -> None:
    document = orjson.loads(now[name])

    assert references(document)
    assert [each for each in references(document) if not resolves(document, each)] == []


def test_the_asyncapi_document_tells_every_event_once_and_who_sends_and_receives_it(now: dict[str, str]) -> None:
    document = orjson.loads(now["asyncapi.json"])

    told = [name for channel in document["channels"].values() for name in channel["messages"]]
    assert sorted(told) == sorted(EVENTS) == sorted(document["components"]["messages"])
    for family in FAMILIES:
        expected = {f"{family.producer}.send.{family.name}"}
        expected |= {f"{consumer}.receive.{family.name}" for consumer in family.consumers}
        assert expected <= document["operations"].keys()


def test_every_operation_of_an_openapi_document_is_described(now: dict[str, str]) -> None:
    for service in PORTS:
        document = orjson.loads(now[f"openapi/{service}.json"])
        for path, operations in document["paths"].items():
            for method, operation in operations.items():
                assert operation.get("description"), f"{service} {method} {path}"


def written_pages() -> list[Path]:
    return [*DOCS.rglob("*.md"), *ROOT.glob("*.md"), *(ROOT / "contracts").glob("*.md"), *ROOT.glob("services/*/*.md")]


@pytest.mark.parametrize("path", written_pages(), ids=lambda path: str(path.relative_to(ROOT)))
def test_links_between_pages_lead_somewhere(path: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", path.read_text(encoding="utf-8"))

    missing = [link for link in links if "://" not in link and not (path.parent / link).exists()]
    assert missing == []


@pytest.mark.parametrize("path", sorted((DOCS / "adr").glob("[0-9]*.md")), ids=lambda path: path.stem)
def test_a_decision_is_recorded_in_its_parts_and_listed(path: Path) -> None:
    text = path.read_text(encoding="utf-8")

    assert text.startswith(f"# {int(path.stem[:4])}. ")
    assert tuple(re.findall(r"^## (.*)$", text, flags=re.MULTILINE)) == ADR_PARTS
    assert path.name in (DOCS / "adr" / "README.md").read_text(encoding="utf-8")


def test_a_test_that_the_status_names_exists() -> None:
    status = (DOCS / "status.md").read_text(encoding="utf-8")
    named = re.findall(r"`(tests/[^`:]+)(?:::(\w+))?`", status)

    assert named
    missing = [
        f"{place}::{test}" if test else place
        for place, test in named
        if not (ROOT / place).is_file() or (test and f"def {test}(" not in (ROOT / place).read_text(encoding="utf-8"))
    ]
    assert missing == []


def test_the_readme_asks_only_for_routes_that_exist(now: dict[str, str]) -> None:
    asked = re.findall(r"http://127\.0\.0\.1:(\d+)(/[\w/-]+)", (ROOT / "README.md").read_text(encoding="utf-8"))
    service_at = {str(port): service for service, port in PORTS.items()}

    assert asked
    for port, path in asked:
        assert path in orjson.loads(now[f"openapi/{service_at[port]}.json"])["paths"]


def test_the_readme_imports_only_what_exists() -> None:
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), flags=re.DOTALL)
    tree = ast.parse("\n".join(blocks))

    imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    assert imports
    for node in imports:
        module = import_module(node.module or "")
        assert all(hasattr(module, alias.name) for alias in node.names), node.module


def test_a_page_that_the_code_names_exists() -> None:
    named = {
        (path.relative_to(ROOT), page)
        for path in tracked("contracts/*.py", "services/*.py", "rxflow/*.py")
        for page in re.findall(r"`((?:\w+/)*\w+\.md)`?", path.read_text(encoding="utf-8"))
    }

    assert named
    assert [(str(path), page) for path, page in named if not (ROOT / page).is_file()] == []
