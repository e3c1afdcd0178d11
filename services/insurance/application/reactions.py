"""What insurance does when dispatch tells it something. Other events of the families it takes are acknowledged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from hashlib import sha256

from contracts.envelope import Envelope, IntegrationEvent
from contracts.events.dispatch import DispensedLine, SupplyDispensed, SupplyReceived, SupplyUndone
from contracts.events.dispatch_later import TraceCodeRepeated, TraceCodesDecided
from contracts.events.dispatch_returned import SupplyTakenBack
from contracts.events.dispatch_stock import LotRecalled
from contracts.events.prescribe import PrescriptionReleased
from services.insurance.application.claim_work import Outside
from services.insurance.application.claims import (
    Dispensed,
    note_supply_received,
    note_supply_taken_back,
    note_supply_undone,
    open_for_supply,
)
from services.insurance.application.prescriptions import know_prescription
from services.insurance.application.trace_alarms import trace_code_repeated, trace_codes_decided
from services.insurance.domain.amounts import ClaimLine
from services.insurance.domain.claim_values import LineQuantity
from services.insurance.domain.entitlement import DesignationInForce, Supply
from services.insurance.domain.recalled_lots import LotRecallKnown, RecalledLotsState, recalled_lots_ref
from services.seedwork.composition import Reaction
from services.seedwork.model import Loaded
from services.seedwork.representation_copies import OF_PATIENTS_AND_REPRESENTATIVES
from services.seedwork.usecase import Decision, Moment, UseCase


def claim_lines(dispensed: Iterable[DispensedLine]) -> tuple[ClaimLine, ...]:
    """What was dispensed, as claimed: lots of one product at one price under one line are one claim line."""
    lines: dict[tuple[int, str, int, bool], ClaimLine] = {}
    for found in dispensed:
        traced = bool(found.trace_codes or found.no_code_reason)
        key = (found.line, found.product, found.unit_price, traced)
        so_far = lines.get(key)
        lines[key] = ClaimLine(
            line=found.line,
            product=found.product,
            generic_name=found.generic_name,
            quantity=found.quantity + (so_far.quantity if so_far else 0),
            unit_price=found.unit_price,
            amount=found.amount + (so_far.amount if so_far else 0),
            traced=traced,
            prescribed_quantity=_counted(found, so_far),
            restricted_use_met=found.restricted_use_met,
            lots=tuple(sorted({found.lot, *(so_far.lots if so_far else ())})),
        )
    return tuple(lines.values())


def _counted(found: DispensedLine, so_far: ClaimLine | None) -> int | None:
    """A substitute's quantity in prescribed units; None where the product counts for itself."""
    if found.prescribed_quantity is None:
        return None
    return found.prescribed_quantity + ((so_far.prescribed_quantity or 0) if so_far else 0)


def dispensed_supply(event: SupplyDispensed) -> Dispensed:
    return Dispensed(
        patient_ref=event.patient_ref,
        supply=Supply(
            supply_id=event.supply_id,
            prescription_id=event.prescription_id,
            prescription_revision=event.prescription_revision,
            fulfilment_id=event.fulfilment_id,
            fill_no=event.fill_no,
            pharmacy=event.pharmacy,
            region=event.region,
            insurance_intent=event.insurance_intent,
            designations=tuple(
                DesignationInForce(insurer=found.insurer, channels=found.channels) for found in event.designations
            ),
            self_pay_only=event.self_pay_only,
        ),
        lines=claim_lines(event.lines),
        codes=tuple(sorted({sha256(code.encode()).hexdigest() for row in event.lines for code in row.trace_codes})),
        brought=event.way == "delivery",
        codes_undecided=event.trace_codes_undecided,
    )


def by_line(quantities: Iterable[tuple[int, int]]) -> tuple[LineQuantity, ...]:
    """Quantities of one line together."""
    sums: Counter[int] = Counter()
    for line, quantity in quantities:
        sums[line] += quantity
    return tuple(LineQuantity(line=line, quantity=quantity) for line, quantity in sorted(sums.items()))


def lots_recalled(event: LotRecalled, _envelope: Envelope) -> UseCase:
    """Kept with the product."""
    facts = event.model_dump(include={"recall_id", "product", "lots", "recall_class", "recalled_at"})
    known = LotRecallKnown.model_validate(facts)

    def decide(_moment: Moment, lots: Loaded[RecalledLotsState]) -> Decision:
        return Decision.nothing() if known in lots.state.recalls else Decision.on(lots, [known])

    return UseCase((recalled_lots_ref(event.product),), decide)


def reactions(outside: Outside) -> dict[type[IntegrationEvent], Reaction]:
    """The table of reactions, for the gateway, provider and policy insurance is composed with."""

    def dispensed(event: SupplyDispensed, _envelope: Envelope) -> UseCase:
        return open_for_supply(dispensed_supply(event), outside)

    def received(event: SupplyReceived, envelope: Envelope) -> UseCase:
        accepted = by_line((found.line, found.quantity) for found in event.accepted)
        rejected = by_line((found.line, found.quantity) for found in event.rejected)
        return note_supply_received(
            event.supply_id,
            accepted,
            outside,
            rejected=rejected,
            message_id=envelope.message_id,
            at_counter=event.carried is False,
        )

    def undone(event: SupplyUndone, envelope: Envelope) -> UseCase:
        back = by_line((found.line, found.quantity) for found in event.lines)
        return note_supply_undone(event.supply_id, back, outside, message_id=envelope.message_id, road=event.road)

    def taken_back(event: SupplyTakenBack, envelope: Envelope) -> UseCase:
        back = by_line((found.line, found.quantity) for found in event.lines)
        return note_supply_taken_back(event.supply_id, back, outside, message_id=envelope.message_id)

    return {
        SupplyDispensed: dispensed,
        SupplyReceived: received,
        SupplyUndone: undone,
        SupplyTakenBack: taken_back,
        TraceCodeRepeated: lambda event, envelope: trace_code_repeated(event, envelope, outside),
        TraceCodesDecided: lambda event, _envelope: trace_codes_decided(event, outside),
        PrescriptionReleased: know_prescription,
        LotRecalled: lots_recalled,
        **OF_PATIENTS_AND_REPRESENTATIVES,
    }
