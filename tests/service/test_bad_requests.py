"""Requests that are wrong in themselves, at every door of every service: each its problem, nothing changed."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from collections.abc import Iterator
from itertools import cycle
from typing import Any

import orjson
import pytest

from contracts.roles import RIGHTS, Role
from services.seedwork.identity import Issuer, development_issuer, new_private_jwk
from services.seedwork.keyfiles import read_private
from tests.support.doors import Door, Knocking, doors, refusal
from tests.support.town import Town

MANY = 2**63
DEEP = b'{"a":' * 40 + b"1" + b"}" * 40
NO_JSON = (
    b"{",
    b'{"a":NaN}',
    b'"\\ud800"',
    b"\xff\xfe",
    DEEP,
    b'{"a":12345678901234567890}',
    b'{"a":"\\u0000"}',
)
JSON = "application/json"
JOSE = "application/jose"
SAME_DONE_TWICE = {"/development/clock", "/internal/epochs/{upstream}", "/internal/trace-codes"}
"""Change something, and need no key for it: what they say is what is so afterwards, however often it is said."""


@pytest.fixture(scope="module")
def knocking(shared_town: Town) -> Knocking:
    shared_town.follows = False
    return Knocking(shared_town)


@pytest.fixture(scope="module")
def all_doors(shared_town: Town) -> list[Door]:
    return doors(shared_town)


@pytest.fixture(scope="module")
def closed(all_doors: list[Door]) -> list[Door]:
    """All but health and public keys, and those that a signature opens."""
    return [door for door in all_doors if not door.is_open and not door.is_signed]


@pytest.fixture(autouse=True)
def _nothing_changes(knocking: Knocking) -> Iterator[None]:
    before = knocking.nothing_changed()
    yield
    assert knocking.nothing_changed() == before


def test_every_door_but_health_asks_for_a_right(all_doors: list[Door]) -> None:
    without = {door.path for door in all_doors if door.right is None and not door.is_signed}

    assert without == {"/openapi.json", "/health/live", "/health/ready", "/.well-known/jwks.json"}


def test_without_a_token_only_health_and_public_keys_answer(knocking: Knocking, all_doors: list[Door]) -> None:
    for door in all_doors:
        response = knocking.send(door, token=None, json={})
        if door.is_open:
            assert response.status_code in {200, 503}
        elif door.is_signed:
            assert refusal(door, response) == "webhook.signature"
        else:
            assert refusal(door, response) == "identity.missing"
            assert response.headers["www-authenticate"] == "Bearer"


def test_a_token_that_is_not_good_opens_no_door(knocking: Knocking, closed: list[Door]) -> None:
    bad = dict(bad_tokens(knocking.town))
    assert len(set(bad.values())) == len(bad)
    for door in closed:
        if door.right is None:
            continue
        for why, token in bad.items():
            assert refusal(door, knocking.send(door, token=token)) == "identity.invalid", f"{door}: {why}"


def test_a_token_opens_no_door_that_asks_for_a_signature(knocking: Knocking, all_doors: list[Door]) -> None:
    signed = [door for door in all_doors if door.is_signed]
    assert signed
    for door in signed:
        headers = {"Authorization": f"Bearer {knocking.token(Role.COURIER)}", "webhook-id": "m-1"}
        assert refusal(door, knocking.send(door, json={}, headers=headers)) == "webhook.signature"


def bad_tokens(town: Town) -> Iterator[tuple[str, str]]:
    """Every one of them in the name of an administrator."""
    settings = town.settings
    own = orjson.loads(read_private(settings.keys / "issuer.jwk"))
    issuer, audience = settings.token_issuer, settings.token_audience
    good = development_issuer(settings)

    def of(made: Issuer, **more: Any) -> str:
        return made.issue_token("administrator", Role.SYSTEM_ADMIN, **more)

    yield "expired", of(Issuer(own, issuer=issuer, audience=audience, clock=lambda: time.time() - 100_000))
    yield "not yet valid", of(Issuer(own, issuer=issuer, audience=audience, clock=lambda: time.time() + 3600))
    yield "foreign issuer's key", of(Issuer(orjson.loads(new_private_jwk()), issuer=issuer, audience=audience))
    yield "foreign issuer's name", of(Issuer(own, issuer="elsewhere", audience=audience))
    yield "for another audience", of(Issuer(own, issuer=issuer, audience="elsewhere"))
    header, claims, signature = of(good).split(".")
    kid = orjson.loads(_decoded(header))["kid"]
    none = _encoded({"alg": "none", "typ": "JWT", "kid": kid})
    yield "alg none", f"{none}.{claims}."
    yield "alg none, with the signature", f"{none}.{claims}.{signature}"
    public = orjson.dumps(good.jwks()["keys"][0])
    hs256 = f"{_encoded({'alg': 'HS256', 'typ': 'JWT', 'kid': kid})}.{claims}"
    mac = hmac.digest(public, hs256.encode(), hashlib.sha256)
    yield "HMAC keyed by the public key", f"{hs256}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"
    tampered = _encoded({**orjson.loads(_decoded(claims)), "role": "service"})
    yield "another role written in", f"{header}.{tampered}.{signature}"
    yield "signature cut", f"{header}.{claims}.{signature[:-8]}"
    yield "no claims", f"{header}..{signature}"
    yield "not a token", "abc"
    yield "a person as a service", of(good).replace("abc", "") + "x"
    yield "a service's role for a person", good.issue_token("administrator", Role.SERVICE)
    yield "a service's name for a person", good.issue_token("service:review", Role.SYSTEM_ADMIN)


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def _encoded(part: Any) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(part)).rstrip(b"=").decode()


def test_a_role_without_the_right_is_refused_before_anything_else_is_looked_at(
    knocking: Knocking, closed: list[Door]
) -> None:
    for door in closed:
        if door.right is None:
            continue
        wrong = cycle(({"key": None}, {"json": {}}, {"content": b"a.e30.c", "media_type": JOSE}))
        for role in set(Role) - RIGHTS[door.right]:
            response = knocking.send(door, token=knocking.token(role), **next(wrong))  # type: ignore[arg-type]
            assert refusal(door, response) == "identity.forbidden", f"{door} for {role}"


def test_what_is_no_json_is_refused(knocking: Knocking, closed: list[Door]) -> None:
    for door in closed:
        for content in (
            b"{",
            b'{"a":NaN}',
            b'"\\ud800"',
            b"\xff\xfe",
            DEEP,
            b'{"a":12345678901234567890}',
            b'{"a":"\\u0000"}',
        ):
            response = knocking.send(door, content=content, media_type=JSON)
            assert refusal(door, response) == "request.malformed", f"{door}: {content!r}"


def test_two_megabytes_are_too_much_announced_or_not(knocking: Knocking, closed: list[Door]) -> None:
    body = b'{"a":"' + b"x" * 2 * 1024 * 1024 + b'"}'
    for door in closed[::4]:
        response = knocking.send(door, content=body, media_type=JSON)
        assert response.status_code == 413
        assert response.json()["code"] == "request.too_large"


def test_another_media_type_is_refused(knocking: Knocking, closed: list[Door]) -> None:
    for door in closed:
        for media_type in ("text/plain", "application/xml", "application/x-www-form-urlencoded", "multipart/form-data"):
            response = knocking.send(door, content=b"a=1", media_type=media_type)
            assert refusal(door, response) == "request.media_type", f"{door}: {media_type}"
        if door.takes_jws:
            assert refusal(door, knocking.send(door, json={})) == "request.media_type"
        if door.takes_json:
            wrong = knocking.send(door, content=b"a.e30.c", media_type=JOSE)
            assert refusal(door, wrong) in {"request.media_type", "request.invalid"}


def test_what_is_no_compact_jws_is_refused(knocking: Knocking, closed: list[Door]) -> None:
    payload = base64.urlsafe_b64encode(b"{").decode()
    deep = base64.urlsafe_b64encode(DEEP).rstrip(b"=").decode()
    for door in (door for door in closed if door.takes_jws):
        for content in (b"", b"abc", b"a.b", "ä.ö.ü".encode(), b"e30.%%%.e30"):
            response = knocking.send(door, content=content, media_type=JOSE)
            assert refusal(door, response) == "signature.malformed", f"{door}: {content!r}"
        for broken in (payload, deep):
            response = knocking.send(door, content=f"e30.{broken}.e30".encode(), media_type=JOSE)
            assert refusal(door, response) == "request.malformed", f"{door}"


def test_a_command_needs_an_idempotency_key_of_eight_to_128_visible_characters(
    knocking: Knocking, closed: list[Door]
) -> None:
    commands = [door for door in closed if door.is_command]
    changing = [door for door in closed if door.method != "GET" and door.path not in SAME_DONE_TWICE]
    assert commands == changing
    for door in commands:
        for key in (None, "short", "x" * 129, "with space", "t\u00e4uschend"):
            content = b"a.e30.c" if door.takes_jws else b"{}"
            headers = {} if key is None else {"Idempotency-Key": key.encode("latin-1")}
            response = knocking.send(
                door, content=content, media_type=JOSE if door.takes_jws else JSON, key=None, headers=headers
            )
            assert refusal(door, response) == "idempotency.missing", f"{door}: {key}"


def test_a_body_of_the_wrong_form_is_refused_field_by_field(knocking: Knocking, closed: list[Door]) -> None:
    for door in (door for door in closed if door.takes_json):
        fields = door.takes_json.model_fields  # type: ignore[union-attr]
        for body in ([], "text", 7, None):
            response = knocking.send(door, content=orjson.dumps(body), media_type=JSON)
            assert refusal(door, response) == "request.invalid", f"{door}: {body}"
        for name in fields:
            response = knocking.send(door, json={name: {"no": ["such", {"thing": 1.5}]}})
            assert refusal(door, response) == "request.invalid", f"{door}: {name}"
            places = {error["at"].split(".")[1] for error in response.json()["errors"] if "." in error["at"]}
            assert name in places or fields[name].annotation == dict[str, Any], f"{door}: {name} {response.text}"
        unknown = knocking.send(door, json={"misspelt": 1})
        assert refusal(door, unknown) == "request.invalid"
        assert "body.misspelt" in {error["at"] for error in unknown.json()["errors"]}, f"{door} ignores unknown fields"


def test_no_value_of_a_refused_body_is_shown_again(knocking: Knocking, closed: list[Door]) -> None:
    for door in (door for door in closed if door.takes_json):
        body = {name: {"秘密": "秘密-430102199003070012"} for name in door.takes_json.model_fields}  # type: ignore[union-attr]
        response = knocking.send(door, json=body)
        assert response.status_code == 422, f"{door}: {response.text}"
        assert "430102199003070012" not in response.text


def test_an_id_that_is_none_is_refused(knocking: Knocking, closed: list[Door]) -> None:
    for door in closed:
        for name in door.ids:
            for wrong in ("not-a-uuid", "%F0%9F%92%8A", "1" * 500):
                response = knocking.send(door, door.at(**{name: wrong}), **whole(door))
                assert refusal(door, response) == "request.invalid", f"{door}: {name}={wrong}"


def whole(door: Door) -> dict[str, Any]:
    """A body of the right media type."""
    if door.takes_jws:
        return {"content": b"a.e30.c", "media_type": JOSE}
    return {"json": {}} if door.takes_json else {}


def test_a_nul_character_is_refused_wherever_it_stands(knocking: Knocking, closed: list[Door]) -> None:
    for door in closed:
        if door.parameters:
            path = door.at(**{door.parameters[-1]: "a%00b"})
            assert refusal(door, knocking.send(door, path)) == "request.malformed", str(door)
        assert refusal(door, knocking.send(door, door.at() + "?x=%00")) == "request.malformed", str(door)


def test_a_cursor_that_was_tampered_with_is_refused(knocking: Knocking, closed: list[Door]) -> None:
    paged = [door for door in closed if door.is_paged]
    assert len(paged) >= 8
    good = base64.urlsafe_b64encode(b"\0" * 16 + b"[1]").decode()
    for door in paged:
        for cursor in (good, "abc", "%20", "ä", "%F0%9F%92%8A", good[:-4]):
            response = knocking.send(door, f"{door.at()}?cursor={cursor}")
            assert refusal(door, response) == "request.cursor", f"{door}: {cursor}"


def test_a_cursor_of_another_list_is_refused(knocking: Knocking, closed: list[Door]) -> None:
    by_name = {str(door): door for door in closed}
    drugs = by_name["GET prescribe/registers/{kind}"]
    token = knocking.token(Role.REGULATOR)
    first = knocking.send(drugs, "/registers/drug?limit=2", token=token).json()
    second = knocking.send(drugs, f"/registers/drug?limit=2&cursor={first['next']}", token=token).json()

    assert [item["code"] for item in second["items"]] > [item["code"] for item in first["items"]]
    for path in (f"/registers/person?cursor={first['next']}", f"/registers/drug?x=1&cursor={first['next']}"):
        assert refusal(drugs, knocking.send(drugs, path, token=token)) == "request.cursor"
    stores = by_name["GET dispatch/registers/{kind}"]
    foreign = knocking.send(stores, f"/registers/pharmacy?cursor={first['next']}", token=token)
    assert refusal(stores, foreign) == "request.cursor"


NUMBERS = ("abc", "-1", "1.5", str(MANY), "9" * 40, "", "%20", "NaN", "0x10", "1e400")


def test_numbers_in_a_query_that_are_none_or_too_large_are_refused(knocking: Knocking, closed: list[Door]) -> None:
    asked = {name: [door for door in closed if name in door.queries] for name in ("limit", "after")}
    assert min(map(len, asked.values())) > 10
    for name, of in asked.items():
        for door in of:
            for number in NUMBERS:
                response = knocking.send(door, f"{door.at()}?{name}={number}")
                assert refusal(door, response) == "request.invalid", f"{door}: {name}={number}"


def test_places_that_are_none_are_refused_and_the_poles_are_places(knocking: Knocking, closed: list[Door]) -> None:
    near = next(door for door in closed if door.path == "/pharmacies/near")
    drug = knocking.town.world.products[0].code
    for place in ("lat=91&lon=0", "lat=nan&lon=0", "lat=0&lon=inf", "lat=&lon=", "lon=0", "lat=x&lon=1"):
        assert refusal(near, knocking.send(near, f"/pharmacies/near?products={drug}&{place}")) == "request.invalid"
    unknown = knocking.send(near, "/pharmacies/near?lat=28&lon=112&products=NOTHING")
    assert refusal(near, unknown) == "product.unknown"
    for pole in ("lat=90&lon=180", "lat=-90&lon=-180", "lat=0&lon=180"):
        found = knocking.send(near, f"/pharmacies/near?products={drug}&products={drug}&{pole}&radius_metres=100000")
        assert found.status_code == 200, found.text


def test_a_register_nobody_keeps_here_is_refused(knocking: Knocking, closed: list[Door]) -> None:
    for door in (door for door in closed if "{kind}" in door.path):
        for kind in ("nonsense", "shortage", "%E8%8D%AF"):
            body = {"entries": [{"code": "x"}]} if door.takes_json else None
            assert refusal(door, knocking.send(door, door.at(kind=kind), json=body)) == "register.kind", (
                f"{door}: {kind}"
            )


def test_no_such_route_and_no_such_method(knocking: Knocking, closed: list[Door]) -> None:
    for service in {door.service for door in closed}:
        door = Door(service, "GET", "/nowhere", codes=frozenset({"request.not_found", "request.method"}))
        assert refusal(door, knocking.send(door)) == "request.not_found"
        for path in ("/nowhere/", "//", "/%2e%2e/etc/passwd", "/prescriptions/", "/docs", "/redoc"):
            response = knocking.send(door, path)
            assert refusal(door, response) in {"request.not_found", "request.invalid"}, path
    for door in closed:
        other = Door(door.service, "DELETE", door.path, codes=frozenset({"request.method"}))
        assert refusal(other, knocking.send(other, door.at())) == "request.method"


ASKS_FIRST = {"/reconciliations/{day}/ask"}
"""Somebody outside is asked before there is a command; here nobody can be."""


def test_what_is_not_the_version_that_was_read_is_refused(knocking: Knocking, closed: list[Door]) -> None:
    for door in closed:
        if door.is_command and not door.takes_json and not door.takes_jws and door.path not in ASKS_FIRST:
            for tag in ('"99"', "99", "*", '"abc"', 'W/"1"'):
                response = knocking.send(door, headers={"If-Match": tag})
                assert refusal(door, response) == "request.precondition_failed", f"{door}: {tag}"


def test_no_field_of_a_request_is_without_limit(knocking: Knocking) -> None:
    """What is let in without limit can grow past what an event may carry."""
    found = [
        f"{method} {service}{path}: {place}"
        for service, app in knocking.town.apps.items()
        for path, operations in app.openapi()["paths"].items()
        for method, operation in operations.items()
        for place in unlimited_of(operation, app.openapi()["components"]["schemas"])
    ]

    assert found == []


def unlimited_of(operation: dict[str, Any], named: dict[str, Any]) -> Iterator[str]:
    body = operation.get("requestBody", {}).get("content", {}).get(JSON)
    if body:
        yield from unlimited(body["schema"], named, "body")
    for parameter in operation.get("parameters", []):
        if parameter["in"] == "query":
            yield from unlimited(parameter["schema"], named, parameter["name"])


def unlimited(schema: dict[str, Any], named: dict[str, Any], at: str) -> Iterator[str]:
    if "$ref" in schema:
        schema = named[schema["$ref"].rpartition("/")[2]]
    limits = {"string": {"maxLength", "pattern", "format"}, "array": {"maxItems"}}
    limits |= {"integer": {"maximum", "exclusiveMaximum"}, "number": {"maximum", "exclusiveMaximum"}}
    kind = schema.get("type")
    if kind in limits and not (limits[kind] | {"enum", "const"}) & schema.keys():
        yield f"{at}: {kind}"
    for alternative in (*schema.get("anyOf", ()), *schema.get("allOf", ())):
        yield from unlimited(alternative, named, at)
    if "items" in schema:
        yield from unlimited(schema["items"], named, f"{at}[]")
    for name, inner in schema.get("properties", {}).items():
        yield from unlimited(inner, named, f"{at}.{name}")
