"""Substitution: what another brand costs, protocols as shortage tells them, and the prescriber's word."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any
from uuid import UUID

from contracts.events import prescribe_later, shortage
from services.dispatch.application.holds import hold_answer, wrong_secret
from services.dispatch.application.registers import drug_refs, not_serving, person_ref, pharmacy_ref, product_facts
from services.dispatch.application.shelf import Circumstances, settle
from services.dispatch.domain.fulfilment import substituting
from services.dispatch.domain.fulfilment.aggregate import FULFILMENTS
from services.dispatch.domain.fulfilment.commands import ProposeSubstitution
from services.dispatch.domain.fulfilment.declining import decline
from services.dispatch.domain.fulfilment.holds import own_hold
from services.dispatch.domain.fulfilment.state import FulfilmentState
from services.dispatch.domain.fulfilment.wishes import SubstitutionChecked, SubstitutionConfirmed
from services.dispatch.domain.policy import POLICIES
from services.dispatch.domain.protocol import (
    PROTOCOLS,
    ProtocolFacts,
    ProtocolKnown,
    ProtocolOver,
    ProtocolState,
    protocol_stream,
)
from services.dispatch.domain.stock.item import STOCK_ITEMS, stock_item_id
from services.dispatch.domain.values import Ratio
from services.seedwork.calendar import civil_day
from services.seedwork.model import Loaded, Refusal
from services.seedwork.reference import EntryState
from services.seedwork.usecase import Decision, Load, Moment, UseCase

Thinking = Generator[Load, Any, Decision]


def propose_substitution(fulfilment_id: UUID, command: ProposeSubstitution, secret: str, hold_key: bytes) -> UseCase:
    """Ask whoever answers for it; the price is what the pharmacy's stock says at this moment."""

    def decide(
        moment: Moment, fulfilment: Loaded[FulfilmentState], pharmacy: Loaded[EntryState], person: Loaded[EntryState]
    ) -> Thinking:
        refused = wrong_secret(hold_key, command.hold_id, command.pharmacy, secret)
        refused = refused or not_serving(pharmacy.state, person.state, moment, command.pharmacy, {"pharmacist"})
        if refused:
            return Decision.refused(refused)
        state = fulfilment.state
        hold = own_hold(state, command.hold_id, command.pharmacy, "ProposeSubstitution", moment.now)
        if isinstance(hold, Refusal):
            return Decision.refused(hold)
        products = sorted({row.product for row in hold.lines if row.line == command.line})
        facts = product_facts((yield Load(drug_refs(products))))
        items = yield Load(tuple(STOCK_ITEMS.ref(stock_item_id(command.pharmacy, name)) for name in products))
        price = next((item.state.unit_price for item in items), None)
        wanted = command.model_copy(update={"substitute": next(iter(facts), None), "unit_price": price})
        policy = POLICIES.on(civil_day(moment.now), moment.jurisdiction)
        outcome = substituting.propose(state, hold, wanted, moment.now, moment.ids, policy)
        if isinstance(outcome, Refusal):
            return Decision.refused(outcome)
        return Decision.on(fulfilment, outcome, hold_answer(fulfilment.after(outcome), 200, command.hold_id))

    entries = (pharmacy_ref(command.pharmacy), person_ref(command.pharmacist))
    return UseCase((FULFILMENTS.ref(fulfilment_id),), decide, relaxed=entries)


def confirm_substitution(event: prescribe_later.SubstitutionConfirmed) -> UseCase:
    """The prescriber has signed: this substitute is allowed on this line."""
    signed = SubstitutionConfirmed(**event.model_dump(include=set(SubstitutionConfirmed.model_fields)))

    def decide(_moment: Moment, fulfilment: Loaded[FulfilmentState]) -> Decision:
        return Decision.on(fulfilment, substituting.confirm(fulfilment.state, signed))

    return UseCase((FULFILMENTS.ref(event.fulfilment_id),), decide)


def decline_substitution(event: prescribe_later.SubstitutionDeclined) -> UseCase:
    """The prescriber has said no; what was held for it goes back to the shelf."""

    def decide(moment: Moment, fulfilment: Loaded[FulfilmentState]) -> Thinking:
        outcome = decline(fulfilment.state, event.proposal_id, event.reason)
        return (yield from settle(fulfilment, outcome, Circumstances.at(moment)))

    return UseCase((FULFILMENTS.ref(event.fulfilment_id),), decide)


def check_substitution(event: prescribe_later.SubstitutionChecked) -> UseCase:
    """No prescriber is asked: what the checks of an issue and the screening say of it."""
    checked = SubstitutionChecked(**event.model_dump(mode="json", include=set(SubstitutionChecked.model_fields)))

    def decide(_moment: Moment, fulfilment: Loaded[FulfilmentState]) -> Decision:
        return Decision.on(fulfilment, substituting.check(fulfilment.state, checked))

    return UseCase((FULFILMENTS.ref(event.fulfilment_id),), decide)


def know_protocol(event: shortage.ProtocolIssued) -> UseCase:
    """Kept as it was told; told again it changes nothing."""
    facts = ProtocolFacts(
        protocol_id=event.protocol_id,
        case_id=event.case_id,
        from_drug_key=event.from_drug_key,
        to_drug_key=event.to_drug_key,
        ratio=Ratio(numerator=event.ratio.numerator, denominator=event.ratio.denominator),
        excluded=event.excluded,
        max_days=event.max_days,
        regions=event.regions,
        mode=event.mode,
        valid_from=event.valid_from,
        valid_until=event.valid_until,
    )

    def decide(_moment: Moment, protocol: Loaded[ProtocolState]) -> Decision:
        if protocol.state.protocol == facts:
            return Decision.nothing()
        return Decision.on(protocol, [ProtocolKnown(protocol=facts)])

    return UseCase((PROTOCOLS.ref(protocol_stream(event.protocol_id)),), decide)


def end_protocol(event: shortage.ProtocolEnded) -> UseCase:
    """No new substitution under it after its last day."""

    def decide(_moment: Moment, protocol: Loaded[ProtocolState]) -> Decision:
        if protocol.state.ends_on == event.ends_on:
            return Decision.nothing()
        return Decision.on(protocol, [ProtocolOver(protocol_id=event.protocol_id, ends_on=event.ends_on)])

    return UseCase((PROTOCOLS.ref(protocol_stream(event.protocol_id)),), decide)
