"""Routes by which a party says where it wants to be told, and sees what became of it. Opening an endpoint is each
service's own route, because the kinds of news are (`opened`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from services.seedwork.api.answers import answer
from services.seedwork.api.arguments import Body, Paging, Read, Run
from services.seedwork.api.context import context_of
from services.seedwork.api.dependencies import allowed
from services.seedwork.api.problems import problems
from services.seedwork.clock import from_micros
from services.seedwork.failures import Refused
from services.seedwork.ports import Reader
from services.seedwork.usecase import Actor
from services.seedwork.webhooks import use_cases
from services.seedwork.webhooks.addresses import URL_CHARACTERS_MAX, wrong_with
from services.seedwork.webhooks.feed import WebhookFeed
from services.seedwork.webhooks.signing import endpoint_secret
from services.seedwork.webhooks.use_cases import Wish

POSITION_MAX = 2**63 - 1
OPENING = ("webhook.url", "webhook.too_many", "webhook.nobody")
_OWN = ("webhook.unknown", "webhook.not_yours")
Reason = Annotated[str, Field(min_length=4, max_length=500)]
Status = Literal["pending", "delivered", "dead", "skipped", "failed", "withdrawn"]
Place = Annotated[int, Path(ge=0, le=POSITION_MAX)]


class EndpointBody(Body):
    """What every feed's endpoint needs; kinds and filters are the feed's own."""

    url: str = Field(min_length=8, max_length=URL_CHARACTERS_MAX, description="https, at a public address")
    after: int | None = Field(
        default=None, ge=0, le=POSITION_MAX, description="place in the cursor feed to go on from; none: from now on"
    )


class RotationBody(Body):
    overlap_hours: int | None = Field(
        default=None, ge=0, le=168, description="how long the old secret signs, too; none: as the policy says"
    )


class ReasonBody(Body):
    reason: Reason


async def opened(
    feed: WebhookFeed, body: EndpointBody, wish: tuple[tuple[str, ...], Mapping[str, Any]], request: Request, run: Run
) -> Response:
    """Opens an endpoint for the caller's party, for these kinds and filters; the answer holds the secret, which no
    other will."""
    context = context_of(request)
    owner = feed.owner(context.bearer)
    if owner is None:
        raise Refused("webhook.nobody")
    wrong = wrong_with(body.url, development=context.kit.settings.development)
    if wrong is not None:
        raise Refused("webhook.url", wrong=wrong)
    kinds = tuple(dict.fromkeys(wish[0]))
    filters = {name: tuple(dict.fromkeys(each)) for name, each in wish[1].items()}
    return await run(
        use_cases.open_endpoint(Wish(body.url, kinds, filters, body.after), owner), secret=_secret(request)
    )


def _secret(request: Request) -> Any:
    settings = context_of(request).kit.settings
    return lambda body: {"secret": endpoint_secret(settings, UUID(body["endpoint_id"]), body["serial"])}


def webhook_routes(feed: WebhookFeed) -> APIRouter:
    """All but the opening."""
    router = APIRouter()
    may = Depends(allowed(feed.right))
    _endpoint_routes(router, feed, may)
    _letter_routes(router, feed, may)
    return router


def _endpoint_routes(router: APIRouter, feed: WebhookFeed, may: Any) -> None:
    path = f"{feed.path}/{{endpoint_id}}"

    @router.get(feed.path)
    async def webhook_endpoints(*, actor: Actor = may, read: Read, page: Paging) -> Response:
        """The party's endpoints, and how each answers: `status` paused with `reason` failing or gone was nobody's
        decision, and somebody has to look at it. `dead` letters hold up their streams."""
        after = UUID(page.after[0]) if page.after else UUID(int=0)
        rows = await read.find("webhook_endpoints", owner=feed.owner(actor) or "", after=after, limit=page.fetch)
        return page.answer(rows, key=lambda row: [str(row["endpoint_id"])], item=_endpoint)

    @router.get(path, responses=problems(*_OWN))
    async def webhook_endpoint(*, actor: Actor = may, endpoint_id: UUID, read: Read) -> Response:
        """One endpoint and how it answers."""
        return answer(_endpoint(await _own(read, feed, actor, endpoint_id)))

    @router.post(f"{path}/secret", responses=problems(*_OWN))
    async def rotate(
        *, actor: Actor = may, endpoint_id: UUID, body: RotationBody, request: Request, run: Run
    ) -> Response:
        """A new secret, shown in this answer only. The old one signs beside it for a while."""
        wish = use_cases.rotate_secret(endpoint_id, feed.owner(actor), body.overlap_hours)
        return await run(wish, secret=_secret(request))

    @router.post(f"{path}/pause", responses=problems(*_OWN, "webhook.wrong_state"))
    async def pause(*, actor: Actor = may, endpoint_id: UUID, body: ReasonBody, run: Run) -> Response:
        """Nothing is sent until it is resumed, and nothing is lost."""
        return await run(use_cases.pause_endpoint(endpoint_id, feed.owner(actor), body.reason))

    @router.post(f"{path}/resume", responses=problems(*_OWN, "webhook.wrong_state"))
    async def resume(*, actor: Actor = may, endpoint_id: UUID, run: Run) -> Response:
        """It is sent to again, from where it was."""
        return await run(use_cases.resume_endpoint(endpoint_id, feed.owner(actor)))

    @router.post(f"{path}/removal", responses=problems(*_OWN))
    async def remove(*, actor: Actor = may, endpoint_id: UUID, run: Run) -> Response:
        """Nothing is sent to it any more, and its secret is worth nothing."""
        return await run(use_cases.remove_endpoint(endpoint_id, feed.owner(actor)))

    @router.post(f"{path}/ping", responses=problems(*_OWN))
    async def ping(*, actor: Actor = may, endpoint_id: UUID, run: Run) -> Response:
        """Sends `webhook.ping`, once, also to a paused endpoint; the list of deliveries tells what came of it."""
        return await run(use_cases.ping_endpoint(endpoint_id, feed.owner(actor)))


def _letter_routes(router: APIRouter, feed: WebhookFeed, may: Any) -> None:
    path = f"{feed.path}/{{endpoint_id}}/deliveries"

    @router.get(path, responses=problems(*_OWN))
    async def deliveries(
        *,
        actor: Actor = may,
        endpoint_id: UUID,
        read: Read,
        page: Paging,
        status: Annotated[Status | None, Query(description="dead: what waits for a person")] = None,
    ) -> Response:
        """What was told, what waits and what is dead, the newest first, without its content."""
        await _own(read, feed, actor, endpoint_id)
        before = page.after[0] if page.after else POSITION_MAX
        rows = await read.find(
            "webhook_deliveries", endpoint_id=endpoint_id, status=status or "", before=before, limit=page.fetch
        )
        return page.answer(rows, key=lambda row: [row["place"]], item=_delivery)

    @router.post(f"{path}/{{place}}/replay", responses=problems(*_OWN, "webhook.no_letter"))
    async def replay(*, actor: Actor = may, endpoint_id: UUID, place: Place, run: Run) -> Response:
        """A dead letter is tried again, with all its attempts; its stream goes on behind it."""
        return await run(use_cases.replay_letter(endpoint_id, feed.owner(actor), place))

    @router.post(f"{path}/{{place}}/skip", responses=problems(*_OWN, "webhook.no_letter"))
    async def skip(*, actor: Actor = may, endpoint_id: UUID, place: Place, body: ReasonBody, run: Run) -> Response:
        """A dead letter is gone without; the token's person is named, and the stream goes on."""
        return await run(use_cases.skip_letter(endpoint_id, feed.owner(actor), place, body.reason))


