"""Answers as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from starlette.responses import Response


def answer(
    body: Any, *, status: int = 200, version: int | None = None, headers: Mapping[str, str] | None = None
) -> Response:
    """A JSON answer. `version` (that of the aggregate read) becomes its ETag, which a command takes as If-Match."""
    all_headers = dict(headers or {})
    if version is not None:
        all_headers["ETag"] = f'"{version}"'
    return Response(orjson.dumps(body), status_code=status, headers=all_headers, media_type="application/json")
