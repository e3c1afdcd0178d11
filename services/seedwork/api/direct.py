"""Routes answered without the general machinery of FastAPI, which costs a command a fifth of its time.

FastAPI solves any graph of dependencies, with exit stacks, caches and threads. Our commands only ask for dependencies
of the request itself, values in the path and at most one JSON body; for those the same steps are taken in the same
order, with FastAPI's own fields and errors. Every other route (a list with query parameters) stays as it is.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, get_type_hints

from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from services.seedwork.api.context import JSON, context_of
from services.seedwork.failures import Refused

_MISSING_BODY = {"type": "missing", "loc": ("body",), "msg": "Field required", "input": None}


def answer_directly(route: APIRoute) -> None:
    """Lets the route answer directly where it can."""
    plan = _plan(route)
    if plan is not None:
        route.app = plan.app()


@dataclass(frozen=True)
class _Plan:
    """What a function asks for, in the order in which it is found."""

    name: str | None
    call: Callable[..., Awaitable[Any]]
    request: str | None
    dependencies: Sequence[_Plan]
    path: Sequence[Any]
    body: Any = None

    async def solve(self, request: Request, errors: list[Any]) -> dict[str, Any]:
        """The arguments; where something is wrong with the request, `errors` grows."""
        arguments: dict[str, Any] = {}
        for each in self.dependencies:
            mine: list[Any] = []
            given = await each.solve(request, mine)
            if mine:
                errors += mine
                continue
            value = await each.call(**given)
            if each.name is not None:
                arguments[each.name] = value
        if self.request is not None:
            arguments[self.request] = request
        received = request.scope["path_params"]
        for field in self.path:
            _validate(field, received[field.alias], ("path", field.alias), arguments, errors)
        if self.body is not None:
            _validate_body(self.body, request, arguments, errors)
        return arguments

    def app(self) -> ASGIApp:
        async def answer(scope: Scope, receive: Receive, send: Send) -> None:
            errors: list[Any] = []
            arguments = await self.solve(Request(scope, receive, send), errors)
            if errors:
                raise RequestValidationError(errors)
            response: Response = await self.call(**arguments)
            await response(scope, receive, send)

        return answer


def _validate(field: Any, value: Any, place: tuple[str, ...], into: dict[str, Any], errors: list[Any]) -> None:
    validated, wrong = field.validate(value, into, loc=place)
    if wrong:
        errors += wrong
    else:
        into[field.name] = validated


def _validate_body(field: Any, request: Request, into: dict[str, Any], errors: list[Any]) -> None:
    """The boundary has parsed it already."""
    context = context_of(request)
    if not context.has_body:
        errors.append(_MISSING_BODY)
    elif context.media_type != JSON:
        raise Refused("request.media_type", expected=JSON.decode())
    else:
        _validate(field, context.parsed_body, ("body",), into, errors)


def _plan(route: APIRoute) -> _Plan | None:
    """None where something is asked for that takes FastAPI."""
    body = route.body_field
    if body is not None and (len(route.dependant.body_params) > 1 or not body.field_info.is_required()):
        return None
    if get_type_hints(route.endpoint).get("return") is not Response:
        return None
    return _planned(route.dependant, body)


def _planned(asked: Dependant, body: Any = None) -> _Plan | None:
    dependencies = [_planned(each) for each in asked.dependencies]
    if (
        None in dependencies
        or not inspect.iscoroutinefunction(asked.call)
        or (asked.body_params and body is None)
        or asked.query_params
        or asked.header_params
        or asked.cookie_params
        or asked.http_connection_param_name
        or asked.response_param_name
        or asked.background_tasks_param_name
        or asked.security_scopes_param_name
    ):
        return None
    known = [each for each in dependencies if each]
    return _Plan(asked.name, asked.call, asked.request_param_name, known, asked.path_params, body)
