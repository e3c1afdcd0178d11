"""Many commands in one request: each row is a command of its own, under its own key, decided and saved for itself.

A row that is refused holds up no other. A row of which it is not known what became of it (the store was too busy, the
connection broke, the time was over) is `undecided`: send it again under its key, alone or with the whole request. The
request has a key too, which stands for these very rows; the same request again reaches each row's first answer.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping
from typing import Annotated, Any

import orjson
from fastapi import Depends
from starlette.requests import Request
from starlette.responses import Response

from contracts.errors import CATALOGUE
from services.seedwork.api.answers import answer
from services.seedwork.api.commands import REPLAY, CommandRunner, command
from services.seedwork.api.context import RequestContext, context_of
from services.seedwork.failures import ExecutionFailure
from services.seedwork.model import Refusal
from services.seedwork.ports import Idempotency
from services.seedwork.usecase import Answer, Decision, UseCase

SECONDS_MAX = 8.0
"""For the rows of a request together; a client waits ten for its answer."""
OF_THE_STORE = frozenset({"overload.shed", "outcome.unknown", "store.restored"})
"""What the rows that follow would meet as well: they are not tried."""
UNAVAILABLE = 503
Row = dict[str, Any]


class BulkRunner:
    """Runs the rows of the request at hand."""

    __slots__ = ("_again", "_busy", "_context", "_run", "_until")

    def __init__(self, context: RequestContext, run: CommandRunner) -> None:
        self._context = context
        self._run = run
        self._until = asyncio.get_running_loop().time() + SECONDS_MAX
        self._busy: str | None = None
        self._again = False

    async def begin(self, refused: Refusal | None = None) -> Response | None:
        """Binds the request's key to these rows; `refused`: to why there will be none. The answer, where that is one.

        Raises the failures of `services.seedwork.failures`: nothing has happened then.
        """
        begun = Decision.refused(refused) if refused else Decision.nothing(Answer(200, {"begun": True}))
        response = await self._run(UseCase((), lambda _moment: begun))
        self._again = all(name in response.headers for name in REPLAY)
        return response if response.status_code >= 400 else None

    async def row(self, key: str, content: Mapping[str, Any], use_case: UseCase) -> Row:
        """One row: done, refused (with its problem) or undecided."""
        context = self._context
        if self._busy is None and asyncio.get_running_loop().time() >= self._until:
            self._busy = "overload.shed"
        if self._busy is not None:
            return _row(key, "undecided", problem=self._busy)
        digest = hashlib.sha256(orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).digest()
        idempotency = Idempotency(context.bearer.subject, f"{context.method} {context.path} row", key, digest)
        try:
            outcome = await context.kit.runtime.execute(
                use_case,
                actor=context.bearer,
                idempotency=idempotency,
                correlation_id=context.correlation_id,
                causation_id=context.request_id,
                traceparent=context.traceparent,
            )
        except ExecutionFailure as failure:
            if CATALOGUE[failure.code].status != UNAVAILABLE:
                return _row(key, "refused", problem=failure.code)
            if failure.code in OF_THE_STORE:
                self._busy = "overload.shed"
            return _row(key, "undecided", problem=failure.code)
        if outcome.refusal is not None:
            refusal = outcome.refusal
            return _row(key, "refused", outcome.replayed, problem=refusal.code, facts=dict(refusal.facts))
        if outcome.status >= 400:  # refused, but not without a trace
            body = outcome.body
            return _row(key, "refused", outcome.replayed, problem=body["problem"], facts=dict(body.get("facts", {})))
        return _row(key, "done", outcome.replayed, body=dict(outcome.body))

    def report(self, rows: list[Row]) -> Response:
        """The answer: how many rows of each result, and every row in the order in which it came."""
        results = [row["result"] for row in rows]
        counts = {result: results.count(result) for result in ("done", "refused", "undecided")}
        body = orjson.loads(orjson.dumps({**counts, "rows": rows}, default=str))
        return answer(body, headers=dict(REPLAY) if self._again else None)


def refused_row(key: str, problem: str, **facts: Any) -> Row:
    """A row that cannot be read, or that its sender may not ask for."""
    return _row(key, "refused", problem=problem, facts=facts)


def _row(key: str, result: str, replayed: bool = False, **more: Any) -> Row:  # noqa: FBT001, FBT002 - as outcomes have it
    return {"row_key": key, "result": result, "replayed": replayed, **more}


async def bulk(request: Request, run: Annotated[CommandRunner, Depends(command)]) -> BulkRunner:
    """Runs many commands of one request."""
    return BulkRunner(context_of(request), run)
