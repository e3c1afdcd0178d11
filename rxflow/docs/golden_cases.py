"""What golden prescriptions have in common (tests/golden): files of cases, and the cell that names those which fail."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from rxflow.docs.markdown import codes
from rxflow.docs.schemas import CONTRACTS

GOLDEN = CONTRACTS.parent / "tests" / "golden"
CASES_SHOWN_MAX = 4


def written_cases(folder: Path) -> Iterator[dict[str, Any]]:
    """The cases of a folder, one file each, in the order of their numbers."""
    for path in sorted(folder.glob("*.json")):
        yield json.loads(path.read_text(encoding="utf-8"))


def shown(missing: Sequence[str]) -> str:
    """The cases that fail without a row, the first of them by name; empty where none does."""
    more = f" and {len(missing) - CASES_SHOWN_MAX} more" if len(missing) > CASES_SHOWN_MAX else ""
    return codes(missing[:CASES_SHOWN_MAX]) + more
