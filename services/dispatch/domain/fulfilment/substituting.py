"""Another product than the prescribed one. Another brand of the same generic name, form and strength is free; another
drug needs a substitution protocol of an open shortage, in the mode that the jurisdiction allows.

A substitute counts in prescribed units by the protocol's ratio, exactly: what leaves a remainder is refused.
"""

from __future__ import annotations

from datetime import date, datetime

from services.dispatch.domain.fulfilment.commands import ProposeSubstitution, WantedLine
from services.dispatch.domain.fulfilment.state import FulfilmentState, Hold, LineState
from services.dispatch.domain.fulfilment.wishes import SubstitutionConfirmed, SubstitutionProposed
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


def unlawful(state: FulfilmentState, hold: Hold, protocols: tuple[ProtocolFacts, ...], day: date) -> Refusal | None:
    """Why a hold's substitutes may not be passed by the pharmacy's pharmacist; None when they may.

    A hold that was passed before a protocol ended may finish: nobody asks again.
    """
    known = {each.protocol_id: each for each in protocols}
    for row in hold.lines:
        if row.substitution is None:
            continue
        about = {"line": row.line, "protocol_id": str(row.substitution.protocol_id)}
        protocol = known.get(row.substitution.protocol_id)
        if protocol is None or not protocol.in_force(hold.region, day):
            return Refusal("substitution.no_protocol", about)
        if row.substitution.mode == ASKS_PRESCRIBER and not state.substitute_confirmed(row):
            return Refusal("substitution.not_confirmed", about)
        if hold.way is Way.DELIVERY and not state.may_travel(row.line, row.product):
            return Refusal("hold.counter_only", {"line": row.line})
    return None


def propose(
    state: FulfilmentState, hold: Hold, command: ProposeSubstitution, now: datetime, ids: Ids, policy: Policy
) -> Outcome:
    """Ask the prescriber about a substitute that is held, once the patient has agreed to it and to its price."""
    row = next((each for each in hold.lines if each.line == command.line and each.substitution), None)
    if row is None or row.substitution is None:
        return Refusal("substitution.nothing_held", {"line": command.line})
    if row.substitution.mode != ASKS_PRESCRIBER:
        return Refusal("substitution.not_asked", {"line": command.line, "mode": row.substitution.mode})
    if not command.patient_agrees:
        return Refusal("substitution.patient_disagrees", {"line": command.line})
    if state.substitute_confirmed(row) or state.open_proposal(hold.hold_id, command.line):
        return []
    until = min(now + policy.substitution_answer, state.closes_at + policy.hold_grace)
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
        )
    ]


def confirm(state: FulfilmentState, signed: SubstitutionConfirmed) -> list[DomainEvent]:
    """The prescriber has signed: this substitute is allowed on this line, for whoever holds it."""
    proposal = state.proposals.get(signed.proposal_id)
    return [] if proposal is None or proposal.signed_sha256 is not None else [signed]
