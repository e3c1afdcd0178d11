"""What can be seen of the entrypoint without a broker and without greenlets."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from amqp.exceptions import RecoverableConnectionError

from services.seedwork.messaging.entrypoint import ReliableEvents
from tests.support.envelopes import envelope


def an_entrypoint() -> ReliableEvents:
    entrypoint = ReliableEvents("prescribe", "case", backoff_seconds=0.2)
    entrypoint._lost = (OSError, RecoverableConnectionError)
    entrypoint._channel = SimpleNamespace(connection=object())
    return entrypoint


def a_message(entrypoint: ReliableEvents, body: Any, error: Exception | None = None) -> Any:
    def settle(**_: Any) -> None:
        settled.append(1)
        if error is not None:
            raise error

    settled: list[int] = []
    return SimpleNamespace(
        body=body,
        headers={"traceparent": "00"},
        delivery_info={"redelivered": True},
        channel=entrypoint._channel,
        ack=settle,
        reject=settle,
        settled=settled,
    )


@pytest.mark.parametrize(
    "error", [ConnectionResetError(), BrokenPipeError(), RecoverableConnectionError("closed"), AttributeError("sock")]
)
def test_an_acknowledgement_on_a_dead_socket_is_no_error(error: Exception) -> None:
    entrypoint = an_entrypoint()
    message = a_message(entrypoint, b"", error)
    entrypoint._settle(message, message.ack)
    assert message.settled


def test_a_message_of_a_connection_that_is_gone_is_left_to_the_broker() -> None:
    entrypoint = an_entrypoint()
    message = a_message(entrypoint, b"")
    entrypoint._channel = SimpleNamespace(connection=object())
    entrypoint._settle(message, message.ack)
    assert not message.settled


def test_a_delivery_holds_the_bytes_and_the_envelope() -> None:
    entrypoint = an_entrypoint()
    wire = envelope(3).to_wire()
    for body in (wire, wire.decode(), memoryview(wire)):
        delivery = entrypoint._decode(a_message(entrypoint, body))
        assert delivery is not None
        assert delivery.body == wire
        assert delivery.envelope == envelope(3)
        assert delivery.headers == {"traceparent": "00"}
        assert delivery.redelivered


@pytest.mark.parametrize("body", [b"", None, b"\xff", b"[]", b"1", b'{"stream": "x"}'])
def test_what_is_no_envelope_is_rejected(body: bytes | None) -> None:
    entrypoint = an_entrypoint()
    message = a_message(entrypoint, body)
    assert entrypoint._decode(message) is None
    assert message.settled


def test_the_pause_doubles_with_each_delivery_up_to_ten_seconds() -> None:
    entrypoint = an_entrypoint()
    assert [entrypoint._pause(tries) for tries in range(4)] == [0.2, 0.4, 0.8, 1.6]
    assert entrypoint._pause(1000) == 10.0
