"""Routes that answer directly answer as FastAPI would."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute, request_response

BOX = f"/boxes/{UUID(int=1)}"
JSON = {"Content-Type": "application/json"}

REQUESTS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "good": ("POST", BOX, {"json": {"label": "a"}}),
    "no body": ("POST", BOX, {"headers": JSON}),
    "wrong type": ("POST", BOX, {"json": {"label": 7}}),
    "no object": ("POST", BOX, {"json": ["label"]}),
    "null": ("POST", BOX, {"json": None}),
    "unknown field": ("POST", BOX, {"json": {"label": "a", "colour": "red"}}),
    "id that is none": ("POST", "/boxes/7", {"json": {"label": "a"}}),
    "everything wrong": ("POST", "/boxes/7", {"json": {"colour": "red"}}),
    "not JSON": ("POST", BOX, {"content": b"label=a", "headers": {"Content-Type": "text/plain"}}),
    "a signed body where none belongs": (
        "POST",
        BOX,
        {"content": b"a.b.c", "headers": {"Content-Type": "application/jose"}},
    ),
    "read": ("GET", BOX, {}),
    "read of an id that is none": ("GET", "/boxes/7", {}),
}


def through_fastapi(app: FastAPI) -> None:
    for route in app.router.routes:
        if isinstance(route, APIRoute):
            route.app = request_response(route.get_route_handler())


@pytest.mark.parametrize("name", REQUESTS)
def test_the_answer_is_the_one_fastapi_gives(name: str, call: Callable[..., Any], app: FastAPI, runtime: Any) -> None:
    method, path, content = REQUESTS[name]
    directly = call(method, path, **content)

    runtime.streams.clear()
    through_fastapi(app)
    generally = call(method, path, **content)

    def without_id(response: Any) -> Any:
        body = response.json()
        return {key: value for key, value in body.items() if key != "correlation_id"}

    assert directly.status_code == generally.status_code
    assert directly.headers["content-type"] == generally.headers["content-type"]
    assert without_id(directly) == without_id(generally)


def test_commands_and_reads_of_one_thing_answer_directly_and_lists_do_not(app: FastAPI) -> None:
    direct = {
        (min(route.methods), route.path): "direct" in getattr(route.app, "__module__", "")
        for route in app.router.routes
        if isinstance(route, APIRoute)
    }

    assert direct["POST", "/boxes/{box_id}"]
    assert direct["GET", "/boxes/{box_id}"]
    assert not direct["GET", "/boxes"]
