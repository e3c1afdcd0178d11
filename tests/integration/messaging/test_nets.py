"""What nobody takes raises an alarm until somebody has looked at it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from kombu import Connection

from contracts.topology import POISON_QUEUE, UNROUTED_QUEUE
from services.seedwork.messaging import memory, nets
from services.seedwork.messaging.publisher import Outgoing, publisher_to
from tests.support import servers
from tests.support.envelopes import envelope
from tests.support.waiting import eventually


@pytest.fixture(params=["inproc", pytest.param("amqp", marks=pytest.mark.servers)])
def url(request: pytest.FixtureRequest) -> Iterator[str]:
    memory.forget_everything()
    if request.param == "inproc":
        yield "inproc://localhost/nets"
        memory.forget_everything()
        return
    with servers.virtual_host() as made:
        yield made


def publish(url: str, family: str) -> None:
    sent = envelope(1, family)
    publisher = publisher_to(url)
    publisher.publish([Outgoing(family, str(sent.message_id), sent.to_wire())])
    publisher.close()


def alarms(caplog: pytest.LogCaptureFixture) -> list[str]:
    said = [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]
    caplog.clear()
    return said


def test_what_nobody_takes_raises_an_alarm_until_it_is_gone(url: str, caplog: pytest.LogCaptureFixture) -> None:
    publish(url, "case")
    assert not nets.raise_alarm(url), "switched off: somebody takes it"
    assert alarms(caplog) == []

    publish(url, "gossip")

    for _ in range(2):
        assert nets.raise_alarm(url)
        (said,) = alarms(caplog)
        assert f"1 messages in {UNROUTED_QUEUE}" in said
    with Connection(url) as connection:
        connection.channel().basic_get(UNROUTED_QUEUE, no_ack=True)
    assert not nets.raise_alarm(url)


def test_what_cannot_be_taken_raises_an_alarm(url: str, caplog: pytest.LogCaptureFixture) -> None:
    publish(url, "case")
    with Connection(url) as connection:
        channel: Any = connection.channel()
        message: Any = channel.basic_get("prescribe.case")
        channel.basic_reject(message.delivery_tag, requeue=False)

    eventually(lambda: nets.raise_alarm(url), describe="it to be dead-lettered")

    assert f"1 messages in {POISON_QUEUE}" in alarms(caplog)[-1]


def test_a_broker_that_was_never_told_of_any_queue_has_empty_nets(url: str) -> None:
    assert set(nets.depths(url).values()) == {0}
