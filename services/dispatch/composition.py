"""What dispatch is made of: the one object its api and its worker are built from."""

from __future__ import annotations

from services.dispatch.adapters.couriers import Couriers
from services.dispatch.application.booking import booking_timer
from services.dispatch.application.reactions import REACTIONS
from services.dispatch.application.registers import PHARMACY_REGISTER, REFERENCE
from services.dispatch.application.timers import TIMERS
from services.dispatch.application.translation import TRANSLATE
from services.dispatch.domain.delivery.state import BOOKING, DELIVERIES
from services.dispatch.domain.fulfilment.aggregate import FULFILMENTS
from services.dispatch.domain.guess import GUESSES
from services.dispatch.domain.imported import IMPORTED
from services.dispatch.domain.locator import LOCATORS
from services.dispatch.domain.opened_packs import OPENED_PACKS
from services.dispatch.domain.policy import POLICIES
from services.dispatch.domain.prescription_content import CONTENTS
from services.dispatch.domain.protocol import PROTOCOLS
from services.dispatch.domain.recall import RECALLED_LOTS, RECALLS
from services.dispatch.domain.recall_notice import NOTICES
from services.dispatch.domain.replenishment.order import ORDERS
from services.dispatch.domain.shortage import SHORTAGES
from services.dispatch.domain.stock.item import STOCK_ITEMS
from services.dispatch.domain.trace_code import TRACE_CODES
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
)
from services.seedwork.composition import Service
from services.seedwork.forgotten import FORGOTTEN
from services.seedwork.model import PersonalClass

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
        TRACE_CODES,
        OPENED_PACKS,
        PROTOCOLS,
        DELIVERIES,
        GUESSES,
        LOCATORS,
        SHORTAGES,
        FORGOTTEN,
    ),
    translate=TRANSLATE,
    react=REACTIONS,
    timers={**TIMERS, (DELIVERIES.name, BOOKING): booking_timer(Couriers())},
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
    ),
    rights=frozenset({PersonalClass.IDENTITY, PersonalClass.CONTACT, PersonalClass.CLINICAL}),
    jurisdictions=POLICIES.names,
    metadata=METADATA,
)
