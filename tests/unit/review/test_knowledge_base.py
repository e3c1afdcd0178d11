"""Sets of knowledge in the running service: loaded whole or not at all, in force by day, and read by everybody."""

import base64
import json
import zlib
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from contracts.events.review import CaseScreened
from contracts.roles import Role
from services.review.api import router
from services.review.application import library
from services.review.application.library import checked, deflate, load_knowledge
from services.review.composition import SERVICE
from services.review.domain.knowledge.files import Unreadable, gather, shipped_sets
from services.review.domain.library import PART_CHARACTERS_MAX, KnowledgePartKept, ShelfState, parts, shelf_ref
from services.seedwork.usecase import Actor
from tests.support.http_caller import Caller
from tests.support.knowledge import SMALL, document, drug
from tests.support.store_in_memory import StoreInMemory
from tests.unit.review.conftest import HOSPITAL, NOW, PLAIN, SUN, Hospital, issued, line

Ask = Callable[..., httpx.Response]
ROOT = Actor("root", "system_admin")


@pytest.fixture
def admin(hospital: Hospital, tmp_path: Path) -> Ask:
    return asking(hospital, tmp_path, Role.SYSTEM_ADMIN)


@pytest.fixture
def reader(hospital: Hospital, tmp_path: Path) -> Ask:
    return asking(hospital, tmp_path, Role.REVIEWER)


def asking(hospital: Hospital, tmp_path: Path, role: Role) -> Ask:
    caller = Caller(hospital.store, router, tmp_path)
    token = caller.token(SUN, role, organisation=HOSPITAL)
    return lambda method, path, **arguments: caller(token, method, path, **arguments)


def sent(written: dict[str, Any]) -> dict[str, Any]:
    return {"deflated": deflate(written)}


def versions(ask: Ask) -> dict[str, bool]:
    return {item["version"]: item["in_force"] for item in ask("GET", "/knowledge").json()["items"]}


def screened_by(hospital: Hospital) -> str:
    hospital.issue(lines=[line(days=14)])
    event: CaseScreened = hospital.store.told_of(CaseScreened)[-1]
    return event.findings[0].knowledge_version


def test_a_new_installation_has_the_shipped_set() -> None:
    store = StoreInMemory(SERVICE, NOW)

    store.react(issued(lines=[line(days=14)]))

    (event,) = store.told_of(CaseScreened)
    assert {finding.knowledge_version for finding in event.findings} == {shipped_sets()[-1].header.version}


def test_days_before_the_first_shipped_set_are_under_the_first() -> None:
    first = shipped_sets()[0]

    assert library.shipped_on(first.header.valid_from - timedelta(days=1)) is first


def test_a_set_holds_from_its_own_day_on(hospital: Hospital, admin: Ask) -> None:
    loaded = admin("POST", "/knowledge", json=sent(document(valid_from="2026-03-04")))

    assert loaded.status_code == 201
    assert (loaded.json()["result"], loaded.json()["in_force_from"]) == ("activated", "2026-03-04")
    assert loaded.json()["entries"]["drugs"] == 6
    assert screened_by(hospital) == "plain-1"
    hospital.store.time += timedelta(days=2)
    assert screened_by(hospital) == "small-1"
    assert versions(admin) == {shipped_sets()[-1].header.version: False, "plain-1": False, "small-1": True}


def test_a_set_of_an_earlier_day_holds_from_the_day_it_is_loaded(admin: Ask) -> None:
    loaded = admin("POST", "/knowledge", json=sent(document(valid_from="2026-02-01")))

    assert loaded.json()["in_force_from"] == "2026-03-02", "what was screened before was screened by another"


def test_of_two_sets_of_one_day_the_last_loaded_holds(hospital: Hospital, admin: Ask) -> None:
    admin("POST", "/knowledge", json=sent(document(valid_from=PLAIN["valid_from"])))

    assert screened_by(hospital) == "small-1"


def test_the_same_set_again_changes_nothing(hospital: Hospital, admin: Ask) -> None:
    before = len(hospital.store.log)
    again = admin("POST", "/knowledge", json=sent(PLAIN))
    shipped = admin("POST", "/knowledge", json=sent(gather(shipped_place())))

    assert [(each.status_code, each.json()["result"]) for each in (again, shipped)] == [(200, "unchanged")] * 2
    assert len(hospital.store.log) == before


