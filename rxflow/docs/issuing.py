"""The page about issuing: the checks in their order, with what each refuses."""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Iterator
from types import ModuleType

from rxflow.docs.markdown import code, codes, first_paragraph, page, table
from services.prescribe.domain.issue_checks import WHAT, WHO
from services.prescribe.domain.issue_checks.written import Check

HOW = """
What a prescriber signs is checked in this order, by the policy of the jurisdiction in force that day
([policies.md](policies.md)), and the first broken rule answers with its problem ([errors.md](errors.md)). Each check is
taken out in turn by `tests/unit/prescribe/test_each_check_counts.py`: what it alone refuses is then missed, or the test
fails.
"""


def issuing_page() -> str:
    """Every check of an issue or an amendment."""
    return page(
        "Issuing",
        HOW,
        "## Before the signature is checked",
        table(("check", "what", "problems"), map(_row, WHO)),
        "## After it",
        table(("check", "what", "problems"), map(_row, WHAT)),
    )


def _row(check: Check) -> tuple[str, str, str]:
    says = first_paragraph(check.__doc__) or check.__name__.replace("_", " ").capitalize() + "."
    return code(check.__name__), says, codes(dict.fromkeys(refusals(check)))


def refusals(check: Check) -> Iterator[str]:
    """The codes a check refuses by, in its own body and in the private functions of its module that it calls."""
    return _refusals(sys.modules[check.__module__], check.__name__)


def _refusals(module: ModuleType, name: str) -> Iterator[str]:
    body = ast.parse(inspect.getsource(getattr(module, name)))
    for call in (node for node in ast.walk(body) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)):
        called = call.func.id  # type: ignore[attr-defined]  # a name, by the line above
        if called == "Refusal":
            yield str(ast.literal_eval(call.args[0]))
        elif called.startswith("_") and called in vars(module):
            yield from _refusals(module, called)
