"""Lists, page by page."""

from typing import Any

import pytest


def pages(call: Any, limit: int) -> list[list[str]]:
    found = []
    cursor = ""
    for _ in range(20):
        body = call("GET", f"/boxes?limit={limit}{cursor}").json()
        found.append([item["id"] for item in body["items"]])
        if body["next"] is None:
            return found
        cursor = f"&cursor={body['next']}"
    raise AssertionError("the list never ends")


@pytest.mark.parametrize("limit", [1, 3, 7, 200])
def test_all_rows_come_once_and_in_order(limit: int, call: Any) -> None:
    found = pages(call, limit)
    assert [box for page in found for box in page] == [f"b{number:03}" for number in range(7)]
    assert all(len(page) == limit for page in found[:-1])


def test_without_a_limit_fifty_rows_are_asked_for(call: Any) -> None:
    assert len(call("GET", "/boxes").json()["items"]) == 7


@pytest.mark.parametrize("limit", ["0", "201", "-1", "many"])
def test_a_limit_outside_1_to_200_is_refused(limit: str, call: Any) -> None:
    response = call("GET", f"/boxes?limit={limit}")
    assert (response.status_code, response.json()["code"]) == (422, "request.invalid")


def test_a_cursor_that_was_changed_is_refused(call: Any) -> None:
    cursor = call("GET", "/boxes?limit=2").json()["next"]
    for place in range(0, len(cursor), 3):
        changed = cursor[:place] + ("A" if cursor[place] != "A" else "B") + cursor[place + 1 :]
        response = call("GET", "/boxes", params={"limit": 2, "cursor": changed})
        assert (response.status_code, response.json()["code"]) == (400, "request.cursor")


@pytest.mark.parametrize("cursor", ["", "A", "****", "W10", "ä", "A" * 400])
def test_what_is_no_cursor_is_refused(cursor: str, call: Any) -> None:
    response = call("GET", "/boxes", params={"cursor": cursor})
    assert (response.status_code, response.json()["code"]) == (400, "request.cursor")


def test_a_cursor_belongs_to_its_list_and_filters_but_not_to_a_limit(call: Any) -> None:
    cursor = call("GET", "/boxes?limit=2&colour=red").json()["next"]
    assert call("GET", f"/boxes?limit=3&colour=red&cursor={cursor}").status_code == 200
    assert call("GET", f"/boxes?limit=2&colour=blue&cursor={cursor}").json()["code"] == "request.cursor"
    assert call("GET", f"/boxes?limit=2&cursor={cursor}").json()["code"] == "request.cursor"
