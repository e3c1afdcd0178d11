"""The aggregate: one stream per instalment."""

from __future__ import annotations

from uuid import UUID

from services.dispatch.domain.fulfilment.ending import next_due
from services.dispatch.domain.fulfilment.events import EVENTS
from services.dispatch.domain.fulfilment.evolve import evolve
from services.dispatch.domain.fulfilment.nomination import PharmacyNominated
from services.dispatch.domain.fulfilment.online_order import OnlineOrderConfirmed
from services.dispatch.domain.fulfilment.owned_codes import OWNED_CODES
from services.dispatch.domain.fulfilment.return_events import RETURN_EVENTS
from services.dispatch.domain.fulfilment.state import FulfilmentState
from services.dispatch.domain.fulfilment.wishes import WISHES
from services.seedwork.model import Aggregate, derived_id

FULFILMENTS: Aggregate[FulfilmentState] = Aggregate(
    name="fulfilment",
    events=(*EVENTS, *RETURN_EVENTS, *OWNED_CODES, *WISHES, PharmacyNominated, OnlineOrderConfirmed),
    initial=FulfilmentState(),
    evolve=evolve,
    next_due=next_due,
)


def fulfilment_id(prescription_id: UUID, instalment: int) -> UUID:
    """The same instalment is the same fulfilment, in every service."""
    return derived_id("fulfilment", prescription_id, instalment)
