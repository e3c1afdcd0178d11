"""The prescriber says no to a substitute: the question is over, and what is held for it is free for everybody."""

from __future__ import annotations

from uuid import UUID

from services.dispatch.domain.fulfilment.events import HoldEnded
from services.dispatch.domain.fulfilment.holds import freed_lines, put_back
from services.dispatch.domain.fulfilment.state import FulfilmentState
from services.dispatch.domain.fulfilment.transitions import HOLD
from services.dispatch.domain.fulfilment.wishes import SubstitutionDeclined
from services.seedwork.model import DomainEvent


def decline(state: FulfilmentState, proposal_id: UUID, reason: str | None) -> list[DomainEvent]:
    """The hold goes on without the line; of that line alone, it ends. A substitute that was signed for under another
    proposal stays allowed, and held."""
    proposal = state.proposals.get(proposal_id)
    if proposal is None or not proposal.waits:
        return []
    hold = state.holds[proposal.hold_id]
    declined = SubstitutionDeclined(
        proposal_id=proposal_id, hold_id=hold.hold_id, patient_ref=state.patient_ref, reason=reason
    )
    row = next((each for each in hold.lines if proposal.is_about(each)), None)
    if row is None or state.substitute_confirmed(row) or not HOLD.allows(hold.status, "substitution_declined"):
        return [declined]
    ended = HoldEnded(
        hold_id=hold.hold_id,
        how="revoked",
        reason="substitution_declined",
        freed=freed_lines({row.line: row.quantity}, state.freed_to(hold)),
        goes_on=len(hold.lines) > 1,
    )
    return [declined, *put_back(state, hold.hold_id), ended]