def shipped_place() -> Path:
    return Path(library.__file__).parents[1] / "knowledge" / "reference"


def test_another_content_under_a_known_version_is_refused(hospital: Hospital, admin: Ask) -> None:
    before = len(hospital.store.log)
    other = admin("POST", "/knowledge", json=sent({**PLAIN, "notice": "Another."}))
    shipped = admin("POST", "/knowledge", json=sent(document(version=shipped_sets()[-1].header.version)))

    for refused in (other, shipped):
        assert (refused.status_code, refused.json()["code"]) == (409, "knowledge.version_known")
    assert len(hospital.store.log) == before


def test_a_file_with_errors_in_the_middle_changes_nothing_and_each_row_is_told(hospital: Hospital, admin: Ask) -> None:
    before = len(hospital.store.log)
    drugs = [*SMALL["drugs"][:2], {"id": "unsourced", "names": ["x"]}, *SMALL["drugs"][2:]]

    refused = admin("POST", "/knowledge", json=sent(document(drugs=drugs)))

    problem = refused.json()
    assert (refused.status_code, problem["code"]) == (422, "knowledge.faulty")
    assert problem["facts"]["faults"] == len(problem["facts"]["rows"])
    assert {(row["section"], row["entry"]) for row in problem["facts"]["rows"]} == {("drugs", "unsourced")}
    assert {"what": "source", "why": "Field required"}.items() <= problem["facts"]["rows"][0].items()
    assert len(hospital.store.log) == before
    assert screened_by(hospital) == "plain-1"


def test_a_report_has_an_end(admin: Ask) -> None:
    refused = admin("POST", "/knowledge", json=sent(document(drugs=[{"id": "x"}] * 300)))

    assert len(refused.json()["facts"]["rows"]) == library.FAULTS_TOLD_MAX
    assert refused.json()["facts"]["faults"] > library.FAULTS_TOLD_MAX


@pytest.mark.parametrize(
    "body",
    [
        {"deflated": "no base64"},
        {"deflated": "AAAA"},
        {"deflated": base64.b64encode(zlib.compress(b"[1]")).decode()},
        {"deflated": base64.b64encode(zlib.compress(b"{")).decode()},
    ],
)
def test_what_is_no_document_is_refused(admin: Ask, body: dict[str, Any]) -> None:
    refused = admin("POST", "/knowledge", json=body)

    assert (refused.status_code, refused.json()["code"]) == (422, "knowledge.unreadable")


def test_what_unpacks_without_end_is_refused(admin: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library, "UNPACKED_BYTES_MAX", 1000)
    padded = json.dumps({"a": 1}).encode() + b" " * 100_000

    refused = admin("POST", "/knowledge", json={"deflated": base64.b64encode(zlib.compress(padded)).decode()})

    assert refused.json()["code"] == "knowledge.unreadable"


def test_only_an_administrator_loads(reader: Ask) -> None:
    assert reader("POST", "/knowledge", json=sent(SMALL)).status_code == 403


def test_everybody_can_see_why(hospital: Hospital, admin: Ask, reader: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    admin("POST", "/knowledge", json=sent(SMALL))
    monkeypatch.setattr(library, "_kept", type(library._kept)())  # as in another process

    found = reader("GET", "/knowledge/small-1/interactions/warfarin-nsaids").json()

    assert found["entry"]["severity"] == "serious"
    assert found["entry"]["b"] == {"group": "nsaids"}
    assert found["source"]["title"] == "A book"
    said = reader("GET", "/knowledge/small-1").json()
    assert (said["notice"], said["entries"]["drugs"]) == ("For tests.", 6)


def test_a_shipped_entry_is_found_without_loading(reader: Ask) -> None:
    newest = shipped_sets()[-1]
    entry = newest.entries["interactions"][0]

    found = reader("GET", f"/knowledge/{newest.header.version}/interactions/{entry.id}")

    assert found.json()["entry"]["id"] == entry.id


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/knowledge/other-9", "knowledge.unknown"),
        ("/knowledge/plain-1/drugs/other", "knowledge.unknown_entry"),
        ("/knowledge/plain-1/nonsense/other", "knowledge.unknown_entry"),
    ],
)
def test_what_is_not_there_is_said_not_to_be(reader: Ask, path: str, code: str) -> None:
    answer = reader("GET", path)

    assert (answer.status_code, answer.json()["code"]) == (404, code)


