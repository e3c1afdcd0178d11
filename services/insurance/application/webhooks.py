"""What insurers are told by webhook: the settlement feed, each claim in order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from services.seedwork.clock import from_micros
from services.seedwork.model import Loaded
from services.seedwork.usecase import Actor
from services.seedwork.webhooks.feed import Subscription, Told, WebhookFeed

KINDS = {
    "settlement.settled": "A claim of an own member is settled, or a dispute about it was decided.",
    "settlement.reversed": "A settled claim was taken back.",
    "settlement.voided": "An authorised claim was taken back before it settled.",
}


def _insurer(actor: Actor) -> str | None:
    return actor.organisation


def _own(subscription: Subscription) -> Mapping[str, Any]:
    return {"insurer": subscription.owner}


def _settlement(row: Mapping[str, Any], _claim: Loaded[Any] | None, _subscription: Subscription) -> Told:
    return Told(f"settlement.{row['kind']}", from_micros(row["occurred_at"]), row)


SETTLEMENTS = WebhookFeed(
    right="settlement.webhooks",
    path="/settlement-webhooks",
    kinds=KINDS,
    owner=_insurer,
    projection="claims",
    query="settlements_of_insurer",
    parameters=_own,
    place="position",
    stream="claim_id",
    tell=_settlement,
)
