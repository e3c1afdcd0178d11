"""Opening a fulfilment and holding quantities of it: exclusive, by line and quantity, for a limited time."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from uuid import UUID

from services.dispatch.domain.allocation import AllocationFacts
from services.dispatch.domain.fulfilment import events as e
from services.dispatch.domain.fulfilment.commands import (
    HoldQuantity,
    OpenFulfilment,
    PassPharmacyReview,
    ReleaseHold,
    WantedLine,
)
from services.dispatch.domain.fulfilment.online_order import unconfirmed
from services.dispatch.domain.fulfilment.state import FulfilmentState, Hold, LineState
from services.dispatch.domain.fulfilment.substituting import held_line, unlawful
from services.dispatch.domain.fulfilment.transitions import FULFILMENT, HOLD, wrong_state
from services.dispatch.domain.policy import Policy
from services.dispatch.domain.values import Bucket, FreedLine, HeldLine, Way
from services.seedwork.calendar import civil_day
from services.seedwork.model import DomainEvent, Ids, Outcome, Refusal


def open_fulfilment(state: FulfilmentState, command: OpenFulfilment) -> Outcome:
    """An instalment can be served; the patient's token is its first issue."""
    if not FULFILMENT.allows(state.status, "instalment_opened"):
        return []
    return [e.FulfilmentOpened(token_issue=1, **dict(command))]


def hold_quantity(
    state: FulfilmentState, command: HoldQuantity, now: datetime, ids: Ids, policy: Policy
) -> e.QuantityHeld | Refusal:
    """Reserve quantities for one pharmacy; whoever commits first has them."""
    refused = _replacement_refused(state, command, now) if command.replaces else _over(state, now)
    if refused:
        return refused
    lines = _wanted(state, command, civil_day(now), policy)
    if isinstance(lines, Refusal):
        return lines
    if refused := unconfirmed(state, command.way, policy):
        return refused
    channel = policy.channel_by_intent.get(state.insurance_intent)
    covering = tuple(row for row in command.designations if channel in row.channels)
    return e.QuantityHeld(
        hold_id=ids.new(),
        pharmacy=command.pharmacy,
        region=command.region,
        way=command.way,
        lines=lines,
        designations=command.designations,
        self_pay_only=not covering,
        expires_at=min(now + policy.hold, _last_moment(state, command.replaces) + policy.hold_grace),
        held_by=command.pharmacist,
        kind="replacement" if command.replaces else "normal",
        replaces=command.replaces,
        right=command.right,
    )


def _over(state: FulfilmentState, now: datetime) -> Refusal | None:
    if not FULFILMENT.allows(state.status, "HoldQuantity"):
        return wrong_state("fulfilment", state.status, "HoldQuantity")
    if now > state.closes_at:
        return Refusal("hold.validity_over", {"closes_at": state.closes_at.isoformat()})
    return None


def _replacement_refused(state: FulfilmentState, command: HoldQuantity, now: datetime) -> Refusal | None:
    """What came back may be supplied again by the pharmacy that supplied it, for some days, and by nobody else."""
    if not FULFILMENT.allows(state.status, "HoldReplacement"):
        return wrong_state("fulfilment", state.status, "HoldReplacement")
    found = state.replaceables.get(command.replaces) if command.replaces else None
    if found is None or not found.rest:
        return Refusal("hold.nothing_to_replace", {"supply_id": str(command.replaces)})
    if found.pharmacy != command.pharmacy:
        return Refusal("hold.replaced_elsewhere", {"supply_id": str(command.replaces)})
    if now >= found.until:
        return Refusal("hold.replacing_over", {"replace_until": found.until.isoformat()})
    return None


def _last_moment(state: FulfilmentState, replaces: UUID | None) -> datetime:
    return state.replaceables[replaces].until if replaces else state.closes_at


def _may_be_held(state: FulfilmentState, line: int, replaces: UUID | None) -> int:
    if replaces:
        return state.replaceables[replaces].lines.get(line, 0)
    return state.lines[line].buckets.remaining


def _wanted(state: FulfilmentState, command: HoldQuantity, day: date, policy: Policy) -> tuple[HeldLine, ...] | Refusal:
    numbers = [row.line for row in command.lines]
    if len(set(numbers)) != len(numbers):
        return Refusal("hold.line_twice", {"lines": numbers})
    products = {facts.product: facts for facts in command.products}
    held: list[HeldLine] = []
    for row in command.lines:
        line = state.lines.get(row.line)
        if line is None:
            return Refusal("line.unknown", {"line": row.line})
        if row.line in state.blocked_lines:
            return Refusal("hold.line_blocked", {"line": row.line})
        remaining = _may_be_held(state, row.line, command.replaces)
        if row.quantity > remaining:
            facts = {"line": row.line, "wanted": row.quantity, "remaining": remaining}
            return Refusal("hold.not_enough_remaining", facts)
        if command.way is Way.DELIVERY and not line.content.deliverable:
            return Refusal("hold.counter_only", {"line": row.line})
        product = products.get(_product(row, line.content.product))
        if product is None:
            return Refusal("product.unknown", {"product": _product(row, line.content.product)})
        lawful = held_line(row, line, product, command.protocols, command.region, day, policy)
        if isinstance(lawful, Refusal):
            return lawful
        if state.substitute_declined(lawful):
            return Refusal("substitution.declined", {"line": row.line})
        refused = None if command.replaces else over_allocation(row, line, product.drug_key, command.limits)
        if refused:
            return refused
        held.append(lawful)
    return tuple(held)


