"""Publishing to the broker of the process."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from contracts.topology import FAMILY, POISON_QUEUE, UNROUTED_QUEUE, queue_name
from services.seedwork.messaging import memory
from services.seedwork.messaging.errors import PublishFailedError
from services.seedwork.messaging.inproc import broker_at
from services.seedwork.messaging.publisher import BatchPublisher, InprocPublisher, Outgoing, publisher_to
from tests.support.envelopes import envelope

URL = "inproc://localhost/publisher"


@pytest.fixture(autouse=True)
def _a_fresh_broker() -> Iterator[None]:
    memory.forget_everything()
    yield
    memory.forget_everything()


def outgoing(number: int, family: str = "case") -> Outgoing:
    sent = envelope(number, family)
    return Outgoing(family, str(sent.message_id), sent.to_wire(), {"traceparent": "00-1"})


def test_the_url_decides_which_publisher_it_is() -> None:
    assert isinstance(publisher_to("inproc://"), InprocPublisher)
    assert isinstance(publisher_to("amqp://guest:guest@localhost/x"), BatchPublisher)
    assert isinstance(publisher_to("amqps://localhost"), BatchPublisher)


def test_a_published_batch_is_in_every_consumers_queue() -> None:
    publisher = publisher_to(URL)
    publisher.publish([outgoing(1), outgoing(2), outgoing(1, "prescription")])
    broker = broker_at(URL)
    assert {broker.depth(queue_name(name, "prescription")) for name in FAMILY["prescription"].consumers} == {1}
    taken = broker.take("prescribe.case")
    assert taken is not None
    assert taken.body == envelope(1).to_wire()
    assert taken.properties["message_id"] == str(envelope(1).message_id)
    assert taken.headers == {"traceparent": "00-1"}
    publisher.close()


def test_what_no_binding_takes_is_kept_in_the_unrouted_queue() -> None:
    publisher_to(URL).publish([outgoing(1, "gossip")])
    assert broker_at(URL).depth(UNROUTED_QUEUE) == 1


def test_what_no_queue_takes_at_all_is_told_by_its_id() -> None:
    publisher = publisher_to(URL)
    publisher.publish([])
    broker_at(URL).delete_queue(UNROUTED_QUEUE)
    with pytest.raises(PublishFailedError) as raised:
        publisher.publish([outgoing(1), outgoing(2, "gossip")])
    assert raised.value.returned == {outgoing(2, "gossip").message_id}
    assert not raised.value.unconfirmed


def test_a_full_queue_leaves_the_message_unconfirmed() -> None:
    publisher = publisher_to(URL)
    publisher.publish([])
    broker_at(URL)._queue_capacity = 1
    with pytest.raises(PublishFailedError) as raised:
        publisher.publish([outgoing(1), outgoing(2)])
    assert raised.value.unconfirmed == {outgoing(2).message_id}


def test_a_broker_that_lost_everything_is_declared_again_at_the_next_batch() -> None:
    publisher = publisher_to(URL)
    publisher.publish([])
    broker_at(URL).clear()
    with pytest.raises(PublishFailedError) as raised:
        publisher.publish([outgoing(1)])
    assert raised.value.unconfirmed == {outgoing(1).message_id}
    publisher.publish([outgoing(1)])
    assert broker_at(URL).depth("prescribe.case") == 1
    assert broker_at(URL).depth(POISON_QUEUE) == 0
