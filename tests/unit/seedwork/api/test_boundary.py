"""What does not get in, what does not get out, and what every answer carries."""

import asyncio
import gzip
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import orjson
import pytest
from starlette.requests import Request
from starlette.responses import StreamingResponse

from contracts.errors import CATALOGUE
from contracts.roles import Role
from services.seedwork.api import answer, boundary
from services.seedwork.failures import KeyReused, OutcomeUnknown, Overloaded, PersistentConflict
from services.seedwork.identity import Issuer, new_private_jwk
from services.seedwork.model import Refusal
from services.seedwork.ports import Check, Outcome
from services.seedwork.settings import Settings

BOX = f"/boxes/{UUID(int=1)}"


def problem(response: httpx.Response) -> dict[str, Any]:
    """The problem a response is, checked against the catalogue."""
    assert response.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = response.json()
    known = CATALOGUE[body["code"]]
    assert response.status_code == known.status == body["status"]
    assert body["title"] == known.title
    assert body["type"] == f"urn:rxflow:problem:{known.code}"
    assert body["correlation_id"] == response.headers["x-correlation-id"]
    return body


class TestBodies:
    @pytest.mark.parametrize("body", ["{", "", "[1,]", '{"label": NaN}', "nothing", '{"label": "\\ud800"}'])
    def test_malformed_json_changes_nothing(self, body: str, call: Any, runtime: Any) -> None:
        response = call("POST", BOX, content=body, headers={"Content-Type": "application/json"})
        assert problem(response)["code"] == ("request.malformed" if body else "request.invalid")
        assert runtime.executed == []

    def test_deep_nesting_is_malformed(self, call: Any) -> None:
        body = b'{"label": "a", "contents": ' + b"[" * 32 + b"]" * 32 + b"}"
        response = call("POST", BOX, content=body, headers={"Content-Type": "application/json"})
        assert problem(response)["code"] == "request.malformed"
        assert "32" in problem(response)["facts"]["reason"]

    def test_a_large_deep_body_is_malformed_too(self, call: Any) -> None:
        body = b"[" * 400_000
        response = call("POST", BOX, content=body, headers={"Content-Type": "application/json"})
        assert problem(response)["code"] == "request.malformed"

    def test_a_large_body_below_the_limit_is_read(self, call: Any) -> None:
        body = {"label": "a", "contents": ["x" * 100] * 8000}
        assert call("POST", BOX, json=body).status_code == 201

    def test_every_field_of_the_wrong_form_is_named_and_no_value_is_repeated(self, call: Any, runtime: Any) -> None:
        body = {"label": "secret-secret-secret-secret", "weight": "heavy"}
        response = call("POST", BOX, json=body)
        found = problem(response)
        assert found["code"] == "request.invalid"
        assert {error["at"] for error in found["errors"]} == {"body.label", "body.weight"}
        assert "secret-" not in response.text
        assert "heavy" not in response.text
        assert runtime.executed == []

    def test_two_megabytes_announced_are_refused(self, call: Any, runtime: Any) -> None:
        response = call("POST", BOX, content=b"x" * 2_000_000, headers={"Content-Type": "application/json"})
        assert problem(response)["code"] == "request.too_large"
        assert response.headers["connection"] == "close"
        assert runtime.executed == []

    def test_two_megabytes_without_a_length_are_refused_while_they_stream(self, call: Any, chunks: Any) -> None:
        read = 0

        async def counted() -> Any:
            nonlocal read
            async for chunk in chunks(2_097_152):
                read += len(chunk)
                yield chunk

        response = call("POST", BOX, content=counted(), headers={"Content-Type": "application/json"})
        assert problem(response)["code"] == "request.too_large"
        assert read <= 1024 * 1024 + 65_536

    def test_a_body_that_never_ends_is_given_up(self, call: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(boundary, "BODY_SECONDS_MAX", 0.01)

        async def stalled() -> Any:
            yield b"{"
            await asyncio.Event().wait()

        response = call("POST", BOX, content=stalled(), headers={"Content-Type": "application/json"})
        assert problem(response)["code"] == "request.timeout"

    @pytest.mark.parametrize("media_type", ["text/plain", "application/xml", "multipart/form-data; boundary=x", ""])
    def test_another_media_type_is_refused(self, media_type: str, call: Any) -> None:
        response = call("POST", BOX, content=b'{"label": "a"}', headers={"Content-Type": media_type})
        assert problem(response)["code"] == "request.media_type"

    def test_json_with_a_charset_is_json(self, call: Any) -> None:
        headers = {"Content-Type": "Application/JSON; charset=utf-8"}
        assert call("POST", BOX, content=b'{"label": "a"}', headers=headers).status_code == 201

    def test_a_signature_where_json_is_asked_for_is_refused(self, call: Any) -> None:
        response = call("POST", BOX, content=b"a.b.c", headers={"Content-Type": "application/jose"})
        assert problem(response)["code"] == "request.media_type"

    def test_compressed_bodies_are_not_unpacked(self, call: Any) -> None:
        headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
        response = call("POST", BOX, content=gzip.compress(b'{"label": "a"}'), headers=headers)
        assert problem(response)["code"] == "request.malformed"

    @pytest.mark.parametrize("path", ["/boxes/%00", "/boxes?colour=%00"])
    def test_a_nul_character_in_the_address_is_malformed(self, path: str, call: Any) -> None:
        assert problem(call("GET", path))["code"] == "request.malformed"

    @pytest.mark.parametrize("box", ["1", "everything", "..%2F..%2Fetc"])
    def test_an_id_that_is_none_is_refused(self, box: str, call: Any) -> None:
        assert problem(call("GET", f"/boxes/{box}"))["code"] in {"request.invalid", "request.not_found"}

    def test_an_unknown_id_is_not_found(self, call: Any) -> None:
        box = str(uuid4())
        assert problem(call("GET", f"/boxes/{box}"))["facts"] == {"box": box}

    def test_an_endpoint_still_sees_that_the_client_leaves_later(self, app: Any, call: Any) -> None:
        seen: list[str] = []

        @app.post("/waiting")
        async def waiting(request: Request) -> Any:
            seen.append((await request.body()).decode())
            seen.append((await request.receive())["type"])
            return answer({})

        messages = iter([{"type": "http.request", "body": b"{}"}, {"type": "http.disconnect"}])

        async def receive() -> Any:
            return next(messages)

        async def send(message: Any) -> None: ...

        headers = [(b"authorization", f"Bearer {call.token}".encode()), (b"content-type", b"application/json")]
        scope = {"type": "http", "method": "POST", "path": "/waiting", "query_string": b"", "headers": headers}
        call.run(app(scope, receive, send))
        assert seen == ["{}", "http.disconnect"]

    def test_nothing_is_saved_for_a_client_that_left(self, app: Any, call: Any, runtime: Any) -> None:
        sent: list[Any] = []

        async def left() -> dict[str, str]:
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            sent.append(message)

        headers = [(b"authorization", f"Bearer {call.token}".encode()), (b"content-length", b"10")]
        scope = {"type": "http", "method": "POST", "path": BOX, "query_string": b"", "headers": headers}
        call.run(app(scope, left, send))
        assert sent == runtime.executed == []


class TestTokens:
    @pytest.mark.parametrize(
        ("method", "path"), [("GET", BOX), ("POST", BOX), ("GET", "/nowhere"), ("GET", "/openapi.json")]
    )
    def test_without_a_token_nothing_answers(self, method: str, path: str, call: Any, runtime: Any) -> None:
        response = call(method, path, token="")
        assert problem(response)["code"] == "identity.missing"
        assert response.headers["www-authenticate"] == "Bearer"
        assert runtime.executed == []

    @pytest.mark.parametrize("authorization", ["Basic YTpi", "Bearer", "Bearer ", "bearer", "ünd"])
    def test_another_way_to_sign_in_is_no_token(self, authorization: str, call: Any) -> None:
        headers = {"Authorization": authorization.encode("latin-1")}
        assert problem(call("GET", BOX, headers=headers))["code"] == "identity.missing"

    def test_health_answers_without_a_token(self, call: Any) -> None:
        assert call("GET", "/health/live", token="").json() == {"live": True}
        assert call("GET", "/health/ready", token="").status_code == 200

    def test_expired_foreign_and_forged_tokens_are_refused(self, call: Any, issuer: Issuer, runtime: Any) -> None:
        expired = issuer.issue_token("D1", Role.PRESCRIBER, lifetime_seconds=-1)
        foreign = Issuer(orjson.loads(new_private_jwk()), issuer="rxflow", audience="rxflow")
        head, _, signature = call.token.split(".")
        stolen = ".".join([head, issuer.issue_token("D2", Role.PRESCRIBER).split(".")[1], signature])
        for token in (expired, foreign.issue_token("D1", Role.PRESCRIBER), stolen, "x", "eyJhbGciOiJub25lIn0.e30."):
            response = call("POST", BOX, token=token, json={"label": "a"})
            assert problem(response)["code"] == "identity.invalid"
        assert runtime.executed == []

    def test_a_role_without_the_right_is_refused_before_its_body_is_judged(self, call: Any, issuer: Issuer) -> None:
        courier = issuer.issue_token("C1", Role.COURIER)
        found = problem(call("POST", BOX, token=courier, json={"weight": "?"}))
        assert found["code"] == "identity.forbidden"
        assert found["facts"] == {"right": "prescription.issue", "role": "courier"}

    def test_an_unknown_address_is_not_found_once_known_who_asks(self, call: Any) -> None:
        assert problem(call("GET", "/nowhere"))["code"] == "request.not_found"
        assert problem(call("GET", "/boxes/"))["code"] in {"request.not_found", "request.invalid"}

    def test_another_method_is_not_allowed(self, call: Any) -> None:
        response = call("DELETE", BOX)
        assert problem(response)["code"] == "request.method"
        assert response.headers["allow"]

    def test_the_development_keys_are_public_and_enough_to_check_a_token(self, call: Any, issuer: Issuer) -> None:
        assert call("GET", "/.well-known/jwks.json", token="").json() == issuer.jwks()

    def test_outside_development_there_is_neither_key_set_nor_clock(
        self, tmp_path: Path, issuer: Issuer, runtime: Any, shelf: Any
    ) -> None:
        development = tmp_path / "development"
        for source, target in (("master.key", "master.key"), ("issuer.jwk", "issuer.jwk")):
            Settings(development=True, key_directory=tmp_path).secret_key("hold")
            (tmp_path / target).write_bytes((development / source).read_bytes())
            (tmp_path / target).chmod(0o600)
        (tmp_path / "jwks.json").write_bytes(orjson.dumps(issuer.jwks()))
        with asyncio.Runner() as runner:
            call = shelf(Settings(key_directory=tmp_path), runtime, runner, issuer.issue_token("D1", Role.PRESCRIBER))
            assert problem(call("GET", "/.well-known/jwks.json", token=""))["code"] == "identity.missing"
            for path in ("/.well-known/jwks.json", "/development/clock"):
                assert problem(call("GET", path))["code"] == "development.only"
            assert call("POST", BOX, json={"label": "a"}).status_code == 201

    def test_in_development_the_clock_is_there(self, call: Any) -> None:
        assert call("GET", "/development/clock").status_code == 200


class TestCorrelation:
    def test_the_clients_correlation_and_trace_travel_on(self, call: Any, runtime: Any) -> None:
        trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
        headers = {"X-Correlation-Id": "visit-17", "traceparent": trace}
        response = call("POST", BOX, json={"label": "a"}, headers=headers)
        assert response.headers["x-correlation-id"] == "visit-17"
        executed = runtime.executed[0]
        assert (executed["correlation_id"], executed["traceparent"]) == ("visit-17", trace)
        assert UUID(executed["causation_id"])

    @pytest.mark.parametrize("correlation", ["", "a b", "x" * 65, "<script>", "é"])
    def test_a_malformed_correlation_is_replaced(self, correlation: str, call: Any) -> None:
        headers = {"X-Correlation-Id": correlation.encode("latin-1")}
        assert UUID(call("GET", BOX, headers=headers).headers["x-correlation-id"])

    @pytest.mark.parametrize(
        "trace",
        [
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
        ],
    )
    def test_a_malformed_trace_is_ignored(self, trace: str, call: Any, runtime: Any) -> None:
        assert call("POST", BOX, json={"label": "a"}, headers={"traceparent": trace}).status_code == 201
        assert runtime.executed[0]["traceparent"] is None

    def test_every_answer_is_kept_out_of_caches_and_frames(self, call: Any) -> None:
        for response in (call("GET", "/health/live"), call("GET", BOX), call("GET", BOX, token="")):
            assert response.headers["cache-control"] == "no-store"
            assert response.headers["x-content-type-options"] == "nosniff"
            assert "default-src 'none'" in response.headers["content-security-policy"]


class TestFailures:
    def test_a_mistake_inside_is_one_sentence_outside(self, call: Any, logged: Any) -> None:
        response = call("POST", "/crash")
        assert problem(response)["code"] == "internal.error"
        for inside in ("Traceback", "RuntimeError", "conftest", "张三", "11010119900307758X"):
            assert inside not in response.text
        line = next(line for line in logged() if line["event"] == "request failed")
        assert line["correlation_id"] == response.json()["correlation_id"]
        assert line["error"]["type"] == "RuntimeError"
        assert any("crash" in place for place in line["error"]["at"])

    def test_no_personal_text_of_an_exception_is_logged(self, call: Any, logged: Any) -> None:
        call("POST", "/crash")
        assert "张三" not in str(logged())
        assert "11010119900307758X" not in str(logged())

    def test_what_went_well_is_logged_only_when_it_was_slow(
        self, call: Any, logged: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert call("POST", BOX, json={"label": "a"}).status_code == 201
        assert logged() == []
        monkeypatch.setattr(boundary, "SLOW_SECONDS", 0.0)
        assert call("GET", BOX).status_code == 200
        assert [line["status"] for line in logged()] == [200]

    def test_at_level_debug_every_request_is_logged(
        self, tmp_path: Path, issuer: Issuer, runtime: Any, shelf: Any, logged: Any
    ) -> None:
        verbose = Settings(development=True, key_directory=tmp_path, log_level="debug")
        with asyncio.Runner() as runner:
            call = shelf(verbose, runtime, runner, issuer.issue_token("D1", Role.PRESCRIBER))
            assert call("POST", BOX, json={"label": "a"}).status_code == 201
        assert [line["status"] for line in logged()] == [201]

    def test_a_refused_request_is_logged_by_template_not_by_address(self, call: Any, logged: Any) -> None:
        call("GET", "/boxes/geheim-token")
        (line,) = [line for line in logged() if line["event"] == "request"]
        assert (line["route"], line["status"], line["role"]) == ("/boxes/{box_id}", 422, "prescriber")
        assert "geheim" not in str(logged())

    @pytest.mark.parametrize(
        ("failure", "code"),
        [
            (KeyReused(), "idempotency.reused"),
            (PersistentConflict(), "conflict.persistent"),
            (OutcomeUnknown(), "outcome.unknown"),
            (Overloaded(), "overload.shed"),
        ],
    )
    def test_a_failure_to_execute_is_its_problem(self, failure: Exception, code: str, call: Any, runtime: Any) -> None:
        runtime.fails_with = failure
        response = call("POST", BOX, json={"label": "a"})
        assert problem(response)["code"] == code
        assert ("retry-after" in response.headers) == (response.status_code == 503)

    def test_a_refusal_that_the_catalogue_does_not_know_is_an_internal_error(self, call: Any, runtime: Any) -> None:
        async def execute(*_: Any, **__: Any) -> Outcome:
            return Outcome(refusal=Refusal("nobody.knows"))

        runtime.execute = execute
        assert problem(call("POST", BOX, json={"label": "a"}))["code"] == "internal.error"

    def test_an_answer_that_breaks_off_is_not_completed_with_a_problem(self, app: Any, call: Any, logged: Any) -> None:
        @app.get("/broken")
        async def broken() -> Any:
            async def parts() -> Any:
                yield b"first"
                raise RuntimeError("in between")

            return StreamingResponse(parts())

        assert call("GET", "/broken").content == b"first"
        assert [line["event"] for line in logged()].count("request failed") == 1


class TestShedding:
    def test_beyond_the_limit_requests_are_shed_and_health_still_answers(
        self, tmp_path: Path, issuer: Issuer, runtime: Any, shelf: Any
    ) -> None:
        limited = Settings(development=True, key_directory=tmp_path, in_flight_max=2)

        async def crowd(client: httpx.AsyncClient) -> tuple[list[httpx.Response], httpx.Response, list[httpx.Response]]:
            runtime.gate = asyncio.Event()
            key = {"Idempotency-Key": "k" * 8}
            inside = [
                asyncio.ensure_future(client.post(f"/boxes/{UUID(int=n)}", json={"label": "a"}, headers=key))
                for n in range(2)
            ]
            await runtime.entered.acquire()
            await runtime.entered.acquire()
            shed = [await client.get(BOX), await client.post(BOX, json={"label": "a"}, headers=key)]
            healthy = await client.get("/health/ready")
            runtime.gate.set()
            return shed, healthy, [await each for each in inside]

        with asyncio.Runner() as runner:
            call = shelf(limited, runtime, runner, issuer.issue_token("D1", Role.PRESCRIBER))
            shed, healthy, served = call.run(crowd(call.client()))
            for response in shed:
                assert problem(response)["code"] == "overload.shed"
                assert int(response.headers["retry-after"]) >= 1
            assert healthy.status_code == 200
            assert [response.status_code for response in served] == [201, 201]
            assert call("GET", f"/boxes/{UUID(int=0)}").status_code == 200


class TestHealth:
    def test_not_ready_says_why(self, call: Any, runtime: Any) -> None:
        runtime.checks = [Check("sealed", True, "nothing waits"), Check("forks", False, "1 stream set aside")]
        response = call("GET", "/health/ready", token="")
        assert response.status_code == 503
        assert response.headers["retry-after"]
        assert response.json()["checks"][1] == {"name": "forks", "ok": False, "detail": "1 stream set aside"}
        assert call("GET", "/health/live", token="").status_code == 200

    def test_readiness_that_fails_is_not_ready(self, call: Any, runtime: Any, logged: Any) -> None:
        def readiness() -> list[Check]:
            raise ConnectionError("no store")

        runtime.readiness = readiness
        assert call("GET", "/health/ready", token="").status_code == 500

    def test_the_runtime_lives_as_long_as_the_app(self, app: Any, call: Any, runtime: Any) -> None:
        states: list[tuple[str, bool]] = []
        messages = iter([{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}])

        async def receive() -> Any:
            return next(messages)

        async def send(message: Any) -> None:
            states.append((message["type"], runtime.running))

        call.run(app({"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}, receive, send))
        assert states == [("lifespan.startup.complete", True), ("lifespan.shutdown.complete", False)]
