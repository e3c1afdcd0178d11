"""The clock orders couriers by their interfaces, and asks again where it got no answer."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any
from uuid import UUID

from contracts.registers import Courier
from services.dispatch.application.deliveries import limits
from services.dispatch.application.registers import admitted_courier, courier_ref
from services.dispatch.domain.delivery import booking
from services.dispatch.domain.delivery.booking import Booked, CourierGateway
from services.dispatch.domain.delivery.state import DELIVERIES, DeliveryState
from services.seedwork.composition import TimerCommand
from services.seedwork.model import Loaded
from services.seedwork.usecase import Decision, Load, Moment, UseCase

Thinking = Generator[Load, Any, Decision]


def booking_timer(gateway: CourierGateway) -> TimerCommand:
    """Outside any transaction: the decision is made between a load and a save, and made again after a conflict."""

    def book(delivery_id: UUID) -> UseCase:
        def decide(moment: Moment, parcel: Loaded[DeliveryState]) -> Thinking:
            order = booking.order_of(parcel.state)
            created = parcel.state.created
            if order is None or created is None or not booking.due(parcel.state, moment.now):
                return Decision.nothing()
            (entry,) = yield Load.of(courier_ref(created.courier))
            courier = admitted_courier(entry.state, moment, storage=order.storage)
            booked = Booked("refused")  # who may not carry it today is not told where the patient lives
            if isinstance(courier, Courier) and courier.interface != "none":
                booked = gateway.book(created.courier, courier.interface, courier.booking_url, order)
            return Decision.on(parcel, booking.note(parcel.state, booked, moment.now, limits(moment)))

        return UseCase((DELIVERIES.ref(delivery_id),), decide)

    return book
