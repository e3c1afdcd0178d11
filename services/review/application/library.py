"""Use cases of the library: which knowledge holds today, loading a set, looking an entry up."""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from collections import OrderedDict
from collections.abc import Generator, Mapping, Sequence
from dataclasses import asdict
from datetime import date
from typing import Any

from services.review.domain.knowledge.checks import Fault
from services.review.domain.knowledge.files import shipped_sets
from services.review.domain.knowledge.index import Knowledge
from services.review.domain.knowledge.reading import KnowledgeSet, canonical, read_set
from services.review.domain.library import ShelfState, VolumeState, activated, parts, shelf_ref, volume_ref
from services.seedwork.model import Loaded, Refusal
from services.seedwork.strict_json import NotStrictJson, parse_strict
from services.seedwork.usecase import Answer, Decision, Load, Moment, UseCase

FAULTS_TOLD_MAX = 200
UNPACKED_BYTES_MAX = 32 * 1024 * 1024
SETS_KEPT_MAX = 4
_kept: OrderedDict[str, KnowledgeSet] = OrderedDict()
"""Sets by digest, read once per process: the same digest is the same set, so nothing here can be stale."""


def kept(digest: str, text: str | None = None) -> KnowledgeSet | None:
    """The set of a digest, read from its text where this process has not read it yet; None: the text is wanted, or
    says nothing that this release can read."""
    if digest in _kept:
        _kept.move_to_end(digest)
        return _kept[digest]
    read = read_set(json.loads(text)) if text else None
    if not isinstance(read, KnowledgeSet):
        return None
    _kept[digest] = read
    if len(_kept) > SETS_KEPT_MAX:
        _kept.popitem(last=False)
    return read


def known_on(shelf: ShelfState, day: date) -> Generator[Load, tuple[Loaded[VolumeState], ...], Knowledge | None]:
    """What is known on a day. None: a loaded set holds then, and this release cannot read it."""
    loaded = shelf.in_force(day)
    if loaded is None:
        return shipped_on(day).on(day)
    found = kept(loaded.digest)
    if found is None:
        (volume,) = yield Load.of(volume_ref(loaded.version))
        found = kept(loaded.digest, volume.state.text)
    return found.on(day) if found else None


def shipped_on(day: date) -> KnowledgeSet:
    """The reference set of the release that holds on a day; before the first one, the first."""
    sets = shipped_sets()
    return next((each for each in reversed(sets) if each.header.valid_from <= day), sets[0])


class Unpackable(Exception):  # noqa: N818
    """What was sent is no document."""


def deflate(document: Mapping[str, Any]) -> str:
    """A document as it is sent."""
    return base64.b64encode(zlib.compress(canonical(document).encode())).decode()


def checked(document: Mapping[str, Any]) -> tuple[KnowledgeSet | Sequence[Fault], str]:
    """A document as it was read, and its text. Takes a while: not for a loop that others wait for."""
    return read_set(document), canonical(document)


def inflated_and_checked(deflated: str) -> tuple[KnowledgeSet | Sequence[Fault], str]:
    """The same of a document as it was sent. Raises Unpackable."""
    return checked(_inflated(deflated))


def _inflated(deflated: str) -> Mapping[str, Any]:
    unpacking = zlib.decompressobj()
    try:
        text = unpacking.decompress(base64.b64decode(deflated, validate=True), UNPACKED_BYTES_MAX)
        document = parse_strict(text, names_once=True)
    except (binascii.Error, zlib.error, NotStrictJson) as error:
        raise Unpackable(str(error)) from error
    if unpacking.unconsumed_tail or not isinstance(document, dict):
        raise Unpackable(f"no object of at most {UNPACKED_BYTES_MAX} bytes")
    return document


def load_knowledge(read: KnowledgeSet | Sequence[Fault], text: str) -> UseCase:
    """Keeps a whole set and lets it hold from its day on; the same again changes nothing; with any fault, nothing is
    taken and every faulty row is told."""
    if not isinstance(read, KnowledgeSet):
        told = [asdict(fault) for fault in read[:FAULTS_TOLD_MAX]]
        refused = Decision.refused(Refusal("knowledge.faulty", {"faults": len(read), "rows": told}))
        return UseCase((), lambda _moment: refused)
    header = read.header

    def decide(moment: Moment, shelf: Loaded[ShelfState], volume: Loaded[VolumeState]) -> Decision:
        known = shelf.state.version(header.version)
        digest = known.digest if known else _shipped_digest(header.version)
        if digest is not None and digest != read.digest:
            return Decision.refused(Refusal("knowledge.version_known", {"version": header.version}))
        event = activated(read, moment.now, moment.actor.subject)
        answer = {"version": header.version, "digest": read.digest, "entries": read.counts()}
        if digest is not None:
            since = known.in_force_from if known else header.valid_from
            return Decision.nothing(Answer(200, {**answer, "result": "unchanged", "in_force_from": since.isoformat()}))
        answer |= {"result": "activated", "in_force_from": event.in_force_from.isoformat()}
        return Decision.on(shelf, [event], Answer(201, answer)).and_also(volume, list(parts(text)))

    return UseCase((shelf_ref(), volume_ref(header.version)), decide)


def _shipped_digest(version: str) -> str | None:
    return next((each.digest for each in shipped_sets() if each.header.version == version), None)
