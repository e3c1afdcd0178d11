"""What the house asks of every module, checked over the tree: sizes, words, no leftovers, no traces of a machine."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LINES_PER_FUNCTION_MAX = 70
LINES_PER_MODULE_MAX = 300
PRODUCT = ("contracts", "services", "rxflow")
FORBIDDEN_WORDS = re.compile(r"\b(\w*Manager|\w*Helper|\w*Utils?|handler2|EventBus)\b")
LEFTOVERS = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b|NotImplementedError")


def tracked(*patterns: str) -> list[Path]:
    listed = subprocess.run(["git", "ls-files", *patterns], cwd=ROOT, capture_output=True, text=True, check=True)
    return [ROOT / line for line in listed.stdout.splitlines() if (ROOT / line).is_file()]


def product_modules() -> list[Path]:
    return [path for path in tracked("*.py") if path.relative_to(ROOT).parts[0] in PRODUCT]


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", product_modules(), ids=named)
def test_a_module_keeps_the_house_rules(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text)
    migration = "migrations" in path.parts  # generated, and never changed once released

    assert text.count("\n") <= LINES_PER_MODULE_MAX, "a module has at most 300 lines"
    assert not LEFTOVERS.search(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not migration:
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            assert length <= LINES_PER_FUNCTION_MAX, f"{node.name} has {length} lines"
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            assert not FORBIDDEN_WORDS.fullmatch(node.name), f"{node.name} says nothing"
    assert text.strip() == "" or ast.get_docstring(tree), "a module says what it is for"


def test_the_repository_names_no_machine_and_no_download_address() -> None:
    home = str(Path.home()) + "/"
    for path in tracked():
        if path.suffix in {".png", ".pdf"}:
            continue
        text = path.read_text(encoding="utf-8")
        assert str(ROOT) + "/" not in text, named(path)
        assert home == "/" or home not in text, named(path)
        if path.suffix == ".lock":
            assert "://" not in text, named(path)


def test_no_test_sleeps() -> None:
    for path in tracked("tests/**/*.py"):
        calls = [
            node
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "time.sleep"
        ]
        waiting = path.name == "waiting.py"  # the one place that waits, on a condition, with a deadline
        assert waiting or not calls, named(path)


def test_what_takes_long_leaves_the_loop_by_the_threads_port() -> None:
    """A route that made a thread of its own would depend on the machine where nothing may (simulation)."""
    routes = [
        path for path in product_modules() if {"api", "api.py"} & set(path.parts) and "seedwork" not in path.parts
    ]
    threaded = [named(path) for path in routes if re.search(r"to_thread|run_in_executor", path.read_text("utf-8"))]

    assert len(routes) > 10
    assert threaded == []
