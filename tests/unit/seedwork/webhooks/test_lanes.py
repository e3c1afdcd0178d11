"""Who hangs does not hold up others; and who may not speak does not."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from services.seedwork.duties import Duties
from services.seedwork.store.batch import Statement
from services.seedwork.webhooks import sender
from services.seedwork.webhooks.lanes import ThreadLanes
from services.seedwork.webhooks.post import Answer, Letter
from services.seedwork.webhooks.sender import Rim
from services.seedwork.webhooks.use_cases import pause_endpoint, resume_endpoint
from tests.support.waiting import eventually
from tests.support.webhook_receiver import Receiver, receiver
from tests.unit.seedwork.webhooks.notes import SERVICE, Desk, InPlace


def test_an_endpoint_that_hangs_holds_up_nobody_else(desk: Desk, subscriber: Receiver) -> None:
    with receiver() as slow:
        slow.replies.extend([slow.hang] * 10)
        hanging, well = desk.open(slow.url), desk.open(subscriber.url)
        for number in range(6):
            desk.write(str(number), number)
        desk.sender = desk.new_sender(ThreadLanes(lambda: None))

        def told() -> bool:
            desk.send(1)
            return len(subscriber.received) == 6

        eventually(told, describe="the other endpoint is told")
        assert len(slow.received) <= sender.LANES_PER_ENDPOINT_MAX
        assert "delivered" not in desk.statuses(hanging)
        slow.release.set()
        eventually(lambda: desk.send(1) or set(desk.statuses(hanging)) == {"delivered"}, describe="both are told")
        assert desk.statuses(well) == ["delivered"] * 6


class Held(InPlace):
    """Calls that never come back."""

    def start(self, key: Any, call: Any) -> None:
        self.back.append((key, Answer(500)))

    def finished(self) -> list[Any]:
        return []


def test_endpoints_that_fail_have_one_lane_each_and_half_of_all_together(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sender, "LANES_MAX", 6)
    desk.post = lambda _letter: Answer(None, "no_connection")
    desk.sender = desk.new_sender()
    failing = [desk.open("http://127.0.0.1:9/") for _ in range(4)]
    for number in range(4):
        desk.write(str(number), number)
    desk.send(10)
    assert all(desk.endpoint(each)["failures"] >= sender.FAILING_AT for each in failing)
    desk.later(hours=1)
    held = Held()
    desk.sender = desk.new_sender(held)
    desk.sender.step()
    assert len(held.back) == 3, "half of the lanes, although four endpoints have something to be told"
    well = desk.open("http://127.0.0.1:9/well")
    for number in range(6):
        desk.write(str(number), 50 + number)
    desk.office.catch_up()
    held = Held()
    desk.sender = desk.new_sender(held)
    desk.sender.step()
    started = [key[0] for key, _ in held.back]
    assert started[:4] == [well] * 4, "those that answer come first"
    assert len(started) == 6
    assert len(set(started[4:])) == 2
    for _ in range(3):
        desk.sender.step()
    assert len(held.back) == 6


def test_of_a_stream_one_is_under_way(desk: Desk) -> None:
    desk.open("http://127.0.0.1:9/")
    for text in "abc":
        desk.write(text)
    desk.office.catch_up()
    held = Held()
    desk.sender = desk.new_sender(held)
    for _ in range(3):
        desk.sender.step()
    assert len(held.back) == 1


def test_a_call_that_breaks_is_a_failure() -> None:
    told = threading.Event()
    lanes = ThreadLanes(told.set)

    def broken() -> Answer:
        raise RuntimeError("broken")

    lanes.start(("e", "s"), broken)
    assert told.wait(10)
    assert lanes.finished() == [(("e", "s"), Answer(None, "unexpected"))]
    assert lanes.finished() == []


class Leadership:
    listens = False

    def __init__(self) -> None:
        self.leads = True

    def held(self) -> bool:
        return self.leads

    def resign(self) -> None: ...

    def wait(self, seconds: float) -> bool:
        del seconds
        return False


def duties_of(desk: Desk, leadership: Leadership, rim: Rim | None) -> Duties:
    unused: Any = None
    wake: Any = threading.Event()
    return Duties(
        desk.office.core,
        desk.office.driver,
        publisher=unused,
        feeds=unused,
        leadership=leadership,
        checkpoint_key={},
        wake_ups=(wake, wake),
        webhooks=rim,
    )


def test_only_the_leader_of_a_store_that_may_speak_sends(desk: Desk) -> None:
    sent: list[Letter] = []

    def post(letter: Letter) -> Answer:
        sent.append(letter)
        return Answer(204)

    leadership = Leadership()
    duties = duties_of(desk, leadership, Rim(post, InPlace(), desk.secret))
    assert "send_webhooks" in [loop.name for loop in duties.loops()]
    desk.open("http://127.0.0.1:9/")
    desk.write("a")
    desk.office.catch_up()
    duties.send_webhooks()
    assert sent == [], "it does not lead yet"
    duties.seal()
    desk.office.database.write([Statement("INSERT INTO meta (name, value) VALUES ('restoring', 1)")])
    duties.send_webhooks()
    assert sent == [], "a restored store says nothing before it was compared"
    desk.office.database.write([Statement("DELETE FROM meta WHERE name = 'restoring'")])
    duties.send_webhooks()
    assert len(sent) == 1
    assert SERVICE.webhooks is not None


def test_without_the_outside_there_is_no_such_loop(desk: Desk) -> None:
    duties = duties_of(desk, Leadership(), None)
    assert "send_webhooks" not in [loop.name for loop in duties.loops()]
    assert duties.send_webhooks() is False


def test_what_fails_is_not_written_over_what_was_decided_meanwhile(desk: Desk) -> None:
    """Paused and resumed while a call was under way: the message has all its attempts again."""
    desk.post = lambda _letter: Answer(500)
    held = InPlace()
    desk.sender = desk.new_sender(held)
    endpoint = desk.open("http://127.0.0.1:9/")
    desk.write("a")
    desk.send(2)
    desk.later(seconds=5)
    desk.office.catch_up()
    desk.sender.step()  # the second attempt is under way
    answers, held.back = held.back, []
    desk.decide(pause_endpoint(endpoint, "I1", "维护"))
    desk.decide(resume_endpoint(endpoint, "I1"))
    desk.office.catch_up()
    desk.sender.step()
    held.back = answers
    desk.post = lambda _letter: Answer(204)
    desk.send(1)
    (row,) = desk.deliveries(endpoint)
    assert row["attempts"] == 0


def test_an_endpoint_that_fails_has_one_lane(desk: Desk) -> None:
    desk.post = lambda _letter: Answer(None, "time_out")
    desk.sender = desk.new_sender()
    desk.open("http://127.0.0.1:9/")
    for number in range(4):
        desk.write(str(number), number)
    desk.send(10)
    desk.later(hours=1)
    held = Held()
    desk.sender = desk.new_sender(held)
    desk.sender.step()
    assert len(held.back) == sender.LANES_WHEN_FAILING
