"""What subscribers are told: signed, at least once, each stream in order, whatever they answer."""

from __future__ import annotations

from collections.abc import Callable
from http.server import BaseHTTPRequestHandler

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from services.seedwork.webhooks.use_cases import replay_letter, rotate_secret, skip_letter
from tests.support.webhook_receiver import Receiver
from tests.unit.seedwork.webhooks.notes import Desk

ATTEMPTS = 10


def test_a_message_is_signed_as_standard_webhooks_say(desk: Desk, subscriber: Receiver) -> None:
    endpoint = desk.open(subscriber.url)
    desk.write("first")
    desk.send()

    (call,) = subscriber.received
    assert call.is_signed_with(desk.secret(endpoint))
    assert Webhook(desk.secret(endpoint)).verify(call.body, call.headers) == call.content
    assert not call.is_signed_with(desk.secret(endpoint, 2))
    with pytest.raises(WebhookVerificationError):
        Webhook(desk.secret(endpoint)).verify(call.body.replace(b"first", b"other"), call.headers)
    assert (call.content["type"], call.content["data"]["text"]) == ("note.new", "first")
    assert call.content["timestamp"].endswith("Z")
    assert desk.statuses(endpoint) == ["delivered"]
    assert desk.endpoint(endpoint)["answered_at"] is not None


def test_what_failed_is_sent_again_later_under_its_id_with_its_content(desk: Desk, subscriber: Receiver) -> None:
    subscriber.replies.extend([500, 429])
    endpoint = desk.open(subscriber.url)
    desk.write("first")
    desk.send()
    (row,) = desk.deliveries(endpoint)
    assert (row["status"], row["attempts"], row["answer"]) == ("pending", 1, 500)
    assert 3_500_000 <= row["due_at"] - row["tried_at"] <= 5_000_000
    assert len(subscriber.received) == 1

    desk.later(seconds=5)
    desk.send()
    (row,) = desk.deliveries(endpoint)
    assert 14_000_000 <= row["due_at"] - row["tried_at"] <= 20_000_000
    desk.later(seconds=20)
    desk.send()

    assert len(subscriber.received) == 3
    assert len({(each.message_id, each.body) for each in subscriber.received}) == 1
    assert desk.statuses(endpoint) == ["delivered"]
    assert desk.endpoint(endpoint)["failures"] == 0


