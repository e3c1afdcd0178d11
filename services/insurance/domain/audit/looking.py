"""A claim's supply as the audit looks at it, out of what the streams say."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from services.insurance.domain.audit.history import HistoryState
from services.insurance.domain.audit.prescription import PrescriptionState
from services.insurance.domain.audit.subject import PastSupply, Subject, SuppliedLine
from services.insurance.domain.claim_events import ClaimOpened
from services.insurance.domain.recalled_lots import RecalledLotsState


def supplied(opened: ClaimOpened, prescription: PrescriptionState, day: date) -> PastSupply:
    """The supply by what is known of its prescription, as of the day on which it was counted."""
    supply = opened.supply
    return PastSupply(
        supply_id=supply.supply_id,
        fulfilment_id=supply.fulfilment_id,
        prescription_id=supply.prescription_id,
        prescriber=prescription.known.prescriber if prescription.known else None,
        day=day,
        lines=tuple(
            SuppliedLine(
                line=line.line,
                product=line.product,
                generic_name=line.generic_name,
                quantity=line.quantity,
                days=prescription.days(line.line, line.counted),
            )
            for line in opened.lines
        ),
    )


def before(opened: ClaimOpened, year: HistoryState, year_before: HistoryState) -> tuple[PastSupply, ...]:
    """What the patient was supplied before this, in two years."""
    supply_id = opened.supply.supply_id
    if year_before.counted(supply_id):
        return year_before.before(supply_id)
    return (*year_before.before(supply_id), *year.before(supply_id))


def subject(
    opened: ClaimOpened,
    supply: PastSupply,
    prescription: PrescriptionState,
    past: tuple[PastSupply, ...],
    recalls: Mapping[str, RecalledLotsState],
    *,
    repeated_codes: bool,
) -> Subject:
    """`recalls` by product."""
    known = prescription.known
    return Subject(
        supply=supply,
        visit=opened.supply.insurance_intent,
        sex=known.sex if known else None,
        age_days=known.age_days if known else None,
        diagnoses=known.diagnoses if known else None,
        before=past,
        lots=frozenset((line.product, lot) for line in opened.lines for lot in line.lots),
        recalled=frozenset(
            (product, lot) for product, found in recalls.items() for recall in found.recalls for lot in recall.lots
        ),
        repeated_codes=repeated_codes,
    )
