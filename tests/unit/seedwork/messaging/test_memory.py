"""The broker in memory routes, counts and dead-letters as RabbitMQ does."""

from __future__ import annotations

import pytest
from amqp.exceptions import NotFound, PreconditionFailed

from services.seedwork.messaging.memory import Broker, Message, Outcome, broker_of, forget_everything, topic_matches


def a_broker(**options: int) -> Broker:
    broker = Broker(**options)
    broker.declare_exchange("unrouted", "fanout", {})
    broker.declare_exchange("events", "topic", {"alternate-exchange": "unrouted"})
    broker.declare_queue("a", {})
    broker.declare_queue("b", {})
    broker.bind("a", "events", "case")
    broker.bind("b", "events", "#")
    return broker


def message(routing_key: str = "case", exchange: str = "events") -> Message:
    return Message(b"body", exchange, routing_key, headers={"h": 1})


def test_every_matching_queue_gets_a_copy_of_its_own() -> None:
    broker = a_broker()
    assert broker.publish(message()) is Outcome.ROUTED
    first, second = broker.take("a"), broker.take("b")
    assert first is not None
    assert second is not None
    assert first == second
    assert first.headers is not second.headers
    assert broker.take("a") is None


def test_what_matches_nothing_goes_to_the_alternate_exchange() -> None:
    broker = a_broker()
    broker.delete_queue("b")
    assert broker.publish(message("stock")) is Outcome.UNROUTABLE
    broker.declare_queue("left over", {})
    broker.bind("left over", "unrouted", "")
    assert broker.publish(message("stock")) is Outcome.ROUTED
    assert broker.depth("left over") == 1


def test_alternates_that_point_at_each_other_end() -> None:
    broker = Broker()
    broker.declare_exchange("one", "direct", {"alternate-exchange": "two"})
    broker.declare_exchange("two", "direct", {"alternate-exchange": "one"})
    assert broker.publish(message(exchange="one")) is Outcome.UNROUTABLE


def test_the_default_exchange_routes_by_queue_name() -> None:
    broker = a_broker()
    assert broker.publish(message("a", exchange="")) is Outcome.ROUTED
    assert broker.publish(message("nobody", exchange="")) is Outcome.UNROUTABLE


def test_a_direct_exchange_takes_the_exact_key() -> None:
    broker = a_broker()
    broker.declare_exchange("direct", "direct", {})
    broker.bind("a", "direct", "x.*")
    assert broker.publish(message("x.y", exchange="direct")) is Outcome.UNROUTABLE
    assert broker.publish(message("x.*", exchange="direct")) is Outcome.ROUTED


@pytest.mark.parametrize(
    ("pattern", "key", "matches"),
    [
        ("case", "case", True),
        ("case", "cases", False),
        ("*", "case", True),
        ("*", "case.opened", False),
        ("#", "", True),
        ("case.#", "case", True),
        ("case.#.end", "case.a.b.end", True),
        ("case.*.end", "case.end", False),
    ],
)
def test_topics_match_word_by_word(pattern: str, key: str, matches: bool) -> None:
    assert topic_matches(pattern.split("."), key.split(".")) is matches


def test_a_full_queue_refuses_and_no_other_queue_gets_a_copy() -> None:
    broker = a_broker(queue_capacity=1)
    assert broker.publish(message()) is Outcome.ROUTED
    broker.take("a")
    assert broker.publish(message()) is Outcome.REFUSED
    assert broker.depth("a") == 0


def test_redeclaring_with_other_arguments_is_refused() -> None:
    broker = a_broker()
    broker.declare_queue("a", {})
    with pytest.raises(PreconditionFailed):
        broker.declare_queue("a", {"x-delivery-limit": 5})
    with pytest.raises(PreconditionFailed):
        broker.declare_exchange("events", "fanout", {"alternate-exchange": "unrouted"})


def test_what_does_not_exist_is_not_found() -> None:
    broker = Broker()
    with pytest.raises(NotFound):
        broker.publish(message())
    with pytest.raises(NotFound):
        broker.depth("a")
    with pytest.raises(NotFound):
        broker.subscribe("a", lambda: None)
    broker.unsubscribe("a", lambda: None)
    assert broker.take("a") is None
    broker.put_back("a", message())
    broker.reject("a", message())


def test_what_is_put_back_comes_first_again_with_its_deliveries_counted() -> None:
    broker = a_broker()
    broker.publish(message())
    broker.publish(message())
    taken = broker.take("a")
    assert taken is not None
    assert not taken.redelivered
    broker.put_back("a", taken)
    again = broker.take("a")
    assert again is not None
    assert again.redelivered
    assert again.headers["x-delivery-count"] == 1


def test_over_the_delivery_limit_a_message_becomes_a_dead_letter() -> None:
    broker = a_broker()
    broker.declare_exchange("dead", "fanout", {})
    broker.declare_queue("poison", {})
    broker.bind("poison", "dead", "")
    broker.declare_queue("limited", {"x-delivery-limit": 2, "x-dead-letter-exchange": "dead"})
    broker.bind("limited", "events", "case")
    broker.publish(message())
    deliveries = 0
    while (taken := broker.take("limited")) is not None:
        deliveries += 1
        broker.put_back("limited", taken)
    dead = broker.take("poison")
    assert deliveries == 3
    assert dead is not None
    assert dead.body == b"body"
    assert dead.routing_key == "case"
    assert "x-delivery-count" not in dead.headers
    assert dead.headers["x-death"][0]["reason"] == "delivery_limit"
    assert dead.headers["x-first-death-queue"] == "limited"


def test_a_rejected_message_is_gone_where_there_are_no_dead_letters() -> None:
    broker = a_broker()
    broker.publish(message())
    taken = broker.take("a")
    assert taken is not None
    broker.reject("a", taken)
    assert broker.depth("a") == 0


def test_subscribers_are_woken_by_arrivals_until_they_leave() -> None:
    broker, calls = a_broker(), []

    def wake_up() -> None:
        calls.append(1)

    broker.subscribe("a", wake_up)
    broker.publish(message())
    broker.unsubscribe("a", wake_up)
    broker.publish(message())
    assert len(calls) == 2


def test_virtual_hosts_are_apart_and_can_be_forgotten() -> None:
    first = broker_of("first")
    first.declare_queue("a", {})
    assert broker_of("first") is first
    assert not broker_of("second").queues()
    forget_everything()
    assert not first.queues()
    assert broker_of("first") is not first
