"""Endpoints: from when on they are told, of what, and when they are left alone."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from services.seedwork.retention import prune
from services.seedwork.store.batch import Statement
from services.seedwork.usecase import Actor
from services.seedwork.webhooks import deliveries
from services.seedwork.webhooks.endpoint import ENDPOINT, ENDPOINTS_PER_OWNER_MAX
from services.seedwork.webhooks.use_cases import (
    Wish,
    open_endpoint,
    pause_by_itself,
    pause_endpoint,
    ping_endpoint,
    remove_endpoint,
    resume_endpoint,
    skip_letter,
)
from tests.support.webhook_receiver import Receiver
from tests.unit.seedwork.webhooks.notes import Desk


def test_an_endpoint_is_told_what_comes_after_it_was_opened(desk: Desk, subscriber: Receiver) -> None:
    desk.write("before")
    desk.open(subscriber.url)
    desk.write("after")
    desk.send()
    assert subscriber.told() == ["after"]


def test_an_endpoint_goes_on_from_a_place_in_the_cursor_feed(desk: Desk, subscriber: Receiver) -> None:
    desk.write("one")
    desk.write("two", 2)
    (first, _) = desk.office.find("notes_after", after=0, limit=9)
    desk.open(subscriber.url, after=first["position"])
    desk.write("three", 3)
    desk.send()
    assert subscriber.told() == ["two", "three"]


def test_an_endpoint_is_told_its_kinds_and_what_its_filters_let_through(desk: Desk, subscriber: Receiver) -> None:
    desk.open(subscriber.url, "note.urgent", words=("fire",))
    desk.write("fire", 1, "new")
    desk.write("water", 2, "urgent")
    desk.write("fire", 3, "urgent")
    desk.send()
    assert [each.content["type"] for each in subscriber.received] == ["note.urgent"]
    assert subscriber.told() == ["fire"]


def test_each_endpoint_is_told_under_ids_and_secrets_of_its_own(desk: Desk, subscriber: Receiver) -> None:
    one, other = desk.open(subscriber.url), desk.open(subscriber.url)
    desk.write("a")
    desk.send()
    first, second = subscriber.received
    assert first.message_id != second.message_id
    assert desk.secret(one) != desk.secret(other)
    signed_by = [[call.is_signed_with(desk.secret(each)) for each in (one, other)] for call in (first, second)]
    assert sorted(signed_by) == [[False, True], [True, False]]


def test_an_endpoint_that_never_answers_is_paused_before_anything_is_dead(desk: Desk, subscriber: Receiver) -> None:
    endpoint = desk.open(subscriber.url)
    desk.write("a")
    for _ in range(9):
        subscriber.replies.append(503)
        desk.send(2)
        desk.later(hours=1)
    shown = desk.endpoint(endpoint)
    assert (shown["status"], shown["reason"], shown["changed_by"]) == ("paused", "failing", "service:insurance")
    assert shown["failures"] >= 6
    assert desk.statuses(endpoint) == ["pending"]
    tried = len(subscriber.received)
    desk.write("b", 2)
    desk.later(days=3)
    desk.send()
    assert len(subscriber.received) == tried, "nothing is sent to a paused endpoint"

    subscriber.replies.clear()
    desk.decide(resume_endpoint(endpoint, "I1"))
    desk.send()
    assert subscriber.told()[tried:] == ["a", "b"]
    shown = desk.endpoint(endpoint)
    assert (shown["status"], shown["reason"], shown["failures"], shown["failing_since"]) == ("active", None, 0, None)


def test_an_endpoint_that_is_gone_is_paused_at_once(desk: Desk, subscriber: Receiver) -> None:
    subscriber.replies.append(410)
    endpoint = desk.open(subscriber.url)
    desk.write("a")
    desk.write("b", 2)
    desk.office.catch_up()
    desk.send()
    assert (desk.endpoint(endpoint)["status"], desk.endpoint(endpoint)["reason"]) == ("paused", "gone")


def test_what_pauses_by_itself_leaves_what_people_decided(desk: Desk, subscriber: Receiver) -> None:
    endpoint = desk.open(subscriber.url)
    desk.decide(pause_endpoint(endpoint, "I1", "维护"))
    desk.office.run(pause_by_itself(endpoint, "gone"))
    assert desk.endpoint(endpoint)["reason"] == "维护"
    assert desk.refused(pause_endpoint(endpoint, "I1", "维护")) == "webhook.wrong_state"
    desk.decide(resume_endpoint(endpoint, "I1"))
    assert desk.refused(resume_endpoint(endpoint, "I1")) == "webhook.wrong_state"


def test_a_ping_reaches_a_paused_endpoint_once(desk: Desk, subscriber: Receiver) -> None:
    endpoint = desk.open(subscriber.url)
    desk.decide(pause_endpoint(endpoint, "I1", "维护"))
    desk.write("a")
    subscriber.replies.append(500)
    desk.decide(ping_endpoint(endpoint, "I1"))
    desk.send()
    desk.later(hours=5)
    desk.send()
    (failed,) = subscriber.received
    assert failed.content["type"] == "webhook.ping"
    assert failed.content["data"] == {"endpoint_id": str(endpoint)}
    desk.decide(ping_endpoint(endpoint, "I1"))
    desk.send()
    assert [row["status"] for row in desk.deliveries(endpoint)] == ["failed", "delivered"]
    assert all(each.content["type"] == "webhook.ping" for each in subscriber.received)


def test_a_removed_endpoint_is_sent_nothing(desk: Desk, subscriber: Receiver) -> None:
    subscriber.replies.append(500)
    endpoint = desk.open(subscriber.url)
    desk.write("a")
    desk.send()
    desk.decide(remove_endpoint(endpoint, "I1"))
    desk.write("b", 2)
    desk.later(hours=1)
    desk.send()
    assert subscriber.told() == ["a"]
    assert desk.statuses(endpoint) == ["withdrawn"]
    assert desk.refused(remove_endpoint(endpoint, "I1")) == "webhook.unknown"
    assert desk.office.find("webhook_endpoints", owner="I1", after=UUID(int=0), limit=9) == []


def test_nobody_decides_about_anothers_endpoint(desk: Desk, subscriber: Receiver) -> None:
    endpoint = desk.open(subscriber.url)
    for use_case in (remove_endpoint(endpoint, "I2"), skip_letter(endpoint, None, 1, "因为")):
        assert desk.refused(use_case) == "webhook.not_yours"
    assert desk.refused(ping_endpoint(UUID(int=9), "I1")) == "webhook.unknown"
    assert desk.refused(skip_letter(endpoint, "I1", 1, "因为")) == "webhook.no_letter"


def test_a_party_has_only_so_many_endpoints(desk: Desk, subscriber: Receiver) -> None:
    for _ in range(ENDPOINTS_PER_OWNER_MAX):
        desk.open(subscriber.url)
    assert desk.refused(open_endpoint(Wish(subscriber.url, ("note.new",)), "I1")) == "webhook.too_many"
    desk.office.catch_up()
    other = Actor("owner-2", "insurance_officer", organisation="I2")
    assert desk.office.run(open_endpoint(Wish(subscriber.url, ("note.new",)), "I2"), other).refusal is None


def test_so_many_may_be_open_and_the_rest_waits_in_the_feed(
    desk: Desk, subscriber: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliveries, "OPEN_PER_ENDPOINT_MAX", 3)
    subscriber.replies.extend([500] * 3)
    endpoint = desk.open(subscriber.url)
    for number in range(8):
        desk.write(str(number), number)
    desk.send()
    assert len(desk.deliveries(endpoint)) == 3
    desk.later(minutes=1)
    desk.send(20)
    assert sorted(set(subscriber.told())) == [str(number) for number in range(8)]
    assert desk.statuses(endpoint) == ["delivered"] * 8


def test_a_message_that_is_too_large_is_dead_at_once(
    desk: Desk, subscriber: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.seedwork.webhooks.post.BODY_BYTES_MAX", 300)
    endpoint = desk.open(subscriber.url)
    desk.write("x" * 300)
    desk.send()
    (dead,) = desk.deliveries(endpoint)
    assert (dead["status"], dead["error"], dead["attempts"]) == ("dead", "too_large", 1)
    assert subscriber.received == []


def test_what_was_told_is_forgotten_after_a_time_and_what_waits_is_not(desk: Desk, subscriber: Receiver) -> None:
    endpoint = desk.open(subscriber.url)
    desk.write("a")
    desk.send()
    subscriber.replies.append(500)
    desk.write("b", 2)
    desk.send()
    desk.later(days=91)
    removed, _ = prune(desk.office.database)
    assert removed == 1
    assert desk.statuses(endpoint) == ["pending"]


def test_after_a_restore_the_same_place_is_another_message() -> None:
    endpoint = UUID(int=1)
    assert deliveries.message_id(endpoint, 1, 7) == deliveries.message_id(endpoint, 1, 7)
    ids = {deliveries.message_id(endpoint, epoch, place) for epoch in (1, 2) for place in (7, 8)}
    assert len(ids) == 4


def test_events_of_an_endpoint_hold_no_secret(desk: Desk, subscriber: Receiver) -> None:
    endpoint = desk.open(subscriber.url)
    stored = "".join(str(bytes(state)) for (state,) in rows_of(desk, "SELECT state FROM events"))
    assert desk.secret(endpoint).removeprefix("whsec_") not in stored
    (loaded,) = desk.office.load(ENDPOINT.ref(endpoint))
    assert loaded.state.opened.url == subscriber.url


def rows_of(desk: Desk, text: str) -> list[Any]:
    return desk.office.database.rows(Statement(text))
