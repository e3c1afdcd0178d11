"""A service of boxes on a shelf, its store in memory, and a caller that speaks HTTP to it without a network."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, ClassVar
from uuid import UUID, uuid4

import httpx
import pytest
from fastapi import APIRouter, Depends, FastAPI, Response
from pydantic import BaseModel, Field

from contracts.roles import Role
from services.seedwork.api import (
    Bulk,
    Paging,
    Read,
    Refused,
    Run,
    allowed,
    answer,
    compact_jws,
    create_app,
    development_only,
    problems,
    secret_key,
)
from services.seedwork.composition import Service
from services.seedwork.failures import KeyReused
from services.seedwork.identity import Issuer, development_issuer
from services.seedwork.model import Aggregate, DomainEvent, Ids, Loaded, Refusal, StreamRef
from services.seedwork.ports import Check, Freshness, Idempotency, Outcome
from services.seedwork.settings import Settings
from services.seedwork.usecase import Actor, Answer, Decision, Moment, UseCase

NOW = datetime(2026, 3, 1, 8, tzinfo=UTC)


class BoxPut(DomainEvent):
    TOPIC: ClassVar[str] = "shelf.box.put"

    label: str


@dataclass(frozen=True)
class BoxState:
    label: str = ""


def evolve(state: BoxState, event: BoxPut) -> BoxState:
    return replace(state, label=event.label)


BOX = Aggregate(name="box", events=(BoxPut,), initial=BoxState(), evolve=evolve)
SHELF = Service(name="prescribe", port=8101, aggregates=(BOX,))


def put_box(box_id: UUID, label: str) -> UseCase:
    def decide(moment: Moment, box: Loaded[BoxState]) -> Decision:
        if label == box.state.label:
            return Decision.refused(
                Refusal("signature.invalid", {"label": label, "box": box.stream_id, "at": moment.now})
            )
        return Decision.on(box, [BoxPut(label=label)], Answer(201, {"box": str(box_id), "label": label}))

    return UseCase((BOX.ref(box_id),), decide)


class FixedIds:
    def new(self) -> UUID:
        return uuid4()


class FakeRuntime:
    """Keeps events and first answers in dictionaries; `fails_with` makes the next executions fail."""

    def __init__(self) -> None:
        self.running = False
        self.streams: dict[UUID, list[DomainEvent]] = {}
        self.answers: dict[tuple[str, str, str], tuple[bytes, Outcome]] = {}
        self.checks: list[Check] = [Check("sealed", True, "nothing waits")]
        self.asked: list[Mapping[str, Any]] = []
        self.freshness = Freshness(7, 0.25)
        self.fails_with: Exception | None = None
        self.executed: list[Mapping[str, Any]] = []
        self.gate: asyncio.Event | None = None
        self.entered = asyncio.Semaphore(0)
        self.ids: Ids = FixedIds()

    async def start(self) -> None:
        self.running = True

    async def stop(self) -> None:
        self.running = False

    async def load(self, *refs: StreamRef[Any]) -> tuple[Loaded[Any], ...]:
        return tuple(self._loaded(ref) for ref in refs)

    async def find(self, query: str, **parameters: Any) -> Sequence[Mapping[str, Any]]:
        assert query == "boxes"
        rows = [{"at": number // 2, "id": f"b{number:03}"} for number in range(7)]
        after = (parameters["after_at"], parameters["after_id"])
        return [row for row in rows if (row["at"], row["id"]) > after][: parameters["limit"]]

    async def now(self) -> datetime:
        return NOW

    async def caught_up(self, query: str, **asked: Any) -> Freshness:
        self.asked.append({"query": query, **asked})
        return self.freshness

    def readiness(self) -> Sequence[Check]:
        return self.checks

    async def execute(
        self, use_case: UseCase, *, actor: Actor, idempotency: Idempotency | None, **trace: Any
    ) -> Outcome:
        self.executed.append({"actor": actor, "idempotency": idempotency, **trace})
        self.entered.release()
        if self.gate is not None:
            await self.gate.wait()
        if self.fails_with is not None:
            raise self.fails_with
        assert idempotency is not None
        key = (idempotency.subject, idempotency.route, idempotency.key)
        if key in self.answers:
            digest, first = self.answers[key]
            if digest != idempotency.body_sha256:
                raise KeyReused
            return replace(first, replayed=True)
        loaded = [self._loaded(ref) for ref in use_case.streams]
        decision = use_case.decide(Moment(NOW, self.ids, actor), *loaded)
        assert isinstance(decision, Decision)
        for change in decision.changes:
            self.streams.setdefault(change.loaded.stream_id, []).extend(change.events)
        position = None if decision.refusal else 41 + len(self.streams)
        outcome = Outcome(decision.answer.status, decision.answer.body, refusal=decision.refusal, position=position)
        self.answers[key] = (idempotency.body_sha256, outcome)
        return outcome

    def _loaded(self, ref: StreamRef[Any]) -> Loaded[Any]:
        events = self.streams.get(ref.stream_id, [])
        return Loaded(ref, len(events), ref.aggregate.fold(events))


class PutBody(BaseModel):
    label: str = Field(min_length=1, max_length=20, examples=["fragile"])
    weight: int = 1
    contents: dict[str, Any] | list[Any] | None = None


router = APIRouter()
Putter = Annotated[Actor, Depends(allowed("prescription.issue"))]


@router.post("/boxes/{box_id}", status_code=201, responses=problems("signature.invalid"))
async def put(
    box_id: UUID, body: PutBody, actor: Putter, run: Run, key: Annotated[bytes, Depends(secret_key("hold"))]
) -> Response:
    """Put a box on the shelf."""
    return await run(put_box(box_id, body.label), secret=lambda stored: {"secret": f"{stored['box']}:{key.hex()[:4]}"})


@router.get("/boxes/thrice")
async def thrice(actor: Putter, read: Read) -> Response:
    """One answer out of several lists."""
    found = [await read.find("boxes", after_at=-1, after_id="", limit=1) for _ in range(3)]
    return answer([len(rows) for rows in found])


@router.get("/boxes/{box_id}")
async def get(box_id: UUID, actor: Putter, read: Read) -> Response:
    """A box as it stands now."""
    (box,) = await read.load(BOX.ref(box_id))
    if not box.exists:
        raise Refused("request.not_found", box=str(box_id))
    return answer({"label": box.state.label}, version=box.version)


@router.get("/boxes")
async def list_boxes(actor: Putter, read: Read, page: Paging, colour: str = "") -> Response:
    """The boxes, oldest first."""
    at, last = page.after or [-1, ""]
    rows = await read.find("boxes", after_at=at, after_id=last, limit=page.fetch)
    return page.answer(rows, key=lambda row: [row["at"], row["id"]], item=lambda row: {"id": row["id"]})


class ManyBody(BaseModel):
    rows: list[dict[str, Any]]


@router.post("/boxes")
async def put_many(body: ManyBody, actor: Putter, bulk: Bulk) -> Response:
    """Put many boxes on the shelf."""
    refused = await bulk.begin(None if body.rows else Refusal("request.precondition_failed"))
    if refused is not None:
        return refused
    uses = [(row, put_box(UUID(row["box"]), row["label"])) for row in body.rows]
    return bulk.report([await bulk.row(row["row_key"], row, use) for row, use in uses])


@router.post("/seals")
async def seal(actor: Putter, jws: Annotated[str, Depends(compact_jws)], run: Run) -> Response:
    """Seal a box by signature."""
    return await run(put_box(UUID(int=7), jws[-10:]))


@router.post("/crash")
async def crash(actor: Putter) -> Response:
    """Fail as only a mistake in the code can."""
    raise RuntimeError("张三 11010119900307758X is in this text")


@router.get("/development/clock", dependencies=[Depends(development_only)])
async def development_clock() -> Response:
    """Exists in development mode only."""
    return answer({})


class Caller:
    """Speaks to the app as a client does; `token` is sent unless a call has headers of its own for it."""

    def __init__(self, app: FastAPI, runner: asyncio.Runner, token: str) -> None:
        self._app = app
        self._runner = runner
        self.token = token

    def client(self) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(self._app, raise_app_exceptions=False)
        return httpx.AsyncClient(transport=transport, base_url="http://shelf", headers=self.headers())

    def headers(self, **more: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"} | more

    def run(self, coroutine: Any) -> Any:
        return self._runner.run(coroutine)

    def __call__(self, method: str, path: str, *, token: str | None = None, **arguments: Any) -> httpx.Response:
        async def call() -> httpx.Response:
            async with self.client() as client:
                if token is not None:
                    client.headers["Authorization"] = f"Bearer {token}" if token else ""
                if method == "POST":
                    client.headers["Idempotency-Key"] = str(uuid4())
                return await client.request(method, path, **arguments)

        response: httpx.Response = self._runner.run(call())
        return response


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(development=True, key_directory=tmp_path)


@pytest.fixture
def issuer(settings: Settings) -> Issuer:
    return development_issuer(settings)


@pytest.fixture
def runtime() -> FakeRuntime:
    return FakeRuntime()


@pytest.fixture
def app(runtime: FakeRuntime, settings: Settings) -> FastAPI:
    return create_app(SHELF, runtime, settings=settings, routers=[router])


@pytest.fixture
def call(app: FastAPI, issuer: Issuer) -> Iterator[Caller]:
    with asyncio.Runner() as runner:
        yield Caller(app, runner, issuer.issue_token("D1", Role.PRESCRIBER))


@pytest.fixture
def shelf() -> Any:
    """What tests need to build a caller of another configuration."""

    def build(settings: Settings, runtime: FakeRuntime, runner: asyncio.Runner, token: str = "") -> Caller:
        return Caller(create_app(SHELF, runtime, settings=settings, routers=[router]), runner, token)

    return build


@pytest.fixture
def chunks() -> Any:
    async def stream(total: int, size: int = 65_536) -> AsyncIterator[bytes]:
        for _ in range(total // size):
            yield b"x" * size

    return stream
