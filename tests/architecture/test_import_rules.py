"""The dependency rule, held by import-linter; each contract is seen failing on a copy with one forbidden import."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

FORBIDDEN = {
    "no-service-imports-another": ("services/review/application/__init__.py", "import services.prescribe.composition"),
    "layers": ("services/prescribe/domain/__init__.py", "import services.prescribe.application"),
    "pure-domain": ("services/dispatch/domain/__init__.py", "import sqlalchemy"),
    "application-knows-no-rim": ("services/insurance/application/__init__.py", "import fastapi"),
    "nameko-at-the-rim": ("services/seedwork/relay.py", "import nameko"),
    "contracts-know-no-service": ("contracts/topology.py", "import services.seedwork.store"),
}
"""A forbidden import for every contract of `.importlinter`."""


def lint(folder: Path, contract: str | None = None) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    if contract:
        command += ["--contract", contract]
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=120
    )


def test_every_contract_has_its_forbidden_import() -> None:
    parser = ConfigParser()
    parser.read(ROOT / ".importlinter")
    contracts = {name.rpartition(":")[2] for name in parser.sections() if ":contract:" in name}

    assert contracts == FORBIDDEN.keys()


def test_the_tree_keeps_its_import_rules() -> None:
    result = lint(ROOT)

    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("contract", FORBIDDEN)
def test_a_forbidden_import_is_found(contract: str, tmp_path: Path) -> None:
    # given: a copy of the tree with one forbidden import
    for package in ("contracts", "services", "rxflow"):
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / ".importlinter", tmp_path)
    path, line = FORBIDDEN[contract]
    module = tmp_path / path
    module.write_text(module.read_text(encoding="utf-8") + f"\n{line}\n", encoding="utf-8")

    # when
    result = lint(tmp_path, contract)

    # then
    assert result.returncode == 1
    assert "BROKEN" in result.stdout
