"""Markdown out of rows. Deterministic: no clock, no machine, no order of a set."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

GENERATED = "*Rendered from the code by `make docs`; change the code, not this page.*"


def page(title: str, *parts: str, origin: str = GENERATED) -> str:
    """A whole page: its title, where it comes from, and its parts, one blank line between."""
    return "\n\n".join([f"# {title}", origin, *(part.strip("\n") for part in parts if part)]) + "\n"


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table; a bar inside a cell is escaped, a line break becomes a space."""
    lines = [_row(header), "|" + "---|" * len(header)]
    return "\n".join([*lines, *(_row(row) for row in rows)])


def code(text: object) -> str:
    """Inline code, or nothing for an empty text."""
    return f"`{text}`" if str(text) else ""


def codes(texts: Iterable[object]) -> str:
    return ", ".join(code(text) for text in texts)


def first_paragraph(docstring: str | None) -> str:
    """What a docstring says first, on one line."""
    return " ".join((docstring or "").strip().split("\n\n", 1)[0].split())


def _row(cells: Sequence[object]) -> str:
    return "| " + " | ".join(_cell(cell) for cell in cells) + " |"


def _cell(cell: object) -> str:
    return " ".join(str(cell).split()).replace("|", "\\|")
