"""The page about issuing: checks and policy rows out of their tables, with the golden cases that fail without each."""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Iterator
from types import FunctionType, ModuleType

from contracts.errors import CATALOGUE
from rxflow.docs.golden_cases import shown
from rxflow.docs.golden_issuing import failing_row, failing_without
from rxflow.docs.issuing_rows import rows
from rxflow.docs.markdown import code, page, table
from services.prescribe.domain.issue_checks import WHAT, WHO, IssueRule
from services.prescribe.domain.policy import CN

HOW = """
What a prescriber signs is checked in this order, by the policy of the jurisdiction in force that day
([policies.md](policies.md)), and the first broken rule answers with its problem ([errors.md](errors.md)): nothing is
issued, so each is blocking. *Fails without it*: golden prescriptions (`tests/golden/issuing`) that are found wrong when
the check is taken out; a check and problem without one fails the build.
"""
ROWS = f"""
The rows of China's newest policy ({code(CN.versions[-1].version)}) that the checks read. *Fails without it*: golden
prescriptions that are found wrong when the row is taken out, or its figure moved by one in either direction; a row of
which a change is missed fails the build.
"""
CHECK_COLUMNS = ("rule", "code", "what", "source", "severity", "fails without it")
ROW_COLUMNS = ("row", "source", "fails without it")
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
        table(ROW_COLUMNS, policy_rows()),
    )


def check_rows(rules: tuple[IssueRule, ...]) -> Iterator[tuple[str, ...]]:
    """One row for each problem that a check refuses by."""
    for rule in rules:
        for problem in dict.fromkeys(refusals(rule)):
            missing = shown(failing_without(rule.name, problem))
            yield code(rule.name), code(problem), TITLES[problem], rule.source, SEVERITY, missing


def policy_rows() -> Iterator[tuple[str, ...]]:
    """One row for each row of the policy."""
    policy = CN.versions[-1]
    for row in rows(policy):
        yield row.name, policy.sources.get(row.field, ""), shown(failing_row(row))


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
