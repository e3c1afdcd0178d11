"""A contract may grow, never lose or narrow: each kind of broken promise is seen refused, each addition passes."""

from __future__ import annotations

from copy import deepcopy
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import pytest
from pydantic import BaseModel, ConfigDict, Field

from contracts.events import EVENTS
from rxflow.docs.compatibility import Break, breaks
from rxflow.docs.schemas import current_schemas

CONTRACT = "prescribe.parcel_told.v1"


class Line(BaseModel):
    """Part of the contract."""

    line: int = Field(ge=1, le=50)
    quantity: int = Field(gt=0)
    note: str | None = None


class ParcelTold(BaseModel):
    """A contract with something of each kind."""

    parcel_id: UUID
    told_at: datetime
    kind: Literal["box", "bag"]
    code: str = Field(pattern=r"^\d{6}$", max_length=6)
    weight: float = Field(ge=0, lt=1000)
    lines: tuple[Line, ...] = Field(min_length=1, max_length=5)
    scope: tuple[int, ...] | None
    labels: dict[str, str]
    content: dict[str, Any]
    remark: str | None = None


def schema() -> dict[str, Any]:
    return {**deepcopy(ParcelTold.model_json_schema()), "x-family": "parcel"}


def broken(changed: dict[str, Any]) -> list[Break]:
    return breaks({CONTRACT: schema()}, {CONTRACT: changed})


def kinds(changed: dict[str, Any]) -> list[tuple[str, str]]:
    return [(each.kind, each.at) for each in broken(changed)]


def test_an_unchanged_contract_keeps_its_promises() -> None:
    assert broken(schema()) == []
    assert breaks(current_schemas(), current_schemas()) == []


@pytest.mark.parametrize(
    ("path", "name"), [((), "remark"), ((), "kind"), (("$defs", "Line"), "note")], ids=["optional", "required", "deep"]
)
def test_a_removed_field_is_refused(path: tuple[str, ...], name: str) -> None:
    changed = schema()
    node = changed
    for step in path:
        node = node[step]

    del node["properties"][name]
    node["required"] = [each for each in node["required"] if each != name]

    assert kinds(changed) == [("removed field", name if not path else f"lines[].{name}")]


def test_a_newly_required_field_is_refused_whether_old_or_new() -> None:
    changed = schema()
    changed["required"] += ["remark", "sender"]
    changed["properties"]["sender"] = {"type": "string"}

    assert kinds(changed) == [("newly required field", "remark"), ("newly required field", "sender")]


def test_a_field_that_is_no_longer_always_there_is_refused() -> None:
    changed = schema()
    changed["required"].remove("kind")

    assert kinds(changed) == [("no longer promised field", "kind")]


@pytest.mark.parametrize(
    ("field", "now"),
    [
        ("parcel_id", {"type": "string"}),
        ("told_at", {"type": "string", "format": "date"}),
        ("kind", {"type": "integer"}),
        ("weight", {"type": "integer", "minimum": 0, "exclusiveMaximum": 1000}),
        ("kind", {"anyOf": [{"type": "string", "enum": ["box", "bag"]}, {"type": "null"}]}),
        ("labels", {"type": "object", "additionalProperties": {"type": "integer"}}),
        ("content", {"type": "object", "additionalProperties": {"type": "string"}}),
    ],
    ids=["format lost", "format", "type", "integer only", "may be null", "values of a map", "map of anything"],
)
def test_a_changed_type_is_refused(field: str, now: dict[str, Any]) -> None:
    changed = schema()
    changed["properties"][field] = now

    assert {kind for kind, at in kinds(changed) if at.startswith(field)} == {"changed type"}


def test_a_field_that_may_no_longer_be_null_is_refused() -> None:
    changed = schema()
    changed["properties"]["scope"] = {"type": "array", "items": {"type": "integer"}}

    assert kinds(changed) == [("changed type", "scope")]


def test_another_type_of_an_array_s_items_is_refused() -> None:
    changed = schema()
    changed["properties"]["scope"]["anyOf"][0]["items"] = {"type": "string"}

    assert kinds(changed) == [("changed type", "scope[]")]


@pytest.mark.parametrize(
    "now", [{"type": "string", "enum": ["box"]}, {"type": "string", "const": "bag"}], ids=["fewer", "one"]
)
def test_a_narrowed_enum_is_refused(now: dict[str, Any]) -> None:
    changed = schema()
    changed["properties"]["kind"] = now

    assert kinds(changed) == [("narrowed enum", "kind")]


def test_an_enum_where_any_text_was_allowed_is_refused() -> None:
    changed = schema()
    changed["properties"]["code"]["enum"] = ["110101", "310101"]

    assert kinds(changed) == [("narrowed enum", "code")]


