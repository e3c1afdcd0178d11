"""Another product than the prescribed one. Another brand of the same generic name, form and strength is free; another
drug needs a substitution protocol of an open shortage, in the mode that the jurisdiction allows. Where no prescriber
signs for it, it is held against the same checks and the same screening, under the hold that it will be given from.

A substitute counts in prescribed units by the protocol's ratio, exactly: what leaves a remainder is refused.
"""

from __future__ import annotations

from datetime import date, datetime

from services.dispatch.domain.fulfilment.commands import PassPharmacyReview, ProposeSubstitution, WantedLine
from services.dispatch.domain.fulfilment.proposal import Proposal
from services.dispatch.domain.fulfilment.state import FulfilmentState, Hold, LineState
from services.dispatch.domain.fulfilment.wishes import (
    SubstitutionChecked,
    SubstitutionConfirmed,
    SubstitutionProposed,
)
from services.dispatch.domain.policy import Policy
from services.dispatch.domain.protocol import ProtocolFacts
from services.dispatch.domain.values import HeldLine, ProductFacts, Substitution, Way
from services.seedwork.model import DomainEvent, Ids, Outcome, Refusal

ASKS_PRESCRIBER, CONSENTED = "prescriber_confirms", "prescriber_consented"


def held_line(
    row: WantedLine,
    line: LineState,
    product: ProductFacts,
    protocols: tuple[ProtocolFacts, ...],
    region: str,
    day: date,
    policy: Policy,
) -> HeldLine | Refusal:
    """The quantity as it will be held: the prescribed drug by whatever brand, or a lawful substitute."""
    if product.drug_key == line.content.drug_key:
        return HeldLine(line=row.line, product=product.product, quantity=row.quantity)
    if row.protocol_id is None:
        return Refusal("hold.other_drug", {"line": row.line, "product": product.product})
    protocol = next((each for each in protocols if each.protocol_id == row.protocol_id), None)
    lawful = _lawful(row, line, product, protocol, region, day, policy)
    if isinstance(lawful, Refusal):
        return lawful
    substitution = Substitution(
        protocol_id=lawful.protocol_id,
        mode=lawful.mode,
        ratio=lawful.ratio,
        excluded=lawful.excluded,
        drug_key=product.drug_key,
    )
    return HeldLine(line=row.line, product=product.product, quantity=row.quantity, substitution=substitution)


def _lawful(
    row: WantedLine,
    line: LineState,
    product: ProductFacts,
    protocol: ProtocolFacts | None,
    region: str,
    day: date,
    policy: Policy,
) -> ProtocolFacts | Refusal:
    about = {"line": row.line, "protocol_id": str(row.protocol_id)}
    content = line.content
    if protocol is None or not protocol.in_force(region, day):
        return Refusal("substitution.no_protocol", about)
    if (protocol.from_drug_key, protocol.to_drug_key) != (content.drug_key, product.drug_key):
        return Refusal("substitution.other_protocol", about)
    if protocol.mode not in policy.substitution_modes:
        return Refusal("substitution.mode_not_allowed", {**about, "mode": protocol.mode})
    if protocol.mode == CONSENTED and not content.substitution_consent:
        return Refusal("substitution.no_consent", about)
    if protocol.ratio.units(row.quantity) is None:
        return Refusal("substitution.not_exact", {**about, "quantity": row.quantity, "ratio": str(protocol.ratio)})
    if protocol.max_days and content.days and row.quantity * content.days > protocol.max_days * content.quantity:
        return Refusal("substitution.too_long", {**about, "max_days": protocol.max_days})
    return protocol


