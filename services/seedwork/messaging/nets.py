"""The queues that should be empty: what no binding took, and what nobody could take. Somebody must look at either."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from kombu import Connection

from contracts.topology import POISON_QUEUE, UNROUTED_QUEUE
from services.seedwork.messaging import topology

DEADLINE_SECONDS = 5.0
MEANING: Mapping[str, str] = {
    UNROUTED_QUEUE: "no binding took them: is a consumer's queue missing?",
    POISON_QUEUE: "they could not even be decoded, or came back too often",
}

logger = logging.getLogger(__name__)


def depths(url: str) -> dict[str, int]:
    """How many messages lie in each net, over a connection of its own whose every wait is bounded."""
    bounded = {"read_timeout": DEADLINE_SECONDS, "write_timeout": DEADLINE_SECONDS}
    with Connection(url, connect_timeout=DEADLINE_SECONDS, transport_options=bounded) as connection:
        # a channel for each: asking for a queue that is not there breaks its channel
        return {name: topology.depth(connection.channel(), name) for name in MEANING}


def raise_alarm(url: str) -> bool:
    """Says so, as an error in the log, for as long as a net is not empty; whether one is not."""
    found = {name: depth for name, depth in depths(url).items() if depth}
    for name, depth in found.items():
        logger.error("alarm: %d messages in %s: %s", depth, name, MEANING[name])
    return bool(found)
