"""Publishing to RabbitMQ: what arrived is known, and no call blocks longer than its deadline."""

from __future__ import annotations

import threading
import time
from urllib.parse import urlsplit

import pytest

from contracts.topology import FAMILY, UNROUTED_QUEUE, queue_name
from services.seedwork.messaging import topology
from services.seedwork.messaging.errors import PublishFailedError, TopologyMismatchError
from services.seedwork.messaging.publisher import BatchPublisher, Outgoing
from tests.integration.messaging.conftest import connect
from tests.support.envelopes import envelope
from tests.support.proxy import proxy

pytestmark = pytest.mark.servers


def outgoing(number: int, family: str = "case") -> Outgoing:
    sent = envelope(number, family)
    return Outgoing(family, str(sent.message_id), sent.to_wire())


def batch(count: int) -> list[Outgoing]:
    return [outgoing(number) for number in range(count)]


def depth(url: str, queue: str) -> int:
    with connect(url) as connection:
        return topology.depth(connection.channel(), queue)


def test_a_published_batch_is_stored_for_every_consumer(amqp_url: str) -> None:
    publisher = BatchPublisher(amqp_url)
    publisher.publish([*batch(50), outgoing(1, "prescription")])
    publisher.publish(batch(50))
    publisher.close()
    assert depth(amqp_url, "prescribe.case") == 100
    assert {depth(amqp_url, queue_name(name, "prescription")) for name in FAMILY["prescription"].consumers} == {1}
    with connect(amqp_url) as connection:
        message = connection.channel().basic_get("prescribe.case")
        assert message.body == envelope(0).to_wire()
        assert message.properties["message_id"] == str(envelope(0).message_id)
        assert message.properties["delivery_mode"] == 2


def test_what_no_binding_takes_is_kept_in_the_unrouted_queue(amqp_url: str) -> None:
    BatchPublisher(amqp_url).publish([outgoing(1, "gossip"), outgoing(2)])
    assert depth(amqp_url, UNROUTED_QUEUE) == 1
    assert depth(amqp_url, "prescribe.case") == 1


def test_what_no_queue_takes_at_all_is_told_by_its_id_and_the_rest_is_safe(amqp_url: str) -> None:
    publisher = BatchPublisher(amqp_url)
    publisher.publish([])
    with connect(amqp_url) as connection:
        connection.channel().queue_delete(UNROUTED_QUEUE)
    with pytest.raises(PublishFailedError) as raised:
        publisher.publish([outgoing(1), outgoing(2, "gossip"), outgoing(3)])
    assert raised.value.returned == {outgoing(2, "gossip").message_id}
    assert not raised.value.unconfirmed
    assert depth(amqp_url, "prescribe.case") == 2


def test_what_the_broker_refuses_is_told_by_its_id(amqp_url: str) -> None:
    with connect(amqp_url) as connection:
        channel = connection.channel()
        channel.exchange_declare("small", "topic", durable=True, auto_delete=False)
        channel.queue_declare(
            "small", durable=True, auto_delete=False, arguments={"x-max-length": 1, "x-overflow": "reject-publish"}
        )
        channel.queue_bind("small", "small", "#")
    publisher = BatchPublisher(amqp_url, exchange="small", deadline_seconds=60)
    publisher.publish([])
    begun = time.monotonic()
    with pytest.raises(PublishFailedError) as raised:
        publisher.publish(batch(3))
    assert time.monotonic() - begun < 30, "a refusal is an answer, not a time-out"
    assert raised.value.unconfirmed == {outgoing(1).message_id, outgoing(2).message_id}
    assert not raised.value.returned


def test_a_lost_confirm_leaves_the_outcome_unknown_and_publishing_again_succeeds(amqp_url: str) -> None:
    with proxy(urlsplit(amqp_url).port or 5672) as passing:
        publisher = BatchPublisher(passing.url(amqp_url), deadline_seconds=1)
        publisher.publish([outgoing(1)])
        passing.swallow_answers.set()
        begun = time.monotonic()
        with pytest.raises(PublishFailedError) as raised:
            publisher.publish([outgoing(2), outgoing(3)])
        assert time.monotonic() - begun < 5
        assert raised.value.unconfirmed == {outgoing(2).message_id, outgoing(3).message_id}
        passing.swallow_answers.clear()
        publisher.publish([outgoing(2), outgoing(3)])
    assert depth(amqp_url, "prescribe.case") == 5


def test_a_cut_connection_fails_the_batch_and_the_next_one_connects_again(amqp_url: str) -> None:
    with proxy(urlsplit(amqp_url).port or 5672) as passing:
        publisher = BatchPublisher(passing.url(amqp_url), deadline_seconds=2)
        publisher.publish([outgoing(1)])
        passing.cut()
        with pytest.raises(PublishFailedError) as raised:
            publisher.publish([outgoing(2)])
        assert raised.value.unconfirmed == {outgoing(2).message_id}
        publisher.publish([outgoing(2)])
    assert depth(amqp_url, "prescribe.case") == 2


def test_a_broker_that_is_not_there_fails_the_batch(amqp_url: str) -> None:
    with proxy(urlsplit(amqp_url).port or 5672) as passing:
        nobody = passing.url(amqp_url)
    with pytest.raises(PublishFailedError) as raised:
        BatchPublisher(nobody, deadline_seconds=1).publish(batch(2))
    assert len(raised.value.unconfirmed) == 2


@pytest.mark.parametrize("last_words", [b"AMQP", b"\x00\x14\x00\x0a", b"rxflow.unrouted", b"\x00\x55\x00\x0a"])
def test_a_broker_that_falls_silent_while_connecting_fails_the_batch_in_time(amqp_url: str, last_words: bytes) -> None:
    """At the greeting, at opening the channel, while declaring, at asking for confirms."""
    with proxy(urlsplit(amqp_url).port or 5672) as passing:
        passing.swallow_after = last_words
        begun = time.monotonic()
        with pytest.raises(PublishFailedError):
            BatchPublisher(passing.url(amqp_url), deadline_seconds=0.5).publish(batch(1))
        assert passing.swallow_answers.is_set()
        assert time.monotonic() - begun < 5


def test_a_missing_exchange_fails_the_batch(amqp_url: str) -> None:
    with pytest.raises(PublishFailedError, match="no exchange"):
        BatchPublisher(amqp_url, exchange="nowhere").publish(batch(1))


def test_a_topology_mismatch_is_not_a_failed_batch_but_fatal(amqp_url: str) -> None:
    with connect(amqp_url) as connection:
        connection.channel().queue_declare("prescribe.case", durable=True, auto_delete=False)
    with pytest.raises(TopologyMismatchError, match=r"prescribe\.case"):
        BatchPublisher(amqp_url).publish(batch(1))


def test_several_users_take_turns(amqp_url: str) -> None:
    publisher = BatchPublisher(amqp_url)
    publisher.publish([])
    failures: list[Exception] = []

    def publish(first: int) -> None:
        try:
            publisher.publish([outgoing(first + number) for number in range(20)])
        except PublishFailedError as error:
            failures.append(error)

    threads = [threading.Thread(target=publish, args=(each * 100,)) for each in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert depth(amqp_url, "prescribe.case") == 80


def test_a_user_who_waits_too_long_for_his_turn_is_told(amqp_url: str) -> None:
    publisher = BatchPublisher(amqp_url, deadline_seconds=0.1)
    with publisher._one_user, pytest.raises(PublishFailedError, match="another batch"):
        publisher.publish(batch(1))
