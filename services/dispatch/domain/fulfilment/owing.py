"""What a pharmacy still owes after a partial fill. The rest is free for any pharmacy; who asked to be told hears when
the pharmacy that could not give it has stock again. Nobody is bound by it: the quantity is held by nobody meanwhile."""

from __future__ import annotations

from services.dispatch.domain.fulfilment.commands import AskForNotice
from services.dispatch.domain.fulfilment.state import FulfilmentState
from services.dispatch.domain.fulfilment.transitions import SUPPLY, wrong_state
from services.dispatch.domain.fulfilment.wishes import NoticeWanted
from services.seedwork.model import Ids, Outcome, Refusal


def ask_for_notice(state: FulfilmentState, command: AskForNotice, ids: Ids) -> Outcome:
    """Once per line and pharmacy; only while something of the line is left to be given."""
    supply = state.supplies.get(command.supply_id)
    if supply is None:
        return Refusal("supply.unknown", {"supply_id": str(command.supply_id)})
    if command.pharmacy not in {None, supply.pharmacy}:
        return Refusal("supply.not_yours", {"supply_id": str(command.supply_id)})
    if command.patient_ref not in {None, state.patient_ref}:
        return Refusal("fulfilment.not_yours", {})
    if not SUPPLY.allows(supply.status, "AskForNotice"):
        return wrong_state("supply", supply.status, "AskForNotice")
    row = next((each for each in supply.lines if each.line == command.line), None)
    left = state.lines[command.line].buckets.remaining if row else 0
    if row is None or not left:
        return Refusal("supply.nothing_owed", {"line": command.line, "remaining": left})
    if (supply.pharmacy, command.line) in state.notices:
        return []
    return [
        NoticeWanted(
            wish_id=ids.new(),
            supply_id=supply.supply_id,
            patient_ref=state.patient_ref,
            pharmacy=supply.pharmacy,
            line=command.line,
            product=row.product,
            drug_key=row.drug_key,
            quantity=left,
            asked_by=command.asked_by,
        )
    ]
