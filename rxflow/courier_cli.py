"""`rxflow courier`: a simulated courier, as a process of its own that reports parcels by signed webhooks."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

import typer
from rich.console import Console

from contracts.topology import PORTS

console = Console(soft_wrap=True)
WAIT_SECONDS_MAX = 3600.0
TRIES_MAX = 5

Delivery = Annotated[UUID, typer.Argument(help="The parcel: a delivery that was handed over to this courier.")]
Courier = Annotated[str, typer.Option(help="The courier's code in the register.")]
Secret = Annotated[
    str,
    typer.Option(help="Its webhook secret (GET /couriers/{courier}/webhook-secret).", envvar="RXFLOW_COURIER_SECRET"),
]
Url = Annotated[str, typer.Option(help="Base URL of dispatch.")]
Code = Annotated[str | None, typer.Option(help="What the patient shows. Without it the delivery is an exception.")]
Seed = Annotated[int, typer.Option(help="The same seed and parcel: the same reports.")]
Pace = Annotated[float, typer.Option(help="Of the courier's time; 1: as it takes, hours.", min=0.0001, max=1.0)]


def courier(
    delivery: Delivery,
    *,
    courier: Courier,
    secret: Secret,
    url: Url = f"http://127.0.0.1:{PORTS['dispatch']}",
    code: Code = None,
    cold: Annotated[bool, typer.Option(help="It carries a temperature logger.")] = False,
    seed: Seed = 0,
    pace: Pace = 0.005,
) -> None:
    """Carry one parcel: report what happens to it by signed webhooks, sometimes late, twice, in disorder, or lost."""
    import httpx  # noqa: PLC0415

    from rxflow.courier_messages import send  # noqa: PLC0415
    from services.dispatch.adapters.couriers.simulated import Trip, journey  # noqa: PLC0415

    trip = Trip(delivery, datetime.now(UTC), cold, code, seed, pace)
    with httpx.Client(base_url=url, timeout=10.0, trust_env=False) as client:
        for message in journey(trip):
            wait = (message.sent_at - datetime.now(UTC)).total_seconds()
            time.sleep(min(max(wait, 0.0), WAIT_SECONDS_MAX))
            answer = send(client, courier, secret, message, tries=TRIES_MAX)
            console.print(f"{message.body['type']}: {answer}", markup=False)
