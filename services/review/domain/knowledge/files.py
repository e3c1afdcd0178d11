"""A set as files: a directory with `set.json`, one file per section and files of sources, or one JSON document.

The shipped reference sets are directories of this package, each for ever: a release that knows more brings another one
beside them, so what an old finding refers to can still be read.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

from services.review.domain.knowledge.entries import SECTIONS
from services.review.domain.knowledge.reading import KnowledgeSet, read_set
from services.seedwork.strict_json import NotStrictJson, parse_strict

HEADER = "set.json"
SOURCES = "sources"
FILE_BYTES_MAX = 16 * 1024 * 1024


class Unreadable(Exception):  # noqa: N818
    """A file that cannot be read as JSON of the expected form."""


def gather(place: Traversable) -> dict[str, Any]:
    """The document of a directory or of one file. Raises Unreadable; what is in it is not judged here."""
    if not place.is_dir():
        return _object(place)
    document = _object(place.joinpath(HEADER))
    sources = dict(document.get(SOURCES) or {})
    for each in sorted(place.iterdir(), key=lambda each: each.name):
        name = each.name.removesuffix(".json")
        if each.name in {name, HEADER}:
            continue
        if name.startswith(SOURCES):
            sources |= _object(each)
        elif name in SECTIONS:
            document[name] = _read(each)
        else:
            raise Unreadable(f"{each.name} is no section: there are {', '.join(SECTIONS)}")
    return document | {SOURCES: sources}


@cache
def shipped_sets() -> tuple[KnowledgeSet, ...]:
    """The reference sets this release brings, the oldest first. They are always there: whatever is loaded later, a
    new installation can screen its first prescription, and no order of starting and loading can be wrong."""
    return tuple(sorted(_shipped(), key=lambda each: (each.header.valid_from, each.header.version)))


def _shipped() -> Iterator[KnowledgeSet]:
    for place in files("services.review").joinpath("knowledge").iterdir():
        if place.is_dir() and place.joinpath(HEADER).is_file():
            read = read_set(gather(place))
            if not isinstance(read, KnowledgeSet):
                raise ValueError(f"{place.name}: {read[0]}")
            yield read


def _object(place: Traversable) -> dict[str, Any]:
    read = _read(place)
    if not isinstance(read, dict):
        raise Unreadable(f"{place.name} is no object")
    return read


def _read(place: Traversable) -> Any:
    try:
        content = place.read_bytes()
    except OSError as error:
        raise Unreadable(f"{place.name} cannot be read: {error.strerror}") from error
    if len(content) > FILE_BYTES_MAX:
        raise Unreadable(f"{place.name} has more than {FILE_BYTES_MAX} bytes")
    try:
        return parse_strict(content, names_once=True)
    except NotStrictJson as error:
        raise Unreadable(f"{place.name}: {error}") from error
