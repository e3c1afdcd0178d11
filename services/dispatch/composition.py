"""What dispatch is made of: the one object its api and its worker are built from."""

from __future__ import annotations

from services.dispatch.adapters.couriers import Couriers
from services.dispatch.adapters.trace_code_owners import OWNERS
from services.dispatch.application.booking import booking_timer
from services.dispatch.application.owners import owner_timer
from services.dispatch.application.reactions import REACTIONS
from services.dispatch.application.registers import PHARMACY_REGISTER, REFERENCE
from services.dispatch.application.timers import TIMERS
from services.dispatch.application.translation import TRANSLATE
from services.dispatch.domain.allocation import ALLOCATIONS
from services.dispatch.domain.delivery.state import BOOKING, DELIVERIES
from services.dispatch.domain.fulfilment.aggregate import FULFILMENTS
from services.dispatch.domain.guess import GUESSES
from services.dispatch.domain.imported import IMPORTED
from services.dispatch.domain.irregularity import IRREGULARITIES
from services.dispatch.domain.locator import LOCATORS
from services.dispatch.domain.opened_packs import OPENED_PACKS
from services.dispatch.domain.owner_asks import ASK, OWNER_ASKS
from services.dispatch.domain.pharmacy_notice import PHARMACY_NOTICES
from services.dispatch.domain.policy import POLICIES
from services.dispatch.domain.prescription_content import CONTENTS
from services.dispatch.domain.protocol import PROTOCOLS
from services.dispatch.domain.recall import RECALLED_LOTS, RECALLS
from services.dispatch.domain.recall_notice import NOTICES
from services.dispatch.domain.replenishment.order import ORDERS
from services.dispatch.domain.reserve import RESERVES
from services.dispatch.domain.shortage import SHORTAGES
from services.dispatch.domain.stock.item import STOCK_ITEMS
from services.dispatch.domain.trace_code import TRACE_CODES
from services.dispatch.domain.transfer import TRANSFERS
from services.dispatch.projections import (
    METADATA,
    availability,
    fulfilments,
    goods,
    irregularities,
    movements,
    nominations,
    owed,
    pharmacy_feed,
    protocols,
    registers,
    transfers,
)
from services.seedwork.composition import Service
from services.seedwork.forgotten import FORGOTTEN
from services.seedwork.model import PersonalClass
from services.seedwork.representation import REPRESENTATIONS, representations_of

SERVICE = Service(
    name="dispatch",
    port=8103,
    aggregates=(
        PHARMACY_REGISTER,
        REFERENCE,
        CONTENTS,
        FULFILMENTS,
        STOCK_ITEMS,
        ORDERS,
        IMPORTED,
        RECALLS,
        RECALLED_LOTS,
        NOTICES,
        PHARMACY_NOTICES,
        TRACE_CODES,
        OWNER_ASKS,
        OPENED_PACKS,
        PROTOCOLS,
        ALLOCATIONS,
        TRANSFERS,
        RESERVES,
        IRREGULARITIES,
        DELIVERIES,
        GUESSES,
        LOCATORS,
        SHORTAGES,
        FORGOTTEN,
        REPRESENTATIONS,
    ),
    translate=TRANSLATE,
    react=REACTIONS,
    timers={
        **TIMERS,
        (DELIVERIES.name, BOOKING): booking_timer(Couriers()),
        (OWNER_ASKS.name, ASK): owner_timer(OWNERS),
    },
    projections=(
        fulfilments.PROJECTION,
        irregularities.PROJECTION,
        movements.PROJECTION,
        nominations.PROJECTION,
        registers.PROJECTION,
        registers.DESIGNATIONS,
        availability.PROJECTION,
        goods.PROJECTION,
        protocols.PROJECTION,
        owed.PROJECTION,
        pharmacy_feed.PROJECTION,
        transfers.PROJECTION,
    ),
    rights=frozenset({PersonalClass.IDENTITY, PersonalClass.CONTACT, PersonalClass.CLINICAL}),
    jurisdictions=POLICIES.names,
    represented=representations_of,
    metadata=METADATA,
)
