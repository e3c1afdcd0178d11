"""How often an actor may ask: fair to each, closed when in doubt."""

from pathlib import Path
from typing import Any

import pytest

from contracts.rates import CODE, COMMAND, FEED, RATES, READ, Rate, Rates, RouteClass
from contracts.roles import RIGHTS, Role
from services.dispatch.api import router
from services.seedwork.api.rates import SWEEP_SECONDS, Buckets
from services.seedwork.usecase import Actor
from tests.support.http_caller import Caller
from tests.unit.dispatch.town import A, Town, person

TABLE = Rates(
    classes=(RouteClass("code", "POST", "/secret", "x"), RouteClass("command", "POST", ".*", "x")),
    rates={"code": {Role.PHARMACIST: Rate(2, 3)}},
    others={"code": Rate(0.5, 1), "command": Rate(1, 5), "read": Rate(10, 10)},
)


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def buckets(clock: Clock, **more: Any) -> Buckets:
    return Buckets(TABLE, clock, **more)


def asked(found: Buckets, times: int, name: str = "a", role: str = "pharmacist", path: str = "/secret") -> list[float]:
    return [found.wait(Actor(name, role), "POST", path) for _ in range(times)]


def test_so_many_at_once_then_so_many_a_second(clock: Clock) -> None:
    found = buckets(clock)
    assert asked(found, 4) == [0, 0, 0, pytest.approx(0.5)]
    clock.now += 0.4
    assert asked(found, 1) == [pytest.approx(0.1)]
    clock.now += 0.1
    assert asked(found, 2) == [0, pytest.approx(0.5)]


def test_a_pause_fills_the_bucket_and_no_more(clock: Clock) -> None:
    found = buckets(clock)
    asked(found, 3)
    clock.now += 1_000_000

    assert asked(found, 4)[:3] == [0, 0, 0]
    assert asked(found, 1)[0] > 0


def test_who_is_refused_is_not_kept_waiting_longer_for_asking(clock: Clock) -> None:
    found = buckets(clock)
    asked(found, 3)

    assert {round(wait, 6) for wait in asked(found, 100)} == {0.5}


def test_nobody_is_refused_for_what_others_do(clock: Clock) -> None:
    found = buckets(clock)
    asked(found, 100, "greedy")

    assert asked(found, 3, "modest") == [0, 0, 0]
    assert asked(found, 1, "greedy", role="checker") == [0], "another kind of actor is another one"
    assert asked(found, 5, "greedy", path="/other") == [0] * 5, "another class of routes has its own bucket"


def test_kinds_that_the_table_does_not_name_have_the_common_rate(clock: Clock) -> None:
    found = buckets(clock)

    assert asked(found, 2, role="patient") == [0, pytest.approx(2)]
    assert [found.wait(Actor("a", "patient"), "GET", "/secret") for _ in range(10)] == [0] * 10


def test_when_there_is_no_room_a_new_actor_waits_and_a_known_one_does_not(clock: Clock) -> None:
    found = buckets(clock, buckets_max=2)
    asked(found, 1, "first")
    asked(found, 1, "second")

    assert asked(found, 2, "third") == [SWEEP_SECONDS, SWEEP_SECONDS]
    assert asked(found, 1, "first") == [0]


def test_full_buckets_make_room(clock: Clock) -> None:
    found = buckets(clock, buckets_max=2)
    asked(found, 3, "busy")
    asked(found, 1, "idle")
    assert asked(found, 1, "third") == [SWEEP_SECONDS]
    clock.now += SWEEP_SECONDS

    assert asked(found, 1, "third") == [0]
    assert asked(found, 3, "busy")[-1] > 0, "what was taken of a bucket that is not full is not forgotten"


def test_a_factor_multiplies_all_rates(clock: Clock) -> None:
    found = buckets(clock, factor=10)

    assert asked(found, 31) == [*[0] * 30, pytest.approx(0.05)]
    assert asked(buckets(clock, factor=0.01), 2) == [0, pytest.approx(50)], "one at once there always is"


def test_the_table_has_a_rate_for_every_role_and_class() -> None:
    for rates in RATES.values():
        assert {each.name for each in rates.classes} | {READ} == rates.others.keys()
        for name in rates.others:
            for role in Role:
                rate = rates.rates.get(name, {}).get(role, rates.others[name])
                assert rate.per_second > 0
                assert rate.burst >= 1


def test_where_a_code_is_shown_the_rates_are_the_narrowest() -> None:
    dispatch = RATES["dispatch"]
    showing = {"/lookups", "/fulfilments/1/holds", "/fulfilments/1/supplies/2/hand-out"}

    for role in RIGHTS["fulfilment.hold"] | RIGHTS["supply.hand_out"]:
        found = {dispatch.of(role, "POST", path) for path in showing}
        assert {name for name, _ in found} == {CODE}
        _, command = dispatch.of(role, "POST", "/fulfilments/1/holds/2/release")
        assert all(rate.per_second < command.per_second for _, rate in found)
    assert dispatch.of(Role.SERVICE, "GET", "/internal/feed/stock")[0] == FEED
    assert dispatch.of(Role.PATIENT, "POST", "/fulfilments/1/supplies/2/give-up")[0] == COMMAND
    assert dispatch.of(Role.PATIENT, "GET", "/fulfilments/1")[0] == READ


def test_the_classes_name_routes_that_there_are() -> None:
    paths = {(method, route.path) for route in router.routes for method in route.methods}  # type: ignore[attr-defined]
    for each in RATES["dispatch"].classes:
        if each.name == CODE:
            assert any(each.matches(method, path) for method, path in paths), each


class TestAtTheBoundary:
    @pytest.fixture
    def caller(self, tmp_path: Path) -> Caller:
        self.town = Town()
        return Caller(self.town.store, router, tmp_path, rates=RATES["dispatch"])

    def test_too_many_are_told_when_to_come_back_and_change_nothing(self, caller: Caller) -> None:
        token = caller.token(person("pharmacist"), Role.PHARMACIST, organisation=A)
        burst = RATES["dispatch"].of(Role.PHARMACIST, "POST", "/lookups")[1].burst
        answers = [caller(token, "POST", "/lookups", json={"token": "x"}) for _ in range(burst)]
        assert {answer.status_code for answer in answers} <= {403, 423}
        before = self.town.store.log_index

        refused = [caller(token, "POST", "/lookups", content=b"{") for _ in range(20)]

        limited = [each for each in refused if each.status_code == 429]
        assert limited, "the bucket was empty"
        assert {each.json()["code"] for each in limited} == {"rate.exceeded"}
        assert {each.headers["retry-after"] for each in limited} == {"1"}
        assert self.town.store.log_index == before
        other = caller.token(person("checker"), Role.CHECKER, organisation=A)
        assert caller(other, "GET", "/stock").status_code == 200

    def test_when_the_count_fails_nothing_gets_through(self, caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
        def broken(*_: Any) -> float:
            raise RuntimeError("no count")

        monkeypatch.setattr(Buckets, "wait", broken)
        token = caller.token(person("pharmacist"), Role.PHARMACIST, organisation=A)
        before = self.town.store.log_index

        response = caller(token, "POST", "/lookups", json={"token": "x"})

        assert (response.status_code, response.json()["code"]) == (500, "internal.error")
        assert self.town.store.log_index == before
