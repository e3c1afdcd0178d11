"""What can go wrong for a client."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import httpx


class Problem(Exception):  # noqa: N818
    """The service refused, and said why (RFC 9457). Branch on `code`; `facts` show which rule is broken and how."""

    def __init__(
        self,
        code: str,
        status: int,
        *,
        title: str = "",
        detail: str = "",
        facts: Mapping[str, Any] | None = None,
        errors: Sequence[Mapping[str, Any]] = (),
        correlation_id: str | None = None,
    ) -> None:
        super().__init__(f"{status} {code}: {title or detail}{f' {dict(facts)}' if facts else ''}")
        self.code = code
        self.status = status
        self.title = title
        self.detail = detail
        self.facts: Mapping[str, Any] = facts or {}
        self.errors = errors
        self.correlation_id = correlation_id

    @classmethod
    def of(cls, response: httpx.Response) -> Problem:
        """Also of an answer that is no problem document, as a proxy in between gives."""
        try:
            body = response.json()
        except ValueError:
            body = None
        if not isinstance(body, dict) or "code" not in body:
            return cls("http.unexpected", response.status_code, detail=response.text[:200])
        return cls(
            str(body["code"]),
            response.status_code,
            title=str(body.get("title", "")),
            detail=str(body.get("detail", "")),
            facts=body.get("facts"),
            errors=body.get("errors", ()),
            correlation_id=body.get("correlation_id"),
        )


class NoAnswer(Exception):  # noqa: N818
    """Nobody answered, for all repeats. A command may or may not have happened: ask again with the same key."""


class TimedOut(Exception):  # noqa: N818
    """What was waited for did not come about in time."""
