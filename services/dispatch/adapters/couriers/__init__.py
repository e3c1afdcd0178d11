"""Couriers' interfaces: one by signed webhooks for any courier that speaks them, one simulated."""

from __future__ import annotations

from collections.abc import Mapping

from services.dispatch.adapters.couriers.simulated import SimulatedBooking
from services.dispatch.adapters.couriers.webhook import WebhookBooking
from services.dispatch.domain.delivery.booking import Booked, CourierGateway, Order

BY_INTERFACE: Mapping[str, CourierGateway] = {"webhook": WebhookBooking(), "simulated": SimulatedBooking()}


class Couriers:
    """Each courier by the interface that its register entry names."""

    def __init__(self, by_interface: Mapping[str, CourierGateway] = BY_INTERFACE) -> None:
        self._by_interface = by_interface

    def book(self, courier: str, interface: str, url: str | None, order: Order) -> Booked:
        """Refused where there is no such interface."""
        gateway = self._by_interface.get(interface)
        return gateway.book(courier, interface, url, order) if gateway else Booked("refused")
