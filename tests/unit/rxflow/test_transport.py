"""The client repeats what may be repeated, always under the same key, and gives up in time."""

from collections.abc import Callable, Iterator

import httpx
import pytest

from rxflow.client.failures import NoAnswer, Problem
from rxflow.client.transport import ATTEMPTS_MAX, WAIT_SECONDS_MAX, Addresses, Connection, Session

Handler = Callable[[httpx.Request], httpx.Response]


class Server:
    """Answers with what it was given, one after the other, and remembers the requests."""

    def __init__(self, *answers: httpx.Response | Exception) -> None:
        self.requests: list[httpx.Request] = []
        self.waits: list[float] = []
        self._answers: Iterator[httpx.Response | Exception] = iter(answers)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = next(self._answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def session(self, token: str | None = "token") -> Session:
        connection = Connection(Addresses.local(), sleep=self.waits.append, transport=httpx.MockTransport(self))
        return Session(connection, token)

    @property
    def keys(self) -> set[str]:
        return {request.headers["Idempotency-Key"] for request in self.requests}


def busy(retry_after: str = "1") -> httpx.Response:
    return httpx.Response(
        503, json={"code": "overload.shed", "title": "Too busy"}, headers={"Retry-After": retry_after}
    )


def test_a_command_carries_token_and_key_to_the_service_of_its_name() -> None:
    server = Server(httpx.Response(201, json={"patient_ref": "x"}, headers={"ETag": '"1"'}))

    reply = server.session().command("review", "/cases", {"a": 1})

    request = server.requests[0]
    assert (reply.status, reply.body, reply.etag, reply.replayed) == (201, {"patient_ref": "x"}, '"1"', False)
    assert request.url == "http://127.0.0.1:8102/cases"
    assert request.headers["Authorization"] == "Bearer token"
    assert len(request.headers["Idempotency-Key"]) >= 8
    assert request.content == b'{"a":1}'


def test_each_intent_has_a_key_of_its_own() -> None:
    server = Server(httpx.Response(200, json={}), httpx.Response(200, json={}))
    session = server.session()

    session.command("review", "/cases")
    session.command("review", "/cases")

    assert len(server.keys) == 2


def test_a_busy_service_is_asked_again_with_the_same_key_after_its_wish() -> None:
    server = Server(busy("2"), busy("3"), httpx.Response(200, json={"ok": True}, headers={"Idempotent-Replay": "true"}))

    reply = server.session().command("dispatch", "/lookups", {})

    assert reply.replayed
    assert server.waits == [2.0, 3.0]
    assert len(server.requests) == 3
    assert len(server.keys) == 1


def test_a_wish_to_wait_for_long_is_bounded() -> None:
    server = Server(busy("3600"), busy("soon"), httpx.Response(200, json={}))

    server.session().command("dispatch", "/lookups")

    assert server.waits[0] == WAIT_SECONDS_MAX
    assert 0 < server.waits[1] < WAIT_SECONDS_MAX


def test_a_lost_answer_is_asked_for_again_with_the_same_key() -> None:
    server = Server(httpx.ReadTimeout("late"), httpx.ConnectError("restarting"), httpx.Response(200, json={}))

    server.session().command("dispatch", "/lookups")

    assert len(server.keys) == 1
    assert len(server.requests) == 3


def test_without_any_answer_the_outcome_is_not_known() -> None:
    server = Server(*[httpx.ConnectError("down")] * ATTEMPTS_MAX)

    with pytest.raises(NoAnswer, match="dispatch/lookups"):
        server.session().command("dispatch", "/lookups")

    assert len(server.requests) == ATTEMPTS_MAX


def test_a_service_that_stays_busy_is_a_problem() -> None:
    server = Server(*[busy() for _ in range(ATTEMPTS_MAX)])

    with pytest.raises(Problem) as raised:
        server.session().command("dispatch", "/lookups")

    assert raised.value.code == "overload.shed"


def test_a_refusal_is_final_and_tells_its_code_and_facts() -> None:
    answer = httpx.Response(
        409,
        json={
            "code": "hold.not_enough_remaining",
            "title": "Not enough remaining",
            "facts": {"line": 1},
            "correlation_id": "c",
        },
    )
    server = Server(answer)

    with pytest.raises(Problem) as raised:
        server.session().command("dispatch", "/fulfilments/1/holds")

    problem = raised.value
    assert (problem.status, problem.code, problem.facts, problem.correlation_id) == (
        409,
        "hold.not_enough_remaining",
        {"line": 1},
        "c",
    )
    assert len(server.requests) == 1


@pytest.mark.parametrize("body", [b"<html>Bad gateway</html>", b"[]", b'{"detail": "no code"}'])
def test_an_answer_that_is_no_problem_document_is_told_as_it_came(body: bytes) -> None:
    server = Server(httpx.Response(502, content=body))

    with pytest.raises(Problem) as raised:
        server.session().read("dispatch", "/health")

    assert raised.value.code == "http.unexpected"
    assert raised.value.status == 502


def test_a_signed_command_is_sent_as_it_was_signed() -> None:
    server = Server(httpx.Response(201, json={}))

    server.session().command("prescribe", "/prescriptions", jws="a.b.c")

    assert server.requests[0].headers["Content-Type"] == "application/jose"
    assert server.requests[0].content == b"a.b.c"


def test_a_query_leaves_out_what_was_not_asked() -> None:
    server = Server(httpx.Response(200, json={"items": []}))

    server.session().read("dispatch", "/fulfilments", prescription_id="p", cursor=None)

    assert dict(server.requests[0].url.params) == {"prescription_id": "p"}


def test_an_empty_answer_has_an_empty_body() -> None:
    server = Server(httpx.Response(204))

    assert server.session(token=None).command("dispatch", "/x").body == {}
    assert "Authorization" not in server.requests[0].headers


def test_proxies_of_the_environment_are_not_asked_for_this_machine() -> None:
    assert Addresses.local().on_this_machine
    assert Addresses.local(host="localhost").on_this_machine
    assert not Addresses.local(host="192.0.2.7").on_this_machine
    assert not Addresses({"review": "https://rxflow.example/review/"}).on_this_machine
    assert Addresses({"review": "https://rxflow.example/review/"}).of("review") == "https://rxflow.example/review"


def test_a_closed_connection_sends_nothing_more() -> None:
    with Connection(Addresses.local(), transport=httpx.MockTransport(Server())) as connection:
        pass

    with pytest.raises(RuntimeError, match="closed"):
        connection.send("GET", "review", "/health")


def test_who_has_written_reads_what_he_wrote() -> None:
    written = httpx.Response(201, json={}, headers={"X-Log-Position": "41"})
    listed = httpx.Response(200, json={}, headers={"X-Age-Seconds": "0.250"})
    server = Server(listed, written, listed, listed, httpx.Response(200, json={}), listed)
    session = server.session()

    session.read("dispatch", "/stock")
    assert session.command("dispatch", "/stock/receipts").position == 41
    session.read("dispatch", "/stock")
    session.read("review", "/cases")
    session.command("dispatch", "/stock/receipts")  # recorded nothing
    session.read("dispatch", "/stock")

    asked = [request.headers.get("X-Min-Log-Position") for request in server.requests]
    assert asked == [None, None, "41", None, None, "41"]


def test_a_list_tells_its_age() -> None:
    server = Server(httpx.Response(200, json={}, headers={"X-Age-Seconds": "0.250"}))

    assert server.session().connection.send("GET", "review", "/cases").age_seconds == 0.25
