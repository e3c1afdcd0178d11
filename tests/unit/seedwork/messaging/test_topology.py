"""What is declared is what the contract says, and a contradiction is fatal."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from kombu import Connection

from contracts import topology as contract
from services.seedwork.messaging import memory, topology
from services.seedwork.messaging.errors import FatalError, TopologyMismatchError
from services.seedwork.messaging.inproc import broker_at

URL = "inproc://localhost/topology"


@pytest.fixture
def channel() -> Iterator[object]:
    memory.forget_everything()
    with Connection(URL) as connection:
        yield connection.channel()
    memory.forget_everything()


def test_every_consumer_has_a_queue_for_every_family_it_takes(channel: object) -> None:
    topology.declare_everything(channel)
    topology.declare_everything(channel)
    expected = {f"{consumer}.{family.name}" for family in contract.FAMILIES for consumer in family.consumers}
    assert broker_at(URL).queues() == expected | {contract.POISON_QUEUE, contract.UNROUTED_QUEUE}


@pytest.mark.parametrize("family", contract.FAMILIES, ids=lambda family: family.name)
def test_an_event_of_a_family_reaches_all_its_consumers_and_nobody_else(
    channel: object, family: contract.Family
) -> None:
    topology.declare_everything(channel)
    broker_at(URL).publish(memory.Message(b"", contract.EXCHANGE, family.name))
    reached = {name for name in broker_at(URL).queues() if topology.depth(channel, name)}
    assert reached == {contract.queue_name(consumer, family.name) for consumer in family.consumers}


def test_an_event_without_a_family_is_kept_in_the_unrouted_queue(channel: object) -> None:
    topology.declare_everything(channel)
    broker_at(URL).publish(memory.Message(b"", contract.EXCHANGE, "gossip"))
    assert topology.depth(channel, contract.UNROUTED_QUEUE) == 1


def test_a_rejected_event_is_kept_in_the_poison_queue(channel: object) -> None:
    topology.declare_consumer_queue(channel, "prescribe", "case")
    broker_at(URL).publish(memory.Message(b"kept", contract.EXCHANGE, "case"))
    message = channel.basic_get("prescribe.case")  # type: ignore[attr-defined]
    message.reject()
    dead = channel.basic_get(contract.POISON_QUEUE)  # type: ignore[attr-defined]
    assert dead.body == b"kept"
    assert dead.headers["x-first-death-queue"] == "prescribe.case"


def test_a_queue_with_other_arguments_is_a_fatal_error_that_names_it(channel: object) -> None:
    broker_at(URL).declare_queue("prescribe.case", {"x-queue-type": "quorum"})
    with pytest.raises(TopologyMismatchError, match=r"prescribe\.case") as raised:
        topology.declare_everything(channel)
    assert isinstance(raised.value, FatalError)


def test_the_depth_of_a_queue_that_does_not_exist_is_zero(channel: object) -> None:
    assert topology.depth(channel, "nobody") == 0
