"""Many commands in one request: keys, repeats, what is undecided."""

from typing import Any
from uuid import UUID

import pytest

from services.seedwork.api import bulk as module
from services.seedwork.failures import OutcomeUnknown, PersistentConflict

KEY = {"Idempotency-Key": "one-request"}
FIRST, SECOND = UUID(int=1), UUID(int=2)


def row(number: int, label: str, key: str | None = None) -> dict[str, Any]:
    return {"row_key": key or f"row-{number:04}", "box": str(UUID(int=number)), "label": label}


def results(response: Any) -> list[str]:
    assert response.status_code == 200, response.text
    return [each["result"] for each in response.json()["rows"]]


def test_each_row_is_a_command_of_its_own(call: Any, runtime: Any) -> None:
    response = call("POST", "/boxes", json={"rows": [row(1, "a"), row(1, "a", "again-the-same"), row(2, "b")]})

    assert results(response) == ["done", "refused", "done"]
    assert response.json()["rows"][1]["problem"] == "signature.invalid"
    assert response.json()["rows"][2]["body"] == {"box": str(SECOND), "label": "b"}
    assert {name: len(events) for name, events in runtime.streams.items()} == {FIRST: 1, SECOND: 1}
    assert {each["idempotency"].key for each in runtime.executed[1:]} == {"row-0001", "again-the-same", "row-0002"}


def test_the_same_request_again_gets_the_first_answers(call: Any, runtime: Any) -> None:
    rows = [row(1, "a"), row(2, "b")]
    first = call("POST", "/boxes", json={"rows": rows}, headers=KEY)
    again = call("POST", "/boxes", json={"rows": rows}, headers=KEY)

    assert [each["body"] for each in again.json()["rows"]] == [each["body"] for each in first.json()["rows"]]
    assert [each["replayed"] for each in again.json()["rows"]] == [True, True]
    assert again.headers["idempotent-replay"] == "true"
    assert "idempotent-replay" not in first.headers
    assert len(runtime.streams[FIRST]) == 1


def test_a_row_again_in_another_request_gets_its_first_answer(call: Any, runtime: Any) -> None:
    call("POST", "/boxes", json={"rows": [row(1, "a")]})
    again = call("POST", "/boxes", json={"rows": [row(1, "a"), row(2, "b")]})

    assert [each["replayed"] for each in again.json()["rows"]] == [True, False]
    assert len(runtime.streams[FIRST]) == 1


def test_another_content_under_a_rows_key_is_refused_and_other_rows_under_the_requests(call: Any, runtime: Any) -> None:
    call("POST", "/boxes", json={"rows": [row(1, "a")]}, headers=KEY)
    other = call("POST", "/boxes", json={"rows": [row(1, "b")]})
    assert other.json()["rows"][0]["problem"] == "idempotency.reused"

    response = call("POST", "/boxes", json={"rows": [row(2, "b")]}, headers=KEY)

    assert (response.status_code, response.json()["code"]) == (422, "idempotency.reused")
    assert set(runtime.streams) == {FIRST}


@pytest.mark.parametrize(("failure", "rest"), [(OutcomeUnknown("x"), "undecided"), (PersistentConflict("x"), "done")])
def test_a_row_of_which_nothing_is_known_is_undecided(
    call: Any, runtime: Any, failure: Exception, rest: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    execute = runtime.execute

    async def breaks(use_case: Any, *, idempotency: Any, **more: Any) -> Any:
        if idempotency.key == "row-0002":
            raise failure
        return await execute(use_case, idempotency=idempotency, **more)

    monkeypatch.setattr(runtime, "execute", breaks)
    rows = [row(1, "a"), row(2, "b"), row(3, "c")]

    response = call("POST", "/boxes", json={"rows": rows}, headers=KEY)

    assert results(response) == ["done", "undecided", rest]
    monkeypatch.setattr(runtime, "execute", execute)
    assert results(call("POST", "/boxes", json={"rows": rows}, headers=KEY)) == ["done", "done", "done"]


def test_a_request_that_cannot_begin_has_no_effect(call: Any, runtime: Any) -> None:
    runtime.fails_with = OutcomeUnknown("x")

    response = call("POST", "/boxes", json={"rows": [row(1, "a")]})

    assert response.json()["code"] == "outcome.unknown"
    assert runtime.streams == {}
    runtime.fails_with = None
    assert call("POST", "/boxes", json={"rows": []}).json()["code"] == "request.precondition_failed"


def test_rows_that_no_time_is_left_for_are_undecided(call: Any, monkeypatch: pytest.MonkeyPatch, runtime: Any) -> None:
    monkeypatch.setattr(module, "SECONDS_MAX", 0.0)

    response = call("POST", "/boxes", json={"rows": [row(1, "a")]})

    assert results(response) == ["undecided"]
    assert response.json()["rows"][0]["problem"] == "overload.shed"
    assert runtime.streams == {}
