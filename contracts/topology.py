"""Exchanges, queues and bindings as data. Every service declares all of it at start, so nothing published is unroutable
only because a consumer has not been started yet.

One durable topic exchange carries every event; the routing key is the family. A consumer owns one queue per family it
takes, `<consumer>.<family>`. Queues are quorum queues; what exceeds the delivery limit goes to one poison queue; what
matches no binding goes to one unrouted queue, which raises an alarm.
"""

from __future__ import annotations

from dataclasses import dataclass

EXCHANGE = "rxflow.events"
UNROUTED_EXCHANGE = "rxflow.unrouted"
DEAD_LETTER_EXCHANGE = "rxflow.poison"
UNROUTED_QUEUE = "rxflow.unrouted"
POISON_QUEUE = "rxflow.poison"
DELIVERY_LIMIT = 1000
"""Only a net under the net: the limit that counts is the consumer's own table of attempts."""


@dataclass(frozen=True)
class Family:
    """The events of one kind of aggregate: who produces it and who takes it whole."""

    name: str
    producer: str
    consumers: tuple[str, ...]


FAMILIES: tuple[Family, ...] = (
    Family("register", "prescribe", ("review", "dispatch", "shortage")),
    Family("insurance_register", "insurance", ("dispatch",)),
    Family("pharmacy_register", "dispatch", ("shortage",)),
    Family("prescription", "prescribe", ("review", "dispatch", "insurance")),
    Family("patient", "prescribe", ("review", "dispatch", "insurance")),
    Family("case", "review", ("prescribe",)),
    Family("advice", "review", ("prescribe",)),
    Family("fulfilment", "dispatch", ("prescribe", "insurance", "review")),
    Family("delivery", "dispatch", ("prescribe",)),
    Family("stock", "dispatch", ("shortage",)),
    Family("trace", "dispatch", ("insurance", "shortage")),
    Family("order", "dispatch", ("shortage",)),
    Family("recall", "dispatch", ("insurance",)),
    Family("claim", "insurance", ("dispatch", "prescribe")),
    Family("audit", "insurance", ("dispatch", "prescribe")),
    Family("payment", "insurance", ("dispatch", "prescribe")),
    Family("reconciliation", "insurance", ("dispatch",)),
    Family("shortage_case", "shortage", ("dispatch",)),
    Family("protocol", "shortage", ("dispatch", "prescribe")),
    Family("allocation", "shortage", ("dispatch", "prescribe")),
    Family("response", "shortage", ("dispatch",)),
    Family("reporter", "shortage", ("dispatch",)),
)

FAMILY: dict[str, Family] = {family.name: family for family in FAMILIES}


def queue_name(consumer: str, family: str) -> str:
    return f"{consumer}.{family}"


def consumed_by(consumer: str) -> tuple[Family, ...]:
    return tuple(family for family in FAMILIES if consumer in family.consumers)


PORTS: dict[str, int] = {"prescribe": 8101, "review": 8102, "dispatch": 8103, "insurance": 8104, "shortage": 8105}
"""Where a service's api listens unless the settings say otherwise."""
