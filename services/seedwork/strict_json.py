"""JSON as it is let in: what every store, parser and later reader of it will understand the same way.

Python's own parser accepts more than that: NaN, lone surrogates, integers of any length, nesting up to its recursion
limit. And a NUL character is legal JSON that PostgreSQL cannot keep as text.
"""

from __future__ import annotations

import json
import re
from typing import Any

import orjson

DEPTH_MAX = 32
SAFE_INTEGER_MAX = 2**53 - 1
"""Larger integers are read differently by different parsers (RFC 7493, 2.2)."""
_LONG_NUMBER = re.compile(rb"\d{16}")
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")


class NotStrictJson(ValueError):  # noqa: N818
    """The text is not JSON, or JSON that is not let in; the message says which, without quoting it."""


def parse_strict(text: bytes, *, names_once: bool = False) -> Any:
    """The value. Raises NotStrictJson. `names_once`: for what is signed, or kept for other readers: parsers differ in
    which of two members of one name they take."""
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise NotStrictJson(f"not JSON from line {error.lineno}, column {error.colno} on") from None
    if text.count(b"{") + text.count(b"[") > DEPTH_MAX and _deeper_than(value, DEPTH_MAX):
        raise NotStrictJson(f"nested deeper than {DEPTH_MAX} levels")
    if b"\\u0000" in text and _NUL.search(text):
        raise NotStrictJson("holds a NUL character")
    if _LONG_NUMBER.search(text):
        _refuse_unsafe_integers(text)
    if names_once:
        json.loads(text, object_pairs_hook=_names_once)
    return value


def _deeper_than(value: Any, depth_max: int) -> bool:
    level = [value]
    for _ in range(depth_max):
        level = [
            child
            for node in level
            for child in (node.values() if isinstance(node, dict) else node)
            if isinstance(child, dict | list)
        ]
        if not level:
            return False
    return True


def _names_once(members: list[tuple[str, Any]]) -> None:
    if len({name for name, _ in members}) < len(members):
        raise NotStrictJson("a name stands twice in one object")


def _refuse_unsafe_integers(text: bytes) -> None:
    """Trace codes and identity numbers are long digits too, but strings; so the parser has to tell."""

    def parse_int(digits: str) -> int:
        if len(digits) > 17 or abs(int(digits)) > SAFE_INTEGER_MAX:
            raise NotStrictJson("an integer beyond 2^53-1")
        return int(digits)

    json.loads(text, parse_int=parse_int)
