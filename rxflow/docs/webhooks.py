"""The page about webhooks: what is told, how hard is tried, what a receiver must do."""

from __future__ import annotations

from collections.abc import Iterator

from contracts.topology import PORTS
from rxflow.docs.markdown import code, page, table
from rxflow.docs.services import composed
from services.seedwork.webhooks import deliveries, endpoint, post, sender
from services.seedwork.webhooks.feed import PING
from services.seedwork.webhooks.policy import WEBHOOKS, WebhookPolicy

WHAT = """
Whoever follows a cursor feed may be called instead: signed HTTP POSTs after Standard Webhooks 1.0.0, with the content
of the feed. An endpoint belongs to a party (an insurer, an authority of a region), not to a person; who opened,
rotated, paused, replayed or skipped is in the log of the service.
"""
FORM = f"""
```
POST /hooks
webhook-id: msg_…            the same at every attempt; one per endpoint and piece of news
webhook-timestamp: …         seconds since 1970, of this attempt
webhook-signature: v1,…      base64 of HMAC-SHA256 over id.timestamp.body; two, by blanks, while a secret is rotated
{{"type": "settlement.settled", "timestamp": "2026-03-02T04:00:00Z", "data": {{…}}}}
```
Answer with 2xx once it is kept; anything else, a redirect too, is a failure. `410` pauses the endpoint. A receiver
- verifies the signature over the very bytes and refuses what is older than five minutes;
- keeps the ids it has handled: a message comes at least once, and again under its id when an answer got lost;
- may rely on the order within a stream (`data.claim_id`, `data.case_id`): the next is sent once the one before is
  answered well or skipped by a person. An attempt that ran into its deadline may still arrive afterwards, under an id
  that was handled since.
- finds the place in `data` (`position`, `log_index`) by which the cursor feed goes on, or another endpoint begins
  (`after`).

`{PING}` says nothing and is sent once, on request (`POST …/{{id}}/ping`), also to a paused endpoint.
The content is read from the feed at each attempt and not kept on the way: where a patient is forgotten in between, or a
claim has moved on, an attempt says so, as the feed does.
"""
LIMITS = f"""
- At most {endpoint.ENDPOINTS_PER_OWNER_MAX} endpoints a party.
- {sender.LANES_MAX} calls at once of one service, {sender.LANES_PER_ENDPOINT_MAX} to one endpoint,
  {sender.LANES_WHEN_FAILING} to one whose last {sender.FAILING_AT} calls failed, and half of all to such endpoints
  together, so that who hangs does not hold up others.
- Of an answer {post.ANSWER_BYTES_MAX // 1024} KiB are read; a message has {post.BODY_BYTES_MAX // 1024} KiB.
- {deliveries.OPEN_PER_ENDPOINT_MAX} messages of an endpoint may be pending or dead; more wait in the feed.
- Every resolved address is checked before it is connected to: outside development mode https and public addresses
  only.
"""
LETTERS = """
What has failed so often is a dead letter: `GET …/{id}/deliveries?status=dead`. Its stream waits behind it, others go
on, until somebody of the party replays it (`POST …/deliveries/{place}/replay`: all its attempts again) or skips it with
a reason (`POST …/skip`). An endpoint that fails throughout is paused before its messages are dead: `status` is `paused`
and `reason` `failing` (or `gone`), and the leading worker logs it as critical. `POST …/resume` sends at once what
waited.

One person of the party suffices, whose name and reason stay in the log: what is skipped is news to the party itself. It
books nothing, moves nothing, and stays in the cursor feed, from which the party can always read it.
"""


def webhooks_page() -> str:
    """Kinds of news by service, the form of a message, the schedule and the limits."""
    return page(
        "Webhooks",
        WHAT,
        "## What is told",
        table(("service", "endpoints", "right", "kind", "means"), _kinds()),
        "## A message",
        FORM,
        "## How hard is tried",
        table(("jurisdiction", "from", "waits, at most", "then", "paused", "source"), _schedules()),
        "What each figure means: [policies.md](policies.md).",
        "## Dead letters",
        LETTERS,
        "## Limits",
        LIMITS,
    )


def _kinds() -> Iterator[tuple[str, ...]]:
    for service in PORTS:
        feed = composed(service).webhooks
        if feed is not None:
            for kind, meaning in feed.kinds.items():
                yield service, code(feed.path), code(feed.right), code(kind), meaning


def _schedules() -> Iterator[tuple[str, ...]]:
    for jurisdiction in sorted(WEBHOOKS.names):
        for policy in WEBHOOKS.of(jurisdiction).versions:
            waits = ", ".join(f"{policy.wait_seconds(n, 0.0):.0f} s" for n in range(1, policy.attempts_max))
            yield jurisdiction, policy.valid_from.isoformat(), waits, *_ends(policy), policy.source


def _ends(policy: WebhookPolicy) -> tuple[str, str]:
    dead = f"dead after {policy.attempts_max} attempts of {policy.deadline_seconds} s"
    paused = f"after {policy.pause_after_hours} h and {policy.pause_after_failures} failures in a row"
    return dead, paused