def over_allocation(
    row: WantedLine, line: LineState, drug_key: str, limits: tuple[AllocationFacts, ...]
) -> Refusal | None:
    """Why the drug that is short may not be held for so long; None when it may. Of a line that does not say how many
    days it covers, nobody can tell."""
    content = line.content
    days = min((each.max_days for each in limits if each.drug_key == drug_key), default=None)
    if days is None or not content.days or row.quantity * content.days <= days * content.quantity:
        return None
    most = days * content.quantity // content.days
    return Refusal("hold.over_allocation", {"line": row.line, "max_days": days, "max_quantity": most})


def _product(row: WantedLine, prescribed: str) -> str:
    return row.product or prescribed


def own_hold(state: FulfilmentState, hold_id: UUID, pharmacy: str, trigger: str, now: datetime) -> Hold | Refusal:
    """The hold, when it is this pharmacy's, answers to the trigger and its time is not up."""
    hold = state.holds.get(hold_id)
    if hold is None:
        return Refusal("hold.unknown", {"hold_id": str(hold_id)})
    if hold.pharmacy != pharmacy:
        return Refusal("hold.not_yours", {"hold_id": str(hold_id)})
    if not HOLD.allows(hold.status, trigger):
        return wrong_state("hold", hold.status, trigger)
    if now >= hold.expires_at:
        return Refusal("hold.expired", {"expires_at": hold.expires_at.isoformat()})
    return hold


def pass_review(state: FulfilmentState, command: PassPharmacyReview, now: datetime, policy: Policy) -> Outcome:
    """The second of the two reviews; the hold now lasts until the packs can be ready."""
    hold = own_hold(state, command.hold_id, command.pharmacy, "PassPharmacyReview", now)
    if isinstance(hold, Refusal):
        return hold
    refused = unlawful(state, hold, command, civil_day(now))
    if refused:
        return refused
    signature = command.signature
    if signature is None:
        return Refusal("hold.signature_unseen", {"hold_id": str(hold.hold_id)})
    if command.serial_seen not in {None, signature.serial}:
        return Refusal("hold.signature_stale", {"signature_serial": str(signature.serial)})
    if signature.degraded and not command.signature_acknowledged:
        return Refusal("hold.signature_degraded", {"signature_serial": str(signature.serial)})
    until = min(now + policy.accepted(hold.way), state.last_moment(hold) + policy.hold_grace)
    accepted = e.HoldAccepted(
        hold_id=hold.hold_id,
        reviewer=command.pharmacist,
        expires_at=max(until, hold.expires_at),
        signature_serial=signature.serial,
    )
    return [accepted]


def release_hold(state: FulfilmentState, command: ReleaseHold, now: datetime) -> Outcome:
    """Give quantities back; `out_of_stock` is a signal for shortage monitoring."""
    hold = own_hold(state, command.hold_id, command.pharmacy, "ReleaseHold", now)
    if isinstance(hold, Refusal):
        return hold
    quantities = {row.line: row.quantity for row in command.lines or hold.lines}
    if command.lines and len(quantities) != len(command.lines):
        return Refusal("hold.line_twice", {"lines": [row.line for row in command.lines]})
    for line, quantity in quantities.items():
        if quantity > hold.held(line):
            return Refusal("hold.not_held", {"line": line, "held": hold.held(line)})
        if any(row.inexact(quantity) for row in hold.lines if row.line == line):
            return Refusal("substitution.not_exact", {"line": line, "quantity": quantity})
    freed = freed_lines(quantities, state.freed_to(hold))
    goes_on = any(row.quantity > quantities.get(row.line, 0) for row in hold.lines)
    ended = e.HoldEnded(hold_id=hold.hold_id, how="released", reason=command.reason, freed=freed, goes_on=goes_on)
    return [*put_back(state, hold.hold_id), ended]


def expire_holds(state: FulfilmentState, now: datetime) -> list[DomainEvent]:
    """Holds whose time is up; what they held is free again."""
    events: list[DomainEvent] = []
    for hold in state.holds.values():
        if HOLD.allows(hold.status, "clock: hold_expiry") and now >= hold.expires_at:
            freed = freed_lines({row.line: row.quantity for row in hold.lines}, state.freed_to(hold))
            events += put_back(state, hold.hold_id)
            events.append(e.HoldEnded(hold_id=hold.hold_id, how="expired", freed=freed))
    return events


def put_back(state: FulfilmentState, hold_id: UUID) -> list[DomainEvent]:
    """Packs already set aside under a hold return to the shelf."""
    prepared = state.prepared_supply(hold_id)
    return [e.SupplyUnprepared(supply_id=prepared.supply_id)] if prepared else []


def freed_lines(quantities: Mapping[int, int], bucket: Bucket) -> tuple[FreedLine, ...]:
    """These quantities, into this bucket."""
    rows = sorted(quantities.items())
    return tuple(FreedLine(line=line, quantity=quantity, bucket=bucket) for line, quantity in rows if quantity)