async def _own(read: Reader, feed: WebhookFeed, actor: Actor, endpoint_id: UUID) -> Mapping[str, Any]:
    rows = await read.find("webhook_endpoint", endpoint_id=endpoint_id)
    if not rows:
        raise Refused("webhook.unknown")
    if rows[0]["owner"] != feed.owner(actor):
        raise Refused("webhook.not_yours")
    return rows[0]


def _endpoint(row: Mapping[str, Any]) -> dict[str, Any]:
    shown = ("endpoint_id", "url", "kinds", "filters", "status", "reason", "serial", "changed_by")
    counts = {name: row[name] or 0 for name in ("waiting", "dead", "failures")}
    times = ("changed_at", "previous_until", "failing_since", "answered_at")
    return {**{name: row[name] for name in shown}, **counts, **{name: _moment(row[name]) for name in times}}


def _delivery(row: Mapping[str, Any]) -> dict[str, Any]:
    shown = ("place", "stream_id", "kind", "message_id", "status", "attempts", "answer", "error")
    decided = {name: row[name] for name in ("decided_by", "decided_because")}
    return {
        **{name: row[name] for name in shown},
        **decided,
        **{name: _moment(row[name]) for name in ("made_at", "tried_at", "due_at")},
    }


def _moment(micros: int | None) -> Any:
    return None if micros is None else from_micros(micros)
