"""The contracts as each release promised them: schemas, golden examples and one envelope under `contracts/schemas/`."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson

from contracts.envelope import GENESIS, Body, Envelope, public_hash
from contracts.events import EVENTS
from rxflow.docs.compatibility import Break, breaks
from rxflow.docs.schemas import CONTRACTS, Schema, as_text, current_schemas, example, examples

SCHEMAS = CONTRACTS / "schemas"
EXAMPLES = "examples"
ENVELOPE = "envelope.json"
_VERSION = re.compile(r"\d+\.\d+\.\d+")
_STREAM = UUID("5f0c4b52-8f2c-5a8b-9a83-0d8e5b1f7c01")
_MOMENT = "2026-03-02T01:30:00Z"


class NotReleased(Exception):  # noqa: N818
    """The contracts cannot be saved for this release."""


@dataclass(frozen=True)
class Release:
    """What one release promised."""

    version: str
    folder: Path

    def schemas(self) -> dict[str, Schema]:
        return {path.name.removesuffix(".json"): orjson.loads(path.read_bytes()) for path in self._files(self.folder)}

    def examples(self) -> dict[str, bytes]:
        """Golden `data` by its name (`wire_name_of` tells whose), as producers of that release wrote it."""
        return {path.name.removesuffix(".json"): path.read_bytes() for path in self._files(self.folder / EXAMPLES)}

    def envelope(self) -> bytes:
        """One whole message, as it travelled."""
        return (self.folder / EXAMPLES / ENVELOPE).read_bytes()

    @staticmethod
    def _files(folder: Path) -> list[Path]:
        return sorted(path for path in folder.glob("*.json") if path.name != ENVELOPE)


def releases(folder: Path = SCHEMAS) -> list[Release]:
    """All saved releases, oldest first."""
    found = [Release(path.name, path) for path in folder.glob("*") if _VERSION.fullmatch(path.name)]
    return sorted(found, key=lambda release: tuple(map(int, release.version.split("."))))


def project_version() -> str:
    """The version the project says it has."""
    project = tomllib.loads((CONTRACTS.parent / "pyproject.toml").read_text(encoding="utf-8"))
    return str(project["project"]["version"])


def broken_promises(folder: Path = SCHEMAS) -> list[tuple[str, Break]]:
    """Every promise of any saved release that today's contracts do not keep."""
    today = current_schemas()
    return [(release.version, each) for release in releases(folder) for each in breaks(release.schemas(), today)]


def save_release(version: str, folder: Path = SCHEMAS, *, unpublished: bool = False) -> Path:
    """Saves today's schemas and golden examples as this release's promises.

    A release is saved once. `unpublished` saves it again: nobody has it yet. Refused while an older promise is broken.
    """
    if not _VERSION.fullmatch(version):
        raise NotReleased(f"{version} is not a version like 1.2.3")
    target = folder / version
    if target.exists() and not unpublished:
        raise NotReleased(f"{version} is saved already; what was released does not change")
    today = current_schemas()
    older = [release for release in releases(folder) if release.version != version]
    broken = [each for release in older for each in breaks(release.schemas(), today)]
    if broken:
        raise NotReleased("\n".join(["these promises would be broken:", *map(str, broken)]))
    files = {f"{name}.json": as_text(schema) for name, schema in today.items()}
    files |= {f"{EXAMPLES}/{name}.json": as_text(data) for name, data in examples().items()}
    files[f"{EXAMPLES}/{ENVELOPE}"] = as_text(orjson.loads(example_envelope(min(EVENTS)).to_wire()))
    (target / EXAMPLES).mkdir(parents=True, exist_ok=True)
    for stale in {*target.glob("*.json"), *(target / EXAMPLES).glob("*.json")}:
        stale.unlink()
    for name, text in files.items():
        (target / name).write_text(text, encoding="utf-8")
    return target


def example_envelope(wire_name: str) -> Envelope:
    """A whole message around a golden example: the first of its stream."""
    data: dict[str, Any] = example(wire_name)
    body = Body.model_validate(
        {
            "occurred_at": _MOMENT,
            "recorded_at": _MOMENT,
            "actor": "HY110000000001",
            "correlation_id": "0d6f0a2e-3d1b-4a53-9a57-1c3b2f6f7a11",
            "causation_id": "0d6f0a2e-3d1b-4a53-9a57-1c3b2f6f7a11",
            "data": data,
        }
    ).model_dump_json()
    event = EVENTS[wire_name]
    digest = public_hash(GENESIS, _STREAM, 1, wire_name, body.encode())
    producer = wire_name.partition(".")[0]
    return Envelope(producer, event.FAMILY, wire_name, _STREAM, 1, GENESIS, digest, 1, 1, body)
