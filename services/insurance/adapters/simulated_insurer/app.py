"""The simulated insurer over HTTP: messages, and in development mode a way to look and to meddle.

POST /mbs/fmi/fsi/api/callFsiService/callService   one envelope in, one out
GET  /control/books?first=2026-03-01&last=2026-03-01   what is booked between two days, in fen
PUT  /control/mishaps   {"delay": 0.2}: from now on this goes wrong
PUT  /control/clock   {"offset_seconds": 86400}: how far its calendar is ahead, as the installation's may be
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from services.insurance.adapters.simulated_insurer.books import Books
from services.insurance.adapters.simulated_insurer.desk import Desk
from services.insurance.adapters.simulated_insurer.mishaps import Mishaps

PATH = "/mbs/fmi/fsi/api/callFsiService/callService"
BODY_BYTES_MAX = 256 * 1024
OFFSET_SECONDS_MAX = 20 * 366 * 86_400
LATE_SECONDS = 8.0
"""Longer than a gateway waits."""


def insurer_app(
    desk: Desk,
    books: Books,
    *,
    control: bool,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    late_seconds: float = LATE_SECONDS,
) -> Starlette:
    """`control` only in development mode."""

    async def call(request: Request) -> Response:
        body = b""
        async for chunk in request.stream():
            body += chunk
            if len(body) > BODY_BYTES_MAX:
                return Response(status_code=413)
        reply = desk.receive(body, clock())
        if reply.late:
            await asyncio.sleep(late_seconds)
        return Response(reply.body, reply.status, media_type="application/json")

    async def show(request: Request) -> Response:
        try:
            first, last = (date.fromisoformat(request.query_params[name]) for name in ("first", "last"))
        except (KeyError, ValueError):
            return _wrong("first and last are days")
        items = books.items(first, last)
        return JSONResponse({"items": [item._asdict() for item in items], "gone_wrong": dict(desk.gone_wrong)})

    async def meddle(request: Request) -> Response:
        try:
            chances: Any = orjson.loads(await request.body())
            desk.mishaps = Mishaps.of({str(name): float(chance) for name, chance in chances.items()})
        except (ValueError, TypeError, AttributeError) as error:
            return _wrong(str(error))
        return Response(status_code=204)

    async def move_clock(request: Request) -> Response:
        try:
            offset = orjson.loads(await request.body())["offset_seconds"]
            desk.ahead = timedelta(seconds=min(max(int(offset), 0), OFFSET_SECONDS_MAX))
        except (ValueError, TypeError, KeyError):
            return _wrong("offset_seconds is a whole number")
        return Response(status_code=204)

    controls = [
        Route("/control/books", show, methods=["GET"]),
        Route("/control/mishaps", meddle, methods=["PUT"]),
        Route("/control/clock", move_clock, methods=["PUT"]),
    ]
    return Starlette(routes=[Route(PATH, call, methods=["POST"]), *(controls if control else [])])


def _wrong(why: str) -> Response:
    return JSONResponse({"wrong": why}, status_code=400)
