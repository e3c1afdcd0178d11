"""Rows of an import as they were read, and what is answered of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError

from contracts.supply_reports import ROWS_PER_REQUEST_MAX, Trust
from services.seedwork.model import Outcome, Refusal
from services.seedwork.usecase import Answer, Decision, UseCase
from services.shortage.domain.reports import ReportReceived

COMPLAINTS_MAX = 20
KEY_CHARACTERS_MAX = 300


@dataclass(frozen=True)
class Sender:
    """For whom an import speaks where its rows do not say. `only`: rows of others are refused."""

    reporter: str | None = None
    trust: Trust = "official"
    only: bool = False


@dataclass(frozen=True)
class Read:
    """A row as it was read: its content, or what is wrong with it."""

    key: str
    row: Any = None
    errors: tuple[str, ...] = ()


def read_rows(form: type[BaseModel], rows: Sequence[Mapping[str, Any]], key: str = "key") -> list[Read]:
    """Each row for itself; of what is wrong the field and the reason, never the value."""
    return [read_row(form, raw, str(raw.get(key) or "")[:KEY_CHARACTERS_MAX]) for raw in rows]


def read_row(form: type[BaseModel], raw: Mapping[str, Any], key: str) -> Read:
    try:
        return Read(key, form.model_validate(raw))
    except ValidationError as error:
        wrong = [f"{'.'.join(map(str, each['loc'])) or 'row'}: {each['msg']}" for each in error.errors()]
        return Read(key, None, tuple(wrong[:COMPLAINTS_MAX]))


def answered(key: str, outcome: Outcome | Read) -> dict[str, Any]:
    """What became of a row."""
    if isinstance(outcome, Read):
        return {"key": key, "result": "refused", "errors": list(outcome.errors)}
    if isinstance(outcome, Refusal):
        return {"key": key, "result": "refused", "errors": [outcome.code]}
    contradicts = [each.contradicts for each in outcome if isinstance(each, ReportReceived) and each.contradicts]
    return {"key": key, "result": "recorded" if outcome else "unchanged"} | (
        {"contradicts": contradicts[0]} if contradicts else {}
    )


def counted(answers: list[dict[str, Any]]) -> Answer:
    """The answer to a request: how many rows of each result, and each row."""
    results = [row["result"] for row in answers]
    counts = {result: results.count(result) for result in ("recorded", "unchanged", "refused")}
    return Answer(body={**counts, "rows": answers})


def too_many(rows: Sequence[Read]) -> Refusal | None:
    """Whether a request has none, or more than it may."""
    if 1 <= len(rows) <= ROWS_PER_REQUEST_MAX:
        return None
    return Refusal("import.size", {"rows": len(rows), "max": ROWS_PER_REQUEST_MAX})


def refused(refusal: Refusal) -> UseCase:
    """The whole request, for this reason."""
    return UseCase((), lambda _moment: Decision.refused(refusal))