def unlawful(state: FulfilmentState, hold: Hold, command: PassPharmacyReview, day: date) -> Refusal | None:
    """Why a hold's substitutes may not be passed by the pharmacy's pharmacist; None when they may.

    A hold that was passed before a protocol ended may finish: nobody asks again.
    """
    known = {each.protocol_id: each for each in command.protocols}
    for row in hold.lines:
        if row.substitution is None:
            continue
        about = {"line": row.line, "protocol_id": str(row.substitution.protocol_id)}
        protocol = known.get(row.substitution.protocol_id)
        if protocol is None or not protocol.in_force(hold.region, day):
            return Refusal("substitution.no_protocol", about)
        if refused := _unanswered(state, row, row.substitution.mode, command):
            return Refusal(refused.code, {**about, **refused.facts})
        if hold.way is Way.DELIVERY and not state.may_travel(row.line, row.product):
            return Refusal("hold.counter_only", {"line": row.line})
    return None


def _unanswered(state: FulfilmentState, row: HeldLine, mode: str, command: PassPharmacyReview) -> Refusal | None:
    """Why nobody answers for a substitute yet: no prescriber has signed, or, where none is asked, its checks and its
    screening for this patient are not known, or say no. What only a prescriber could stand for, a pharmacist cannot."""
    if mode == ASKS_PRESCRIBER:
        return None if state.substitute_confirmed(row) else Refusal("substitution.not_confirmed")
    asked = state.last_proposal(command.hold_id, row)
    if asked is None or asked.checked is None:
        return Refusal("substitution.not_checked")
    if asked.checked.problem:
        return Refusal("substitution.unlawful", {"problem": asked.checked.problem})
    if asked.checked.in_the_way:
        return Refusal("substitution.found", {"rules": sorted(set(asked.checked.in_the_way))})
    if asked.checked.degraded and not command.screening_acknowledged:
        return Refusal("substitution.unscreened")
    return None


def propose(
    state: FulfilmentState, hold: Hold, command: ProposeSubstitution, now: datetime, ids: Ids, policy: Policy
) -> Outcome:
    """Ask about a substitute that is held, once the patient has agreed to it and to its price: the prescriber, or,
    where none is asked, the checks and the screening, which take no longer than the hold."""
    row = next((each for each in hold.lines if each.line == command.line and each.substitution), None)
    if row is None or row.substitution is None:
        return Refusal("substitution.nothing_held", {"line": command.line})
    asks = row.substitution.mode == ASKS_PRESCRIBER
    if asks and command.restricted_use_met is not None:
        return Refusal("substitution.prescriber_states", {"line": command.line})
    if not command.patient_agrees:
        return Refusal("substitution.patient_disagrees", {"line": command.line})
    if state.substitute_declined(row):
        return Refusal("substitution.declined", {"line": command.line})
    last = state.last_proposal(hold.hold_id, row)
    if state.substitute_confirmed(row) or (last and not _may_be_asked_again(last)):
        return []
    until = min(now + policy.substitution_answer, state.closes_at + policy.hold_grace) if asks else hold.expires_at
    return [
        SubstitutionProposed(
            proposal_id=ids.new(),
            hold_id=hold.hold_id,
            patient_ref=state.patient_ref,
            pharmacist=command.pharmacist,
            line=row,
            unit_price=command.unit_price,
            answer_due_at=max(until, hold.expires_at),
            substitute=command.substitute,
            restricted_use_met=command.restricted_use_met,
            restricted_use_reason=command.restricted_use_reason,
        )
    ]


def _may_be_asked_again(last: Proposal) -> bool:
    """A check that failed for what was stated, or a screening that could not be made, may go better another time; what
    was found stands."""
    return last.checked is not None and (last.checked.problem is not None or last.checked.degraded)


def confirm(state: FulfilmentState, signed: SubstitutionConfirmed) -> list[DomainEvent]:
    """The prescriber has signed: this substitute is allowed on this line, for whoever holds it."""
    proposal = state.proposals.get(signed.proposal_id)
    return [signed] if proposal and proposal.waits else []


def check(state: FulfilmentState, checked: SubstitutionChecked) -> list[DomainEvent]:
    """What the checks and the screening said of a substitute for which no prescriber is asked."""
    proposal = state.proposals.get(checked.proposal_id)
    return [checked] if proposal and proposal.waits else []