def test_a_set_that_this_release_cannot_read_is_a_degraded_screening(
    hospital: Hospital, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(library, "_kept", type(library._kept)())
    monkeypatch.setattr(library, "read_set", lambda _document: [])

    hospital.issue()

    event: CaseScreened = hospital.store.told_of(CaseScreened)[-1]
    assert event.degraded


def test_a_process_keeps_few_sets(hospital: Hospital, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library, "_kept", type(library._kept)())
    for number in range(6):
        read, text = checked(document(version=f"small-{number}"))
        assert library.kept(getattr(read, "digest", ""), text) is not None

    assert len(library._kept) == library.SETS_KEPT_MAX


def test_a_set_is_kept_in_parts_that_fit(hospital: Hospital) -> None:
    text = "药" * (2 * PART_CHARACTERS_MAX + 1)
    kept = list(parts(text))

    assert [part.number for part in kept] == [1, 2, 3]
    assert "".join(part.text for part in kept) == text
    assert max(len(part.text.encode()) for part in kept) <= 256 * 1024


def test_a_large_set_is_stored_and_read_again(hospital: Hospital) -> None:
    many = document(version="large-1", drugs=[drug(f"d-{n}", f"药{n}", atc="X01AA01") for n in range(3000)], doses=[])
    large = {**many, "groups": [], "interactions": []}
    outcome = hospital.store.run(load_knowledge(*checked(large)), ROOT)

    assert outcome.status == 201
    assert sum(isinstance(each.event, KnowledgePartKept) for each in hospital.store.log) > 2
    shelf: ShelfState = hospital.store.state(shelf_ref())
    assert [each.loaded_by for each in shelf.loaded] == ["root", "root"]


def test_files_of_a_set_are_read_together_and_strange_ones_refused(tmp_path: Path) -> None:
    place = tmp_path / "set"
    place.mkdir()
    header = {name: SMALL[name] for name in ("name", "version", "valid_from", "notice")}
    (place / "set.json").write_text(json.dumps(header))
    (place / "sources-a.json").write_text(json.dumps(SMALL["sources"]))
    (place / "drugs.json").write_text(json.dumps(SMALL["drugs"]))
    (place / "README.md").write_text("about")

    assert gather(place) == {**header, "sources": SMALL["sources"], "drugs": SMALL["drugs"]}
    (place / "surprises.json").write_text("[]")
    with pytest.raises(Unreadable, match="surprises"):
        gather(place)


@pytest.mark.parametrize("content", ["{", "[]"])
def test_a_file_that_is_no_document_is_unreadable(tmp_path: Path, content: str) -> None:
    (tmp_path / "set.json").write_text(content)

    with pytest.raises(Unreadable):
        gather(tmp_path / "set.json")
    with pytest.raises(Unreadable):
        gather(tmp_path / "absent.json")


@pytest.mark.parametrize(
    "content",
    ['{"severity": "info", "severity": "blocking"}', '{"a": "\\ud800"}', '{"a": NaN}', "[" * 100_000],
    ids=["twice", "half a pair", "no number", "deep"],
)
def test_a_file_that_can_be_read_in_two_ways_or_by_some_only_is_unreadable(tmp_path: Path, content: str) -> None:
    (tmp_path / "set.json").write_text(content)

    with pytest.raises(Unreadable):
        gather(tmp_path / "set.json")


def test_a_set_that_names_something_twice_is_refused_and_changes_nothing(hospital: Hospital, admin: Ask) -> None:
    text = json.dumps(document(version="twice-1")).replace(
        '"severity": "serious"', '"severity": "info", "severity": "serious"'
    )
    assert text != json.dumps(document(version="twice-1"))
    before = versions(admin)

    answer = admin("POST", "/knowledge", json={"deflated": base64.b64encode(zlib.compress(text.encode())).decode()})

    assert (answer.status_code, answer.json()["code"]) == (422, "knowledge.unreadable")
    assert versions(admin) == before


def test_a_file_has_an_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.review.domain.knowledge.files.FILE_BYTES_MAX", 10)
    (tmp_path / "set.json").write_text(json.dumps(SMALL))

    with pytest.raises(Unreadable, match="bytes"):
        gather(tmp_path / "set.json")
