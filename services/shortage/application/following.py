"""What followers of shortages are told, by the cursor feed and by webhook: new, changed, eased, ended, back again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from services.seedwork.clock import from_micros
from services.seedwork.model import Loaded, StreamRef
from services.seedwork.usecase import Actor
from services.seedwork.webhooks.feed import Subscription, Told, WebhookFeed
from services.shortage.application.use_cases import authority_of
from services.shortage.domain.case import CaseState, case_ref
from services.shortage.domain.regions import covers, node_of

SUSPICIONS = {"suspected": "new", "suspected_again": "back_again"}
REGIONS, DRUGS = "regions", "drugs"
KINDS = {
    "shortage.new": "A shortage is suspected (told to its region's authorities only) or confirmed.",
    "shortage.changed": "The grade of a case went up, or was set.",
    "shortage.eased": "The grade of a case went down.",
    "shortage.ended": "A case is over: resolved, avoided or dismissed.",
    "shortage.back_again": "A drug is short again after a case of it had ended.",
}


def change_told(row: Mapping[str, Any], state: CaseState, authority: str | None) -> dict[str, Any] | None:
    """A row of the history as a follower is told it; None: it is not for them. Suspicions, and their ends, are for the
    authorities of their region."""
    suspected = state.suspected
    if suspected is None:
        return None
    told, own = row["told"], authority is not None and covers(authority, suspected.region)
    public = told in {"new", "changed", "eased"} or (told == "ended" and state.confirmed is not None)
    if not (public or own):
        return None
    again = told == "new" and suspected.previous_case is not None
    event = row["state"]
    return {
        "log_index": row["log_index"],
        "change": "back_again" if again else SUSPICIONS.get(told, told),
        "state": "suspected" if told in SUSPICIONS else "ended" if told == "ended" else "confirmed",
        "case_id": str(suspected.case_id),
        "previous_case": str(suspected.previous_case) if suspected.previous_case else None,
        "drug_key": suspected.drug_key,
        "region": suspected.region,
        "grade": event.get("grade"),
        "ended_as": event.get("ended_as"),
        "recorded_at": from_micros(row["recorded_at"]),
    }


def _authority(actor: Actor) -> str | None:
    """By division code, so that the nation has a name, too."""
    node = authority_of(actor.region)
    return None if node is None else node.ljust(6, "0")


def _case(row: Mapping[str, Any]) -> StreamRef[CaseState]:
    return case_ref(row["case_id"])


def _change(row: Mapping[str, Any], case: Loaded[CaseState] | None, subscription: Subscription) -> Told | None:
    if case is None:
        return None
    told = change_told(row, case.state, node_of(subscription.owner))
    if told is None or not _wanted(told, subscription):
        return None
    return Told(f"shortage.{told['change']}", told["recorded_at"], told)


def _wanted(told: Mapping[str, Any], subscription: Subscription) -> bool:
    """Of a drug that was named, and in a region that was named, in a part of it or in what it is a part of."""
    drugs, regions = subscription.filters.get(DRUGS, ()), subscription.filters.get(REGIONS, ())
    nodes, region = [node_of(each) for each in regions], told["region"]
    near = not nodes or any(covers(node, region) or covers(region, node) for node in nodes)
    return near and (not drugs or told["drug_key"] in drugs)


CHANGES = WebhookFeed(
    right="shortage.webhooks",
    path="/shortage-webhooks",
    kinds=KINDS,
    owner=_authority,
    projection="history",
    query="case_changes",
    parameters=lambda _subscription: {},
    place="log_index",
    stream="case_id",
    wants=_case,
    tell=_change,
)
