"""What a command tells its client, and what a list does with it."""

from typing import Any
from uuid import uuid4

import pytest

from services.seedwork.ports import Freshness

BOX = {"label": "fragile"}


def test_a_command_tells_the_position_of_its_last_event_and_a_repeat_the_same(call: Any) -> None:
    async def twice(path: str) -> list[Any]:
        async with call.client() as client:
            headers = {"Idempotency-Key": uuid4().hex}
            return [await client.post(path, json=BOX, headers=headers) for _ in range(2)]

    first, again = call.run(twice(f"/boxes/{uuid4()}"))

    assert (first.headers["X-Log-Position"], again.headers["X-Log-Position"]) == ("42", "42")
    assert again.headers["Idempotent-Replay"] == "true"


def test_a_refusal_has_no_position(call: Any) -> None:
    path = f"/boxes/{uuid4()}"
    call("POST", path, json=BOX)

    refused = call("POST", path, json=BOX)

    assert refused.status_code >= 400
    assert "X-Log-Position" not in refused.headers


def test_a_list_is_waited_for_as_its_headers_ask_and_tells_its_age(call: Any, runtime: Any) -> None:
    listed = call("GET", "/boxes", headers={"X-Min-Log-Index": "5", "X-Min-Log-Position": "42"})

    (asked,) = runtime.asked
    assert (asked["query"], asked["log_index"], asked["position"]) == ("boxes", 5, 42)
    assert 0 < asked["within_seconds"] <= 0.5
    assert (listed.headers["X-Log-Index"], listed.headers["X-Age-Seconds"]) == ("7", "0.250")


def test_a_list_that_is_asked_for_nothing_waits_for_nothing_and_tells_its_age(call: Any, runtime: Any) -> None:
    listed = call("GET", "/boxes")

    assert (runtime.asked[0]["log_index"], runtime.asked[0]["position"]) == (0, None)
    assert listed.headers["X-Age-Seconds"] == "0.250"


def test_an_answer_out_of_several_lists_is_as_old_as_the_oldest(call: Any, runtime: Any) -> None:
    answers = iter([Freshness(9, 0.0), Freshness(4, 1.5), Freshness(6, 0.5)])

    async def caught_up(*_query: Any, **asked: Any) -> Freshness:
        runtime.asked.append(asked)
        return next(answers)

    runtime.caught_up = caught_up

    listed = call("GET", "/boxes/thrice")

    assert (listed.headers["X-Log-Index"], listed.headers["X-Age-Seconds"]) == ("4", "1.500")
    left = [asked["within_seconds"] for asked in runtime.asked]
    assert left == sorted(left, reverse=True), "the lists of one request share its time"


def test_a_record_is_current_and_has_no_age(call: Any, runtime: Any) -> None:
    path = f"/boxes/{uuid4()}"
    call("POST", path, json=BOX)

    shown = call("GET", path, headers={"X-Min-Log-Position": "42"})

    assert shown.status_code == 200
    assert runtime.asked == []
    assert "X-Age-Seconds" not in shown.headers


@pytest.mark.parametrize("name", ["X-Min-Log-Index", "X-Min-Log-Position"])
@pytest.mark.parametrize("value", ["-1", "soon", "1.5", str(2**63)])
def test_what_is_no_place_in_the_log_is_refused(name: str, value: str, call: Any) -> None:
    refused = call("GET", "/boxes", headers={name: value})

    assert (refused.status_code, refused.json()["code"]) == (422, "request.invalid")


def test_the_document_shows_the_headers_of_lists_and_commands(call: Any) -> None:
    paths = call("GET", "/openapi.json").json()["paths"]
    wanted = {each["name"] for each in paths["/boxes"]["get"]["parameters"] if each["in"] == "header"}
    assert wanted == {"X-Min-Log-Index", "X-Min-Log-Position"}
    assert set(paths["/boxes"]["get"]["responses"]["200"]["headers"]) == {"X-Log-Index", "X-Age-Seconds"}
    assert "X-Log-Position" in paths["/boxes/{box_id}"]["post"]["responses"]["201"]["headers"]
