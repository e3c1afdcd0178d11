"""What a consumer fetches from a producer's feed, and how far it may say that it has come."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import orjson
import pytest

from contracts.envelope import FEED_UPTO_HEADER, GENESIS, Envelope, public_hash
from contracts.topology import FAMILY, Family
from services.seedwork.consumer import Consumer
from services.seedwork.feeds import CatchUp, FeedClient, FeedPage, StreamPage
from services.seedwork.store import reading
from services.seedwork.store.drivers import Driver
from tests.integration.consumer.world import Trouble, consumer_service
from tests.support.store import core_of, driving, new_store


def told(log_index: int, *, seconds_ago: float, words: str = "lapsed") -> Envelope:
    """The first event of a case."""
    case = uuid4()
    moment = (datetime.now(UTC) - timedelta(seconds=seconds_ago)).isoformat()
    names = ("case_id", "prescription_id", "patient_ref")
    data = {name: str(case) for name in names} | {"revision": 1, "confirmation_no": 0, "signed_sha256": "0" * 64}
    about = {"occurred_at": moment, "recorded_at": moment, "actor": words, "correlation_id": "c", "causation_id": "c"}
    body = orjson.dumps({**about, "data": {**data, "closed_as": "lapsed"}}).decode()
    event = Envelope(
        "review", "case", "review.case_closed.v1", case, 1, GENESIS, b"", store_epoch=1, log_index=log_index, body=body
    )
    return replace(event, hash=public_hash(GENESIS, case, 1, event.type, body.encode()))


def client(pages: list[tuple[list[Envelope], dict[str, str]]]) -> FeedClient:
    """A client of a producer that answers with these pages, one after the other."""

    def answer(_request: httpx.Request) -> httpx.Response:
        envelopes, headers = pages.pop(0)
        return httpx.Response(200, content=b"\n".join(each.to_wire() for each in envelopes), headers=headers)

    http = httpx.Client(transport=httpx.MockTransport(answer))
    return FeedClient(lambda _service: "http://peer", lambda: "token", http)


@pytest.mark.parametrize("separator", ["\u2028", "\u2029", "\u0085"])
def test_a_line_separator_inside_a_text_does_not_cut_an_event(separator: str) -> None:
    event = told(1, seconds_ago=60, words=f"one{separator}two")
    feed = client([([event], {FEED_UPTO_HEADER: "1"}), ([], {FEED_UPTO_HEADER: "1"})])

    assert [page.envelopes for page in feed.family(FAMILY["case"], 0)] == [[event], []]


def test_a_page_says_how_far_there_is_nothing_else() -> None:
    event = told(7, seconds_ago=60)
    feed = client([([event], {FEED_UPTO_HEADER: "40"}), ([], {FEED_UPTO_HEADER: "41"})])

    assert [page.upto for page in feed.family(FAMILY["case"], 0)] == [40, 41]


class Feed:
    """The feed of the family `case`; the others are empty."""

    def __init__(self) -> None:
        self.page = FeedPage((), 0)

    def epoch(self, _producer: str) -> int:
        return 1

    def family(self, family: Family, _after: int) -> Iterator[FeedPage]:
        if family.name == "case":
            yield self.page

    def stream(self, _producer: str, _family: str, _stream: UUID, after: int) -> StreamPage:
        return StreamPage((), after)


@pytest.fixture
def consumer(tmp_path: Path) -> Iterator[Driver]:
    with new_store("sqlite", tmp_path) as url, driving(url) as driver:
        yield driver


def catching_up(driver: Driver, feed: Any) -> CatchUp:
    core = core_of("sqlite:///", consumer_service(Trouble()))
    catch_up = CatchUp("prescribe", Consumer(core, driver), driver.database, feed)
    catch_up.step()  # what was missed at the start
    return catch_up


def low_water(driver: Driver) -> int:
    return reading.cursor_of(driver.database, "feed:review:case")


def test_the_mark_follows_a_busy_log_while_the_family_is_quiet(consumer: Driver) -> None:
    feed = Feed()
    catch_up = catching_up(consumer, feed)

    feed.page = FeedPage((), 5000)
    catch_up.step()

    assert low_water(consumer) == 5000


def test_the_mark_does_not_pass_an_event_that_is_left_to_the_broker(consumer: Driver) -> None:
    # given: of two saves at once the one decided first was sealed last
    feed = Feed()
    catch_up = catching_up(consumer, feed)
    young, old = told(1, seconds_ago=1), told(2, seconds_ago=60)

    # when
    feed.page = FeedPage((young, old), 2)
    catch_up.step()

    # then: the young one can still be fetched
    assert low_water(consumer) == 0
