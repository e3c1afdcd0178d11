"""Problems as HTTP answers (RFC 9457) and as OpenAPI documentation, both out of the catalogue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from starlette.responses import Response

from contracts.errors import CATALOGUE, Problem

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_SECONDS = 1
"""The server's jitter is over by then; clients add their own."""
SCHEMA: dict[str, Any] = {
    "type": "object",
    "description": "RFC 9457 problem details. Branch on `code`.",
    "required": ["type", "code", "title", "status", "detail", "correlation_id"],
    "properties": {
        "type": {"type": "string", "description": "urn:rxflow:problem:<code>"},
        "code": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What it means, and what to do about it"},
        "correlation_id": {"type": "string"},
        "facts": {"type": "object", "description": "What shows that the rule is broken"},
        "errors": {
            "type": "array",
            "description": "Fields that are missing or of the wrong form",
            "items": {
                "type": "object",
                "properties": {name: {"type": "string"} for name in ("at", "code", "message")},
            },
        },
    },
}


def problem_response(
    code: str,
    correlation_id: str,
    *,
    facts: Mapping[str, Any] | None = None,
    errors: Sequence[Mapping[str, Any]] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """The answer. Raises KeyError for a code that is not in the catalogue."""
    problem = CATALOGUE[code]
    body = _members(problem, correlation_id)
    if facts:
        body["facts"] = dict(facts)
    if errors is not None:
        body["errors"] = errors
    all_headers = dict(headers or {})
    if problem.status == 503:
        all_headers.setdefault("Retry-After", str(RETRY_AFTER_SECONDS))
    if problem.status == 401:
        all_headers["WWW-Authenticate"] = "Bearer"
    content = orjson.dumps(body, default=str)
    return Response(content, status_code=problem.status, headers=all_headers, media_type=MEDIA_TYPE)


def problems(*codes: str) -> dict[int | str, dict[str, Any]]:
    """`responses=` of a route: the problems it can answer with beside the ones every route has. An unknown code is a
    mistake in the service, found when it is imported."""
    responses: dict[int | str, dict[str, Any]] = {}
    for code in codes:
        if code not in CATALOGUE:
            raise ValueError(f"{code} is not in the error catalogue")
        add_problem(responses, CATALOGUE[code], CATALOGUE[code].status)
    return responses


def add_problem(responses: dict[Any, dict[str, Any]], problem: Problem, key: int | str) -> None:
    """Document one more problem among the responses of a route."""
    described = responses.setdefault(key, {"description": problem.title})
    content = described.setdefault("content", {}).setdefault(
        MEDIA_TYPE, {"schema": {"$ref": "#/components/schemas/Problem"}, "examples": {}}
    )
    content["examples"][problem.code] = {
        "summary": problem.title,
        "value": _members(problem, "4f6c0c0e-8f0b-4f0e-9b77-0a4f2f0a7c11"),
    }
    described["description"] = ", ".join(example["summary"] for example in content["examples"].values())


def _members(problem: Problem, correlation_id: str) -> dict[str, Any]:
    return {
        "type": problem.type,
        "code": problem.code,
        "title": problem.title,
        "status": problem.status,
        "detail": problem.meaning,
        "correlation_id": correlation_id,
    }
