"""Lines that nobody may hold or dispense until the prescriber has answered: refused at a counter, or stopped elsewhere.

Source: 药品管理法 §58, §73: what is incompatible or overdosed must not be dispensed until the prescriber has corrected
it or signed it again.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from services.dispatch.domain.fulfilment import events as e
from services.dispatch.domain.fulfilment.commands import RefuseAtPharmacy
from services.dispatch.domain.fulfilment.holds import freed_lines, own_hold, put_back
from services.dispatch.domain.fulfilment.state import FulfilmentState, Hold
from services.dispatch.domain.fulfilment.transitions import FULFILMENT, HOLD
from services.dispatch.domain.policy import Policy
from services.seedwork.model import DomainEvent, Ids, Outcome, Refusal


def refuse_at_pharmacy(
    state: FulfilmentState, command: RefuseAtPharmacy, now: datetime, ids: Ids, policy: Policy
) -> Outcome:
    """The hold ends, its packs go back, its lines are blocked for every pharmacy; a suspected forgery blocks all."""
    hold = own_hold(state, command.hold_id, command.pharmacy, "RefuseAtPharmacy", now)
    if isinstance(hold, Refusal):
        return hold
    if command.code not in policy.refusal_codes:
        return Refusal("refusal.unknown_code", {"code": command.code, "codes": sorted(policy.refusal_codes)})
    held = {row.line for row in hold.lines}
    foreign = sorted(set(command.lines or ()) - held)
    if foreign:
        return Refusal("hold.not_held", {"line": foreign[0], "held": 0})
    lines = tuple(sorted(state.lines if command.code in policy.forgery_codes else command.lines or held))
    block_id = ids.new()
    refused = e.SupplyRefused(
        block_id=block_id,
        hold_id=hold.hold_id,
        patient_ref=state.patient_ref,
        pharmacist=command.pharmacist,
        lines=lines,
        code=command.code,
        reason=command.reason,
    )
    ended = _ended(state, hold, "refused", command.code)
    others = _revoked(state, lines, except_for=hold.hold_id)
    return [refused, *ended, *others, e.LinesBlocked(block_id=block_id, lines=lines)]


def block_lines(state: FulfilmentState, block_id: UUID, lines: tuple[int, ...]) -> list[DomainEvent]:
    """No new hold; holds that nothing was dispensed under are revoked. What has been dispensed runs on.

    What has closed is blocked as well: a patient may bring something back, and it would be replaced.
    """
    known = tuple(line for line in lines or tuple(state.lines) if line in state.lines)
    if block_id in state.blocks or not known or not FULFILMENT.allows(state.status, "lines_blocked"):
        return []
    return [*_revoked(state, known), e.LinesBlocked(block_id=block_id, lines=known)]


def unblock_lines(state: FulfilmentState, block_id: UUID) -> list[DomainEvent]:
    """The prescriber has answered; what another block names stays blocked."""
    if block_id not in state.blocks or not FULFILMENT.allows(state.status, "lines_unblocked"):
        return []
    return [e.LinesUnblocked(block_id=block_id)]


def _revoked(state: FulfilmentState, lines: tuple[int, ...], except_for: UUID | None = None) -> list[DomainEvent]:
    """Running holds that hold one of the lines; they were given in one piece and end in one piece."""
    events: list[DomainEvent] = []
    for hold in state.holds.values():
        if hold.hold_id == except_for or not HOLD.allows(hold.status, "lines_blocked"):
            continue
        if any(row.line in lines for row in hold.lines):
            events += _ended(state, hold, "revoked", "lines_blocked")
    return events


def _ended(state: FulfilmentState, hold: Hold, how: str, reason: str) -> list[DomainEvent]:
    freed = freed_lines({row.line: row.quantity for row in hold.lines}, state.freed_to(hold))
    ended = e.HoldEnded.model_validate({"hold_id": hold.hold_id, "how": how, "reason": reason, "freed": freed})
    return [*put_back(state, hold.hold_id), ended]
