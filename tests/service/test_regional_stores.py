"""Two regions, each with a dispatch service and a store of its own, over HTTP: a trace code is sold once in both."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import orjson
import pytest

from contracts.roles import Role
from rxflow.free_ports import free_ports
from services.dispatch.composition import SERVICE
from services.dispatch.domain import secrets
from services.dispatch.domain.regional_stores import RegionalStores
from services.dispatch.domain.trace_code import TRACE_CODES, TraceCodeState, trace_code_id
from services.seedwork.identity import development_issuer, service_token
from services.seedwork.ports import Outcome
from services.seedwork.settings import Settings
from services.seedwork.usecase import Actor, UseCase
from tests.support.service_on_sqlite import ServiceOnSqlite, make_tables
from tests.support.waiting import eventually
from tests.unit.dispatch.town import A, B, Town, person

EAST, WEST = "east", "west"
PHARMACY = {EAST: A, WEST: B}
STOP_SECONDS = 25
LONG = 60.0


class OwnStore:
    """The town's words on a region's store, beside its api."""

    def __init__(self, service: ServiceOnSqlite) -> None:
        self.service = service

    def run(self, use_case: UseCase, actor: Actor | None = None) -> Outcome:
        self.service.find("designations_of", pharmacy=A)
        return self.service.run(use_case, actor)

    def react(self, event: Any) -> Outcome:
        return self.service.react(event)

    def state(self, ref: Any) -> Any:
        return self.service.load(ref)[0].state


class Region:
    """One region: its store, its api and, where it is wanted, its worker."""

    def __init__(self, name: str, ports: dict[str, int], root: Path, nobody: int) -> None:
        self.name, self.pharmacy = name, PHARMACY[name]
        self.url = f"http://127.0.0.1:{ports[name]}"
        directory = root / name
        directory.mkdir()
        stores = {each: f"http://127.0.0.1:{port}" for each, port in ports.items()}
        self.settings = Settings(
            development=True,
            key_directory=root / "keys",
            database_url=f"sqlite:///{directory}",
            regional_stores=stores,
            regional_store=name,
        )
        self._environment = {
            **os.environ,
            "RXFLOW_DEVELOPMENT": "1",
            "RXFLOW_DATABASE_URL": self.settings.database_url,
            "RXFLOW_KEY_DIRECTORY": str(root / "keys"),
            "RXFLOW_REGIONAL_STORES": orjson.dumps(stores).decode(),
            "RXFLOW_REGIONAL_STORE": name,
            "RXFLOW_PORTS": orjson.dumps(
                {"dispatch": ports[name], **dict.fromkeys(("prescribe", "review", "insurance", "shortage"), nobody)}
            ).decode(),
        }
        self._directory = directory
        make_tables(SERVICE, self.settings)
        self.service = ServiceOnSqlite(SERVICE, self.settings)
        self.service.database.open()
        self.service.keyring.open()
        self.town = Town(OwnStore(self.service), now=datetime.now(UTC))

    def close(self) -> None:
        self.service.database.close()
        self.service.keyring.close()

    @contextmanager
    def running(self, role: str) -> Iterator[None]:
        """Its api or its worker, as a process of its own."""
        with (self._directory / f"{role}.log").open("ab") as log:
            command = [sys.executable, "-m", "services.dispatch", role]
            process = subprocess.Popen(command, env=self._environment, stdout=log, stderr=subprocess.STDOUT)
            try:
                if role == "api":
                    eventually(self._answers, within=LONG, describe=f"the api of {self.name}")
                yield
            finally:
                process.send_signal(signal.SIGTERM)
                try:
                    process.wait(STOP_SECONDS)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/health/live", trust_env=False).status_code == httpx.codes.OK
        except httpx.TransportError:
            return False

    def post(self, role: Role, path: str, body: dict[str, Any]) -> httpx.Response:
        who = person(role.value, self.pharmacy)
        token = development_issuer(self.settings).issue_token(who, role, organisation=self.pharmacy)
        headers = {"authorization": f"Bearer {token}", "idempotency-key": f"test-{uuid4()}"}
        return httpx.post(self.url + path, json=body, headers=headers, trust_env=False, timeout=LONG)

    def held(self) -> tuple[UUID, UUID, str]:
        """A prescription that its pharmacy holds and has reviewed: fulfilment, hold, secret."""
        fulfilment = self.town.release(20)
        hold_id = self.town.accepted(fulfilment, (1, 20), pharmacy=self.pharmacy)
        return fulfilment, hold_id, secrets.hold_secret(self.settings.secret_key("hold"), hold_id, self.pharmacy)

    def prepare(self, held: tuple[UUID, UUID, str], code: str) -> httpx.Response:
        fulfilment, hold_id, secret = held
        line = self.town.pick(20, trace_codes=(code,)).model_dump(mode="json")
        body = {"secret": secret, "lines": [line]}
        return self.post(Role.PREPARER, f"/fulfilments/{fulfilment}/holds/{hold_id}/supplies", body)

    def check(self, held: tuple[UUID, UUID, str], supply_id: str) -> httpx.Response:
        path = f"/fulfilments/{held[0]}/supplies/{supply_id}/check"
        return self.post(Role.CHECKER, path, {"secret": held[2]})

    def supply(self, held: tuple[UUID, UUID, str], supply_id: str) -> Any:
        return self.town.state(held[0]).supplies[UUID(supply_id)]

    def code(self, code: str) -> TraceCodeState:
        state: TraceCodeState = self.town.store.state(TRACE_CODES.ref(trace_code_id(code)))
        return state


@pytest.fixture
def regions(tmp_path: Path) -> Iterator[dict[str, Region]]:
    east, west, nobody = free_ports(3)
    with ExitStack() as stack:
        found = {}
        for name in (EAST, WEST):
            found[name] = Region(name, {EAST: east, WEST: west}, tmp_path, nobody)
            stack.callback(found[name].close)
        yield found


def codes_of(owner: str, count: int) -> list[str]:
    stores = RegionalStores(frozenset({EAST, WEST}), owner)
    return [code for code in (f"8{number:019d}" for number in range(100)) if stores.owner(code) == owner][:count]


def test_the_same_code_in_both_regions_is_sold_in_one_whoever_owns_it_and_however_they_race(
    regions: dict[str, Region],
) -> None:
    with regions[EAST].running("api"), regions[WEST].running("api"):
        for code in (*codes_of(EAST, 2), *codes_of(WEST, 2)):
            tries = []
            for region in regions.values():
                held = region.held()
                prepared = region.prepare(held, code)
                tries.append((region, held, prepared))
            assert [prepared.status_code for _, _, prepared in tries] == [201, 201]

            with ThreadPoolExecutor(2) as both:
                checks = [
                    both.submit(region.check, held, prepared.json()["supply_id"]) for region, held, prepared in tries
                ]
            answers = [check.result() for check in checks]

            assert sorted(answer.status_code for answer in answers)[:1] == [200], [a.text for a in answers]
            (refused,) = [answer for answer in answers if answer.status_code != httpx.codes.OK]
            assert refused.json()["code"] in {"trace_code.repeated", "trace_code.not_free"}
            owner = regions[RegionalStores(frozenset({EAST, WEST}), EAST).owner(code)]
            (sold,) = owner.code(code).sold
            winner = next(
                prepared.json()["supply_id"]
                for (_, _, prepared), answer in zip(tries, answers, strict=True)
                if answer.status_code == httpx.codes.OK
            )
            assert str(sold) == winner


def test_an_owner_that_is_away_holds_up_no_patient_and_decides_when_it_is_back(regions: dict[str, Region]) -> None:
    east, west = regions[EAST], regions[WEST]
    free, taken = codes_of(WEST, 2)
    sold, waiting, second = west.held(), east.held(), east.held()
    with west.running("api"):
        first = west.prepare(sold, taken).json()["supply_id"]
        assert west.check(sold, first).status_code == httpx.codes.OK

    with east.running("api"):  # west is away
        supplies = []
        for held, code in ((waiting, free), (second, taken)):
            supply_id = east.prepare(held, code).json()["supply_id"]
            answer = east.check(held, supply_id)
            assert answer.status_code == httpx.codes.OK, answer.text
            assert answer.json()["trace_codes"] == {"undecided": [code], "repeated": []}
            supplies.append(supply_id)

        with west.running("api"), east.running("worker"):
            eventually(
                lambda: (
                    not any(
                        east.supply(held, supply_id).codes_undecided
                        for held, supply_id in zip((waiting, second), supplies, strict=True)
                    )
                ),
                within=LONG,
                describe="the owner's word on both",
            )

    assert east.supply(waiting, supplies[0]).codes_repeated == ()
    assert east.supply(second, supplies[1]).codes_repeated == (taken,)
    assert str(next(iter(west.code(free).sold))) == supplies[0]
    assert str(next(iter(west.code(taken).sold))) == first
    (alarm,) = east.code(taken).repeats
    assert (alarm.first.pharmacy, alarm.second.pharmacy, str(alarm.second.supply_id)) == (B, A, supplies[1])


def test_a_pack_sold_in_one_region_is_told_in_both_when_it_is_brought_back_in_the_other(
    regions: dict[str, Region],
) -> None:
    east, west = regions[EAST], regions[WEST]
    (code,) = codes_of(EAST, 1)
    held = east.held()
    with east.running("api"), west.running("api"):
        supply_id = east.prepare(held, code).json()["supply_id"]
        assert east.check(held, supply_id).status_code == httpx.codes.OK
        brought = west.post(Role.PHARMACIST, "/trace-codes/returns", {"trace_code": code})
        assert brought.json()["code"] == "trace_code.repeated"
    with west.running("api"):  # east is away, and nobody here knows of the other code
        unknown = west.post(Role.PHARMACIST, "/trace-codes/returns", {"trace_code": codes_of(EAST, 2)[1]})
        assert (unknown.status_code, unknown.json()["code"]) == (503, "trace_code.owner_away")

    for region in (east, west):
        (alarm,) = region.code(code).repeats
        assert (alarm.kind, alarm.first.pharmacy, alarm.second.pharmacy) == ("return", A, B)


def test_only_a_service_asks_as_a_store_and_of_the_owner_only(regions: dict[str, Region]) -> None:
    east, west = regions[EAST], regions[WEST]
    (ours,), (theirs,) = codes_of(WEST, 1), codes_of(EAST, 1)
    with west.running("api"):

        def ask(token: str, **changes: Any) -> httpx.Response:
            question = {
                "asked_by": EAST,
                "supply_id": str(uuid4()),
                "operation": "reserve",
                "at": datetime.now(UTC).isoformat(),
                "codes": [{"code": ours, "product": "X", "pharmacy": A, "pack_size": 20, "quantity": 20}],
                **changes,
            }
            headers = {"authorization": f"Bearer {token}"}
            return httpx.put(f"{west.url}/internal/trace-codes", json=question, headers=headers, trust_env=False)

        pharmacist = development_issuer(west.settings).issue_token("p", Role.PHARMACIST, organisation=A)
        assert ask(pharmacist).json()["code"] == "identity.forbidden"
        service = service_token(east.settings, "dispatch")
        assert ask(service, codes=[]).json()["code"] == "request.invalid"
        assert ask(service, codes=[{"code": theirs}]).json()["code"] == "trace_code.not_owner"
        assert ask(service, codes=[{"code": "?"}]).json()["code"] == "trace_code.malformed"
        assert west.code(ours).status == "-"
        words = ask(service).json()
        assert words == [{"code": ours, "problem": None, "found": "", "first": None, "product": ""}]
        assert west.code(ours).status == "sold"
        shown = httpx.get(
            f"{west.url}/trace-codes",
            params={"code": theirs},
            headers={"authorization": f"Bearer {pharmacist}"},
            trust_env=False,
        ).json()
        assert (shown["owner"], shown["status"]) == (EAST, "unknown")
