"""The page about issuing: checks and policy rows out of their tables, with the golden cases that fail without each."""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Iterator
from types import FunctionType, ModuleType

from contracts.errors import CATALOGUE
from rxflow.docs.golden_cases import shown
from rxflow.docs.golden_issuing import failing_row, failing_without, policy_rows
from rxflow.docs.markdown import code, page, table
from services.prescribe.domain.issue_checks import WHAT, WHO, IssueRule
from services.prescribe.domain.policy import POLICIES

HOW = """
What a prescriber signs is checked in this order, by the policy of the jurisdiction in force that day
([policies.md](policies.md)), and the first broken rule answers with its problem ([errors.md](errors.md)): nothing is
issued, so each is blocking. *Fails without it*: golden prescriptions (`tests/golden/issuing`) that are found wrong when
the check is taken out; a check and problem without one fails the build.
"""
ROWS = """
The rows of every version of a jurisdiction's policy that the checks read, and from which version to which each stands.
*Fails without it*: golden prescriptions that are found wrong when the row is taken out of the newest of these versions,
or its figure moved by one in either direction, or what stood there before or after is put in its place; in each older
one at least one fails too. `valid_from` is moved by a day. A row of which a change is missed fails the build.
"""
CHECK_COLUMNS = ("rule", "code", "what", "source", "severity", "fails without it")
ROW_COLUMNS = ("row", "in force", "source", "fails without it")
SEVERITY = "blocking"
TITLES = {name: problem.title for name, problem in CATALOGUE.items()}


def issuing_page() -> str:
    """Every check of an issue or an amendment, and every row of the policy that one reads."""
    return page(
        "Issuing",
        HOW,
        "## Before the signature is checked",
        table(CHECK_COLUMNS, check_rows(WHO)),
        "## After it",
        table(CHECK_COLUMNS, check_rows(WHAT)),
        "## Rows of the policy",
        ROWS,
        *(part for name in sorted(POLICIES.names) for part in (f"### {name}", table(ROW_COLUMNS, row_table(name)))),
    )


def check_rows(rules: tuple[IssueRule, ...]) -> Iterator[tuple[str, ...]]:
    """One row for each problem that a check refuses by."""
    for rule in rules:
        for problem in dict.fromkeys(refusals(rule)):
            missing = shown(failing_without(rule.name, problem))
            yield code(rule.name), code(problem), TITLES[problem], rule.source, SEVERITY, missing


def row_table(jurisdiction: str) -> Iterator[tuple[str, ...]]:
    """One row for each row of the jurisdiction's policy, and of every version of it."""
    for row in policy_rows():
        if row.jurisdiction == jurisdiction:
            newest = row.versions[-1]
            source = newest.sources.get(row.field, newest.source if row.field == "valid_from" else "")
            yield row.name, row.in_force, source, shown(failing_row(row))


def refusals(rule: IssueRule) -> Iterator[str]:
    """The codes a check refuses by: in its own body, in the private functions of its module, and where it goes on."""
    return _refusals(sys.modules[rule.check.__module__], rule.name)


def _refusals(module: ModuleType, name: str) -> Iterator[str]:
    body = ast.parse(inspect.getsource(getattr(module, name)))
    for call in (node for node in ast.walk(body) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)):
        called = call.func.id  # type: ignore[attr-defined]  # a name, by the line above
        function = vars(module).get(called)
        if called == "Refusal":
            yield str(ast.literal_eval(call.args[0]))
        elif isinstance(function, FunctionType) and function.__module__.startswith("services.prescribe.domain."):
            yield from _refusals(sys.modules[function.__module__], called)
