"""Every route of every service, found by asking the applications, and how to knock at it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from uuid import UUID, uuid4

import httpx
import orjson
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from contracts.errors import CATALOGUE
from contracts.roles import RIGHTS, Role
from contracts.topology import PORTS
from services.seedwork.api.commands import command
from services.seedwork.api.dependencies import compact_jws
from services.seedwork.api.health import JWKS, LIVE, READY
from services.seedwork.api.pages import paging
from services.seedwork.api.signed_paths import WEBHOOKS
from tests.support.town import NAMES, Town

OPEN = {LIVE, READY, JWKS}
KINDS = {"prescribe": "drug", "dispatch": "pharmacy", "insurance": "insurer"}
OWN_FAMILY = {
    "prescribe": "prescription",
    "review": "case",
    "dispatch": "stock",
    "insurance": "claim",
    "shortage": "shortage_case",
}
UNWRITTEN = {"request.malformed", "request.media_type"}
"""Of any body where none is wanted."""
INSIDE = re.compile(r"Traceback|File \"|sqlite|psycopg|SELECT |\.py|services\.|Exception|object at 0x", re.IGNORECASE)
"""What must never be seen outside."""


@dataclass(frozen=True)
class Door:
    """One route."""

    service: str
    method: str
    path: str
    right: str | None = None
    takes_json: type | None = None
    takes_jws: bool = False
    is_command: bool = False
    is_paged: bool = False
    queries: frozenset[str] = frozenset()
    codes: frozenset[str] = frozenset()
    """The problems its document names."""

    def __str__(self) -> str:
        return f"{self.method} {self.service}{self.path}"

    @property
    def is_open(self) -> bool:
        return self.path in OPEN

    @property
    def is_signed(self) -> bool:
        """Opened by a signature instead of a token."""
        return self.path.startswith(WEBHOOKS)

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"

    @cached_property
    def parameters(self) -> list[str]:
        return re.findall(r"{(\w+)}", self.path)

    @property
    def ids(self) -> list[str]:
        return [name for name in self.parameters if name.endswith("id") or name == "patient_ref"]

    def at(self, **values: Any) -> str:
        """The path with something in every place."""
        usual: dict[str, Any] = {name: uuid4() for name in self.ids}
        usual |= {"version": "ref-2026.1", "section": "drugs", "entry": "amlodipine", "number": 1, "place": 1}
        usual |= {"excursion": 1, "courier": "91430100MA4L00000X", "sender": "91430100MA4L00000X"}
        usual |= {"day": "2026-03-02", "insurer": "I310100", "pharmacy": "P31010100001"}
        usual |= {"kind": KINDS.get(self.service), "family": OWN_FAMILY[self.service], "upstream": "review"}
        return self.path.format(**{**usual, **values})


def doors(town: Town) -> list[Door]:
    return [door for name in NAMES for door in doors_of(name, town.apps[name])]


def doors_of(service: str, app: Any) -> Iterator[Door]:
    document = app.openapi()["paths"]
    for route in app.routes:
        for method in sorted((route.methods or set()) - {"HEAD"}):
            if not isinstance(route, APIRoute):
                yield Door(service, method, route.path, codes=frozenset(CATALOGUE))
                continue
            calls = list(_calls(route.dependant))
            rights = [call.right for call in calls if hasattr(call, "right")]
            operation = document.get(route.path_format, {}).get(method.lower(), {})
            yield Door(
                service,
                method,
                route.path,
                rights[0] if rights else None,
                route.body_field.field_info.annotation if route.body_field else None,
                compact_jws in calls,
                command in calls,
                paging in calls,
                frozenset(_queries(route.dependant)),
                frozenset(_codes(operation)) if route.include_in_schema else frozenset(CATALOGUE),
            )


def _calls(dependant: Dependant) -> Iterator[Callable[..., Any]]:
    for dependency in dependant.dependencies:
        if dependency.call is not None:
            yield dependency.call
        yield from _calls(dependency)


def _queries(dependant: Dependant) -> Iterator[str]:
    yield from (each.alias for each in dependant.query_params)
    for dependency in dependant.dependencies:
        yield from _queries(dependency)


def _codes(operation: Mapping[str, Any]) -> Iterator[str]:
    for response in operation.get("responses", {}).values():
        yield from response.get("content", {}).get("application/problem+json", {}).get("examples", {})


class Knocking:
    """Sends requests and reads refusals."""

    def __init__(self, town: Town) -> None:
        self.town = town
        self._tokens: dict[Any, str] = {}

    def token(self, role: Role, **claims: Any) -> str:
        """Somebody with this role who knows nobody here."""
        known = self._tokens.get((role, *sorted(claims.items())))
        if known is None:
            subject = claims.get("subject", "service:review" if role is Role.SERVICE else f"some-{role}")
            facts: dict[str, Any] = {"organisation": "P99999999999", "region": "430000"}
            facts["patient_ref"] = UUID(int=7) if role is Role.PATIENT else None
            facts |= {name: value for name, value in claims.items() if name != "subject"}
            known = self.town.tokens(subject, role, **facts)
            self._tokens[(role, *sorted(claims.items()))] = known
        return known

    def entitled(self, door: Door) -> str:
        """A token that has the door's right."""
        return self.token(min(RIGHTS[door.right]) if door.right else Role.REGULATOR)

    def send(
        self,
        door: Door,
        path: str | None = None,
        *,
        token: str | None = "",
        content: Any = None,
        json: Any = None,
        media_type: str | None = None,
        key: str | None = "",
        headers: Mapping[str, Any] | None = None,
    ) -> httpx.Response:
        """With everything that belongs to it, unless told otherwise: `token` and `key` None leave them out."""
        sent = dict(headers or {})
        if token is not None and not door.is_open and not door.is_signed:
            sent["Authorization"] = f"Bearer {token or self.entitled(door)}"
        if key is not None and door.is_command:
            sent["Idempotency-Key"] = key or uuid4().hex
        if json is not None:
            content, media_type = orjson.dumps(json), media_type or "application/json"
        if media_type:
            sent["Content-Type"] = media_type
        url = f"http://127.0.0.1:{PORTS[door.service]}{path or door.at()}"
        return self.town.applications.handle_request(httpx.Request(door.method, url, headers=sent, content=content))

    def nothing_changed(self) -> dict[str, tuple[int, ...]]:
        """What a refused request must leave as it was."""
        tables = ("events", "public", "timer", "fresh", "parked", "poison", "meta")
        return {name: tuple(map(office.count, tables)) for name, office in self.town.offices.items()}


def refusal(door: Door, response: httpx.Response) -> str:
    """The code of a problem in its full form, one that the route's document names."""
    assert response.status_code >= 400, f"{door}: {response.status_code} {response.text[:300]}"
    assert response.headers["content-type"] == "application/problem+json", f"{door}: {response.text[:300]}"
    problem = response.json()
    code: str = problem["code"]
    entry = CATALOGUE[code]
    assert response.status_code == problem["status"] == entry.status, f"{door}: {problem}"
    assert problem["title"] == entry.title
    assert problem["correlation_id"] == response.headers["x-correlation-id"]
    assert code in door.codes or code in {"request.malformed", "request.media_type"}, (
        f"{door}: {code} is not documented"
    )
    shown = {name: problem.get(name) for name in ("facts", "errors")}
    assert not INSIDE.search(orjson.dumps(shown).decode()), f"{door}: {problem}"
    assert response.headers["cache-control"] == "no-store"
    return code