@pytest.mark.parametrize(
    ("field", "bounds"),
    [
        ("code", {"minLength": 1}),
        ("code", {"maxLength": 5}),
        ("code", {"pattern": r"^[1-9]\d{5}$"}),
        ("weight", {"minimum": 1}),
        ("weight", {"exclusiveMaximum": 999}),
        ("lines", {"minItems": 2}),
        ("lines", {"maxItems": 4}),
        ("lines", {"uniqueItems": True}),
        ("labels", {"maxProperties": 3}),
    ],
    ids=str,
)
def test_tightened_bounds_are_refused(field: str, bounds: dict[str, Any]) -> None:
    changed = schema()
    changed["properties"][field] |= bounds

    assert kinds(changed) == [("tightened bounds", field)]


def test_an_excluded_bound_is_tighter_than_the_same_included() -> None:
    changed = schema()
    weight = changed["properties"]["weight"]
    weight["exclusiveMinimum"] = weight.pop("minimum")

    assert kinds(changed) == [("tightened bounds", "weight")]


def test_a_contract_closed_to_unknown_fields_is_refused() -> None:
    changed = schema()
    changed["additionalProperties"] = False

    assert kinds(changed) == [("closed to unknown fields", "")]


def test_another_class_of_personal_data_is_refused() -> None:
    changed = schema()
    changed["properties"]["remark"]["x-personal"] = "clinical"

    assert kinds(changed) == [("changed class of personal data", "remark")]


def test_a_removed_contract_is_refused() -> None:
    assert [each.kind for each in breaks({CONTRACT: schema()}, {})] == ["removed contract"]


def test_a_wire_name_that_moved_to_another_class_is_refused() -> None:
    assert kinds({**schema(), "title": "BoxTold"}) == [("wire name moved to another class", "")]


def test_another_family_is_refused() -> None:
    assert kinds({**schema(), "x-family": "delivery"}) == [("changed family", "")]


class WiderLine(BaseModel):
    """The same part, grown."""

    model_config = ConfigDict(title="Line", extra="ignore")

    line: int = Field(ge=0, le=60)
    quantity: int = Field(ge=1)
    note: str | None = None
    unit: str | None = None


class WiderParcelTold(BaseModel):
    """The same contract, grown: new optional fields, wider bounds, another value of an enum."""

    model_config = ConfigDict(title="ParcelTold", extra="ignore")

    parcel_id: UUID = Field(description="said better")
    told_at: datetime
    kind: Literal["box", "bag", "tube"]
    code: Annotated[str, Field(max_length=12)]
    weight: float = Field(ge=-1, le=1000)
    lines: tuple[WiderLine, ...]
    scope: tuple[int, ...] | None
    labels: dict[str, str]
    content: dict[str, Any]
    remark: str | None = None
    sender: str | None = None
    stops: tuple[WiderLine, ...] = ()


def test_additions_pass() -> None:
    assert broken({**WiderParcelTold.model_json_schema(), "x-family": "parcel"}) == []


def test_a_new_contract_passes() -> None:
    assert breaks({CONTRACT: schema()}, {CONTRACT: schema(), "prescribe.parcel_lost.v1": schema()}) == []


def test_what_refers_to_itself_is_compared_too() -> None:
    part: dict[str, Any] = {
        "type": "object",
        "title": "Part",
        "required": ["name"],
        "properties": {"name": {"type": "string"}, "parts": {"type": "array", "items": {"$ref": "#/$defs/Part"}}},
    }
    tree = {"$ref": "#/$defs/Part", "title": "Part", "$defs": {"Part": part}}
    changed = deepcopy(tree)
    changed["$defs"]["Part"]["properties"]["name"] = {"type": "integer"}

    assert breaks({CONTRACT: tree}, {CONTRACT: tree}) == []
    assert Break("changed type", CONTRACT, "parts[].name", "string", "integer") in breaks(
        {CONTRACT: tree}, {CONTRACT: changed}
    )


def test_a_broken_promise_says_where_and_what() -> None:
    changed = schema()
    del changed["properties"]["remark"]

    assert str(broken(changed)[0]) == f"{CONTRACT} remark: removed field (was 'string', now None)"


@pytest.mark.parametrize("wire_name", sorted(EVENTS))
def test_losing_any_field_of_a_real_event_is_found(wire_name: str) -> None:
    today = current_schemas()[wire_name]

    for name in today["properties"]:
        poorer = deepcopy(today)
        del poorer["properties"][name]
        found = breaks({wire_name: today}, {wire_name: poorer})
        assert [(each.kind, each.at) for each in found] == [("removed field", name)]
