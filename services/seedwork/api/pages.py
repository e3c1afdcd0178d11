"""Lists in pages. A cursor is a place in the order of the list, so that rows which come or go in between neither
repeat nor hide others. It is opaque and authenticated: it holds sort keys the server put there."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any
from urllib.parse import parse_qsl

import orjson
from fastapi import Query
from starlette.requests import Request
from starlette.responses import Response

from services.seedwork.api.answers import answer
from services.seedwork.api.context import context_of
from services.seedwork.failures import Refused

LIMIT_DEFAULT = 50
LIMIT_MAX = 200
CURSOR_CHARACTERS_MAX = 1024
_SEAL_BYTES = 16
NO_FILTERS = frozenset({"cursor", "limit", "wait_seconds"})


class Page:
    """The page that is asked for.

        rows = await read.find("queue", after_at=(page.after or [0, ""])[0], ..., limit=page.fetch)
        return page.answer(rows, key=lambda row: [row["queued_at"], row["case_id"]])

    `after`: the sort keys of the last row of the page before, None for the first page. `fetch` is one row more than
    the page has: it shows whether there is a next one.
    """

    __slots__ = ("_key", "_list", "after", "limit")

    def __init__(self, *, limit: int, after: list[Any] | None, key: bytes, list_name: str) -> None:
        self.limit = limit
        self.after = after
        self._key = key
        self._list = list_name

    @property
    def fetch(self) -> int:
        return self.limit + 1

    def answer(
        self,
        rows: Sequence[Mapping[str, Any]],
        *,
        key: Callable[[Mapping[str, Any]], list[Any]],
        item: Callable[[Mapping[str, Any]], Mapping[str, Any]] = dict,
    ) -> Response:
        """`{"items": [...], "next": cursor or null}`; `key` names a row's place, `item` shows a row to the caller."""
        shown = rows[: self.limit]
        more = len(rows) > self.limit
        following = _seal(self._key, self._list, key(shown[-1])) if more else None
        return answer({"items": [item(row) for row in shown], "next": following})

    def feed(
        self,
        rows: Sequence[Mapping[str, Any]],
        *,
        key: Callable[[Mapping[str, Any]], list[Any]],
        item: Callable[[Mapping[str, Any]], Mapping[str, Any]] = dict,
    ) -> Response:
        """As `answer`, for a list that goes on: `next` follows the last row, or is the place that was asked from. Null
        only where nothing has ever been there."""
        place = key(rows[-1]) if rows else self.after
        following = None if place is None else _seal(self._key, self._list, place)
        return answer({"items": [item(row) for row in rows], "next": following})


async def paging(
    request: Request,
    cursor: Annotated[
        str | None, Query(max_length=CURSOR_CHARACTERS_MAX, description="`next` of the page before")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=LIMIT_MAX)] = LIMIT_DEFAULT,
) -> Page:
    """The page a list request asks for. A cursor belongs to one list with its filters."""
    context = context_of(request)
    key = context.kit.settings.secret_key("cursor")
    query = parse_qsl(request.scope["query_string"].decode("latin-1"), keep_blank_values=True)
    filters = sorted(pair for pair in query if pair[0] not in NO_FILTERS)
    list_name = repr((context.kit.service, context.path, filters))
    after = None if cursor is None else _open(key, list_name, cursor)
    return Page(limit=limit, after=after, key=key, list_name=list_name)


def _seal(key: bytes, list_name: str, place: list[Any]) -> str:
    packed = orjson.dumps(place)
    return base64.urlsafe_b64encode(_mac(key, list_name, packed) + packed).rstrip(b"=").decode()


def _open(key: bytes, list_name: str, cursor: str) -> list[Any]:
    try:
        opened = base64.b64decode(cursor + "=" * (-len(cursor) % 4), b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise Refused("request.cursor") from None
    seal, packed = opened[:_SEAL_BYTES], opened[_SEAL_BYTES:]
    if not hmac.compare_digest(seal, _mac(key, list_name, packed)):
        raise Refused("request.cursor")
    place: list[Any] = orjson.loads(packed)
    return place


def _mac(key: bytes, list_name: str, packed: bytes) -> bytes:
    return hmac.digest(key, list_name.encode() + b"\0" + packed, hashlib.sha256)[:_SEAL_BYTES]