def busy_until(said: str) -> Callable[[BaseHTTPRequestHandler], None]:
    """A subscriber that says when to come again."""

    def reply(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(503)
        handler.send_header("Retry-After", said)
        handler.end_headers()

    return reply


@pytest.mark.parametrize(
    ("said", "least", "most"),
    [("600", 600, 600), ("1", 3.5, 5), ("999999999999", 86_400, 86_400), ("soon", 3.5, 5), ("-5", 3.5, 5)],
    ids=["as it asks", "never sooner than by the schedule", "no longer than a day", "no word of time", "no time"],
)
def test_a_subscriber_that_says_when_is_called_then(
    desk: Desk, subscriber: Receiver, said: str, least: float, most: float
) -> None:
    subscriber.replies.append(busy_until(said))
    endpoint = desk.open(subscriber.url)
    desk.write("first")
    desk.send()
    (row,) = desk.deliveries(endpoint)
    assert least * 1_000_000 <= row["due_at"] - row["tried_at"] <= most * 1_000_000
    desk.later(seconds=least - 1)
    desk.send()
    assert len(subscriber.received) == 1
    desk.later(seconds=most - least + 2)
    desk.send()
    assert desk.statuses(endpoint) == ["delivered"]


def test_of_a_stream_nothing_overtakes_and_other_streams_go_on(desk: Desk, subscriber: Receiver) -> None:
    subscriber.replies.append(500)
    desk.open(subscriber.url)
    for text, note in (("a1", 1), ("a2", 1), ("b1", 2), ("a3", 1), ("b2", 2)):
        desk.write(text, note)
    desk.send()
    assert subscriber.told() == ["a1", "b1", "b2"]
    desk.later(seconds=5)
    desk.send()
    assert subscriber.told() == ["a1", "b1", "b2", "a1", "a2", "a3"]


def test_after_its_last_attempt_a_message_is_dead_and_its_stream_waits(desk: Desk, subscriber: Receiver) -> None:
    endpoint = desk.open(subscriber.url)
    desk.write("a1")
    desk.write("a2")
    fail_but_answer_others(desk, subscriber)
    (dead,) = desk.deliveries(endpoint, "dead")
    assert (dead["attempts"], dead["answer"], dead["due_at"]) == (ATTEMPTS, 500, None)
    desk.later(days=30)
    desk.send()
    assert "a2" not in subscriber.told()
    assert desk.endpoint(endpoint)["dead"] == 1

    desk.decide(replay_letter(endpoint, "I1", dead["place"]))
    assert desk.refused(replay_letter(endpoint, "I1", dead["place"] + 99)) == "webhook.no_letter"
    desk.send()
    assert subscriber.told()[-2:] == ["a1", "a2"]
    assert desk.refused(replay_letter(endpoint, "I1", dead["place"])) == "webhook.no_letter"
    (replayed,) = [row for row in desk.deliveries(endpoint) if row["place"] == dead["place"]]
    assert (replayed["status"], replayed["decided_by"]) == ("delivered", "owner-1")


def fail_but_answer_others(desk: Desk, subscriber: Receiver) -> None:
    """The first note's messages fail as often as they may; others arrive, so that the endpoint is not paused."""
    for number in range(ATTEMPTS):
        subscriber.replies.append(500)
        desk.send(2)
        desk.write("other", 100 + number)
        desk.send(2)
        desk.later(hours=4)


def test_a_dead_letter_is_skipped_by_a_named_person(desk: Desk, subscriber: Receiver) -> None:
    endpoint = desk.open(subscriber.url)
    desk.write("a1")
    desk.write("a2")
    fail_but_answer_others(desk, subscriber)
    (dead,) = desk.deliveries(endpoint, "dead")
    desk.decide(skip_letter(endpoint, "I1", dead["place"], "已用其他方式取得"))
    desk.send()
    assert subscriber.told()[-1] == "a2"
    assert subscriber.told().count("a1") == ATTEMPTS
    (skipped,) = desk.deliveries(endpoint, "skipped")
    assert (skipped["decided_by"], skipped["decided_because"]) == ("owner-1", "已用其他方式取得")


def test_what_was_sent_but_not_written_is_sent_again_under_its_id(desk: Desk, subscriber: Receiver) -> None:
    endpoint = desk.open(subscriber.url)
    desk.write("a1")
    desk.write("a2")
    desk.office.catch_up()
    desk.sender.step()  # sent; killed before the answer is written
    assert subscriber.told() == ["a1"]
    desk.sender = desk.new_sender()
    desk.send()
    assert subscriber.told() == ["a1", "a1", "a2"]
    first, again, _ = subscriber.received
    assert (first.message_id, first.body) == (again.message_id, again.body)
    assert desk.statuses(endpoint) == ["delivered", "delivered"]


def test_a_redirect_is_a_failure_and_is_not_followed(desk: Desk, subscriber: Receiver) -> None:
    subscriber.replies.append(307)
    endpoint = desk.open(subscriber.url)
    desk.write("first")
    desk.send()
    assert len(subscriber.received) == 1
    (row,) = desk.deliveries(endpoint)
    assert (row["status"], row["answer"]) == ("pending", 307)


def test_while_a_secret_is_rotated_both_sign(desk: Desk, subscriber: Receiver) -> None:
    endpoint = desk.open(subscriber.url)
    assert desk.decide(rotate_secret(endpoint, "I1", None))["serial"] == 2
    old, new = desk.secret(endpoint, 1), desk.secret(endpoint, 2)
    assert old != new
    desk.write("during")
    desk.send()
    desk.later(hours=24)
    desk.write("after")
    desk.send()
    during, after = subscriber.received
    assert during.is_signed_with(old)
    assert during.is_signed_with(new)
    assert after.is_signed_with(new)
    assert not after.is_signed_with(old)

    desk.decide(rotate_secret(endpoint, "I1", 0))
    desk.write("leaked")
    desk.send()
    assert not subscriber.received[-1].is_signed_with(new)
    assert subscriber.received[-1].is_signed_with(desk.secret(endpoint, 3))
