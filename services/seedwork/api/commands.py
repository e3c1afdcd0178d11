"""Commands: one use case per request, under the client's Idempotency-Key."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Protocol

from starlette.requests import Request
from starlette.responses import Response

from services.seedwork.api.answers import answer
from services.seedwork.api.context import RequestContext, context_of
from services.seedwork.api.problems import problem_response
from services.seedwork.failures import Refused
from services.seedwork.model import Loaded, Refusal
from services.seedwork.ports import Idempotency
from services.seedwork.usecase import Deciding, Decision, Moment, UseCase

_KEY = re.compile(rb"[\x21-\x7e]{8,128}")
_ETAG = re.compile(rb'"(\d{1,18})"')
REPLAY = {"Idempotent-Replay": "true"}
POSITION = "X-Log-Position"
"""Where the last event of a command stands: a list that is asked with it as X-Min-Log-Position shows its effect."""


class CommandRunner(Protocol):
    """Runs one use case for the request at hand, under its Idempotency-Key.

    `secret(body)` returns fields that are added to every answer but never stored (a hold's secret): it must be
    computable again from the stored body.
    """

    async def __call__(
        self, use_case: UseCase, *, secret: Callable[[Mapping[str, Any]], Mapping[str, Any]] | None = None
    ) -> Response: ...


async def command(request: Request) -> CommandRunner:
    """Runs the use case for this request. Refuses a request without a usable Idempotency-Key."""
    context = context_of(request)
    key = context.headers.get(b"idempotency-key", b"")
    if not _KEY.fullmatch(key):
        raise Refused("idempotency.missing")
    query = request.scope["query_string"]
    return runner_of(context, key.decode("ascii"), f"?{query.decode('latin-1')}" if query else "")


def runner_of(context: RequestContext, key: str, query: str = "") -> CommandRunner:
    """Runs use cases for this request under a key of its caller's."""
    return _RequestRunner(context, key, query)


class _RequestRunner:
    __slots__ = ("_context", "_key", "_query")

    def __init__(self, context: RequestContext, key: str, query: str) -> None:
        self._context = context
        self._key = key
        self._query = query

    async def __call__(
        self, use_case: UseCase, *, secret: Callable[[Mapping[str, Any]], Mapping[str, Any]] | None = None
    ) -> Response:
        context = self._context
        if_match = context.headers.get(b"if-match")
        if if_match is not None:
            use_case = only_at_version(use_case, if_match)
        if context.mandate is not None:
            use_case = context.mandate.guarding(use_case)
        outcome = await context.kit.runtime.execute(
            use_case,
            actor=context.bearer,
            idempotency=self._idempotency(),
            correlation_id=context.correlation_id,
            causation_id=context.request_id,
            traceparent=context.traceparent,
        )
        headers = dict(REPLAY) if outcome.replayed else {}
        if outcome.position is not None:
            headers[POSITION] = str(outcome.position)
        if outcome.refusal is not None:
            refusal = outcome.refusal
            return problem_response(refusal.code, context.correlation_id, facts=refusal.facts, headers=headers)
        if outcome.status >= 400:  # refused, but not without a trace: the answer names the problem
            body = outcome.body
            return problem_response(body["problem"], context.correlation_id, facts=body.get("facts"), headers=headers)
        body = dict(outcome.body)
        if secret is not None:
            body.update(secret(outcome.body))
        return answer(body, status=outcome.status, headers=headers)

    def _idempotency(self) -> Idempotency:
        """By the actor as they are when it runs: a representative's keys are apart for each patient."""
        context = self._context
        return Idempotency(
            subject=context.bearer.recorded_as,
            route=f"{context.method} {context.path}{self._query}",
            key=self._key,
            body_sha256=context.body_sha256,
        )


def only_at_version(use_case: UseCase, if_match: bytes) -> UseCase:
    """The use case, refused when the aggregate it is about (its first stream) has moved on since the client read it."""
    expected = _ETAG.fullmatch(if_match.strip())

    def decide(moment: Moment, *loaded: Loaded[Any]) -> Deciding:
        if not loaded or expected is None or int(expected[1]) != loaded[0].version:
            current = {"version": loaded[0].version} if loaded else {}
            return Decision.refused(Refusal("request.precondition_failed", current))
        return use_case.decide(moment, *loaded)

    return replace(use_case, decide=decide)
