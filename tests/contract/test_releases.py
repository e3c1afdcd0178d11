"""What a release has promised holds: its events load in today's classes, its schemas are only grown since."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest
from pydantic import ValidationError

from contracts.envelope import Envelope
from contracts.events import EVENTS
from contracts.registers import CONTENT
from rxflow.docs import releases as saved
from rxflow.docs.releases import ENVELOPE, EXAMPLES, NotReleased, Release, project_version, releases, save_release
from rxflow.docs.schemas import REGISTER_PREFIX, current_schemas, model_of, wire_name_of
from rxflow.docs.schemas import examples as golden_examples

RELEASES = releases()
GOLDEN = [(release, name, text) for release in RELEASES for name, text in release.examples().items()]


def named(value: object) -> str:
    return value.version if isinstance(value, Release) else value if isinstance(value, str) else ""


def test_the_project_s_version_is_saved() -> None:
    assert project_version() in {release.version for release in RELEASES}


@pytest.mark.parametrize(("release", "name", "text"), GOLDEN, ids=named)
def test_a_golden_event_of_a_release_loads_today(release: Release, name: str, text: bytes) -> None:
    loaded = EVENTS[wire_name_of(name)].model_validate_json(text)

    said = orjson.loads(text)
    assert _reduced(orjson.loads(loaded.model_dump_json()), said) == said, "nothing it said is lost or changed"


@pytest.mark.parametrize(("release", "name", "text"), GOLDEN, ids=named)
def test_today_s_reader_tolerates_what_a_later_release_adds(release: Release, name: str, text: bytes) -> None:
    later = {**orjson.loads(text), "a_field_of_a_later_release": {"with": ["anything"]}}

    EVENTS[wire_name_of(name)].model_validate(later)


@pytest.mark.parametrize("release", RELEASES, ids=named)
def test_a_release_has_a_schema_and_an_example_of_everything(release: Release) -> None:
    schemas, examples = release.schemas(), release.examples()

    events = {name for name in schemas if not name.startswith(REGISTER_PREFIX)}
    assert {wire_name_of(name) for name in examples} == events
    for name, schema in schemas.items():
        assert schema["title"] == model_of(name).__name__


@pytest.mark.parametrize("release", RELEASES, ids=named)
def test_no_promise_of_a_release_is_broken(release: Release) -> None:
    assert [str(each) for each in saved.breaks(release.schemas(), current_schemas())] == []


@pytest.mark.parametrize("release", RELEASES, ids=named)
def test_an_envelope_of_a_release_is_read_and_its_hash_still_belongs_to_it(release: Release) -> None:
    envelope = Envelope.from_wire(release.envelope())

    assert envelope.verify()
    assert orjson.loads(envelope.to_wire()) == orjson.loads(release.envelope())
    EVENTS[envelope.type].model_validate(envelope.parsed_body().data)


def test_the_contracts_of_this_version_are_saved_as_they_are() -> None:
    release = next(each for each in RELEASES if each.version == project_version())

    assert {name: orjson.loads(text) for name, text in release.examples().items()} == golden_examples()
    assert release.schemas() == current_schemas(), "python -m rxflow.docs release, or --unpublished to save again"


def test_every_register_content_is_promised() -> None:
    assert {f"{REGISTER_PREFIX}{kind}" for kind in CONTENT} <= current_schemas().keys()


def test_a_release_is_saved_once(tmp_path: Path) -> None:
    # given
    folder = save_release("0.1.0", tmp_path)
    assert {path.name.removesuffix(".json") for path in folder.glob("*.json")} == current_schemas().keys()
    assert (folder / EXAMPLES / ENVELOPE).is_file()

    # then
    with pytest.raises(NotReleased, match="saved already"):
        save_release("0.1.0", tmp_path)
    save_release("0.1.0", tmp_path, unpublished=True)
    assert [release.version for release in releases(tmp_path)] == ["0.1.0"]


def test_a_release_that_breaks_an_older_promise_is_refused(tmp_path: Path) -> None:
    # given: an older release whose event had a field more
    wire_name = min(EVENTS)
    folder = save_release("0.1.0", tmp_path)
    schema: dict[str, Any] = orjson.loads((folder / f"{wire_name}.json").read_bytes())
    schema["properties"]["lost"] = {"type": "string"}
    (folder / f"{wire_name}.json").write_bytes(orjson.dumps(schema))

    # then
    with pytest.raises(NotReleased, match=rf"{wire_name} lost: removed field"):
        save_release("0.2.0", tmp_path)
    assert [release.version for release in releases(tmp_path)] == ["0.1.0"]


def test_what_is_no_version_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotReleased):
        save_release("../elsewhere", tmp_path)


def test_releases_are_ordered_as_versions(tmp_path: Path) -> None:
    for version in ("0.10.0", "0.2.0", "0.9.1", "notes"):
        (tmp_path / version).mkdir()

    assert [release.version for release in releases(tmp_path)] == ["0.2.0", "0.9.1", "0.10.0"]


def test_a_golden_event_that_lost_what_is_required_does_not_load() -> None:
    release, wire_name, text = GOLDEN[0]
    poorer = orjson.loads(text)
    del poorer[release.schemas()[wire_name]["required"][0]]

    with pytest.raises(ValidationError):
        EVENTS[wire_name].model_validate(poorer)


def _reduced(now: Any, then: Any) -> Any:
    """What of today's form the older one knew."""
    if isinstance(then, dict):
        return {name: _reduced(now[name], value) for name, value in then.items() if name in now}
    if isinstance(then, list):
        return [_reduced(each, old) for each, old in zip(now, then, strict=True)]
    return now
