"""Other regions over HTTP: what is an answer, what is none, and who is left alone for a while."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import orjson
import pytest

from services.dispatch.adapters.trace_code_owners import QUIET_SECONDS, SECONDS_MAX, HttpOwners, owners_of
from services.dispatch.domain.owner_words import AskedCode, NoOtherStore, Question, Word
from services.dispatch.domain.regional_stores import RegionalStores
from services.seedwork.identity import verifier
from services.seedwork.settings import Settings
from services.seedwork.webhooks.post import Answer, Letter
from tests.support.webhook_receiver import Receiver, receiver
from tests.unit.dispatch.town import NOON

QUESTION = Question(
    asked_by="east",
    supply_id=UUID(int=7),
    operation="reserve",
    at=NOON,
    codes=(AskedCode(code="81"), AskedCode(code="82")),
)
GOOD = [{"code": "81"}, {"code": "82", "problem": "trace_code.repeated", "found": "sold", "news": "of a later release"}]


def said(words: Any) -> Answer:
    return Answer(200, body=orjson.dumps(words))


class Far:
    """A store far away, our way to it, and our clock."""

    def __init__(self, keys: Path) -> None:
        self.answer = said(GOOD)
        self.seen: list[Letter] = []
        self.now = 0.0
        stores = {"east": "http://127.0.0.1:1", "west": "http://127.0.0.1:2/"}
        self.settings = Settings(
            development=True,
            key_directory=keys,
            database_url=f"sqlite:///{keys}",
            regional_stores=stores,
            regional_store="east",
        )
        self.owners = HttpOwners(lambda: self.settings, self._handle, lambda: self.now)

    def _handle(self, letter: Letter) -> Answer:
        self.seen.append(letter)
        return self.answer


@pytest.fixture
def far(tmp_path: Path) -> Far:
    return Far(tmp_path)


def test_a_question_goes_out_with_the_service_token_and_its_words_come_back(far: Far) -> None:
    words = far.owners.ask("west", QUESTION)

    assert words == (Word(code="81"), Word(code="82", problem="trace_code.repeated", found="sold"))
    (letter,) = far.seen
    assert (letter.method, letter.url) == ("PUT", "http://127.0.0.1:2/internal/trace-codes")
    assert Question.model_validate(orjson.loads(letter.body)) == QUESTION
    bearer = verifier(far.settings).actor(letter.headers["authorization"].removeprefix("Bearer "))
    assert (bearer.subject, bearer.role) == ("service:dispatch", "service")
    assert far.owners.stores == RegionalStores(frozenset({"east", "west"}), "east")


@pytest.mark.parametrize(
    "answer",
    [
        Answer(None, "no_connection"),
        Answer(None, "time_out"),
        Answer(500),
        Answer(409, body=b"{}"),
        Answer(307),
        Answer(200, body=b"<html>"),
        said([{"code": "81", "problem": "something.new"}, {"code": "82"}]),
        Answer(200),
    ],
    ids=["refused", "slow", "broken", "other list", "elsewhere", "no words", "unknown problem", "too long"],
)
def test_everything_else_is_no_answer_and_the_store_is_left_alone_for_a_while(far: Far, answer: Answer) -> None:
    far.answer = answer
    assert far.owners.ask("west", QUESTION) is None
    assert far.owners.ask("west", QUESTION) is None
    assert len(far.seen) == 1, "the second supply waits for nobody"

    far.now, far.answer = QUIET_SECONDS, said(GOOD)
    assert far.owners.ask("west", QUESTION) is not None


@pytest.fixture
def west(far: Far) -> Iterator[Receiver]:
    """The other store as a server."""
    with receiver() as here:
        stores = {**far.settings.regional_stores, "west": here.url}
        far.settings = far.settings.model_copy(update={"regional_stores": stores})
        far.owners = HttpOwners(lambda: far.settings)
        yield here


def test_it_is_asked_over_http(far: Far, west: Receiver) -> None:
    west.replies.append(lambda handler: handler.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n" + orjson.dumps(GOOD)))
    assert far.owners.ask("west", QUESTION) == (
        Word(code="81"),
        Word(code="82", problem="trace_code.repeated", found="sold"),
    )
    (asked,) = west.received
    assert Question.model_validate(asked.content) == QUESTION


def test_an_answer_whose_headers_drip_is_none_in_time(far: Far, west: Receiver) -> None:
    """Else the clock's other deadlines, and whoever dispenses, would wait behind it for as long as it pleases."""
    west.replies.append(west.drip)
    began = time.monotonic()
    assert far.owners.ask("west", QUESTION) is None
    assert time.monotonic() - began < SECONDS_MAX + 3


@pytest.mark.parametrize("away", [1, 8])
@pytest.mark.parametrize("seconds", [4.0, 3.0], ids=["no answer", "answers late"])
def test_stores_that_are_away_or_late_take_a_tenth_of_the_time_however_many_they_are(
    far: Far, away: int, seconds: float
) -> None:
    """The clock's other deadlines wait behind every question."""
    names = [f"away {number}" for number in range(away)]
    stores = {"west": "http://127.0.0.1:2", **{name: f"http://127.0.0.1:{9 + n}" for n, name in enumerate(names)}}
    far.settings = far.settings.model_copy(update={"regional_stores": {**far.settings.regional_stores, **stores}})
    waited = 0.0

    def handle(letter: Letter) -> Answer:
        nonlocal waited
        if urlsplit(letter.url).port == 2:
            return said(GOOD)
        far.now, waited = far.now + seconds, waited + seconds
        return Answer(None, "time_out") if seconds == 4.0 else said(GOOD)

    far.owners = HttpOwners(lambda: far.settings, handle, lambda: far.now)
    for name in names:  # nobody can know before the first time
        far.owners.ask(name, QUESTION)
    waited, began = 0.0, far.now
    while far.now < began + 1000:
        for name in (*names, "west"):
            answered = far.owners.ask(name, QUESTION)
            assert name != "west" or answered is not None, "whoever answers is asked as ever"
        far.now += 0.1

    assert 0 < waited <= (far.now - began) / 10 + seconds


def test_one_that_stays_away_does_not_keep_one_that_is_back_from_being_asked(far: Far) -> None:
    stores = {"west": "http://127.0.0.1:2", "dead": "http://127.0.0.1:9"}
    far.settings = far.settings.model_copy(update={"regional_stores": {**far.settings.regional_stores, **stores}})
    back = False

    def handle(letter: Letter) -> Answer:
        if back and urlsplit(letter.url).port == 2:
            return said(GOOD)
        far.now += 4.0
        return Answer(None, "time_out")

    far.owners = HttpOwners(lambda: far.settings, handle, lambda: far.now)
    assert [far.owners.ask(name, QUESTION) for name in stores] == [None, None]
    back, until = True, far.now + 150
    answered = False
    while far.now < until and not answered:
        far.owners.ask("dead", QUESTION)
        answered = far.owners.ask("west", QUESTION) is not None
        far.now += 0.1
    assert answered


def test_words_about_other_codes_are_none(far: Far) -> None:
    far.answer = said(GOOD[:1])
    assert far.owners.ask("west", QUESTION) is None


def test_a_store_that_is_not_on_the_list_any_more_is_not_asked(far: Far) -> None:
    assert far.owners.ask("south", QUESTION) is None
    assert not far.seen


def test_without_a_service_token_nobody_is_asked(tmp_path: Path) -> None:
    far = Far(tmp_path)
    far.settings = far.settings.model_copy(update={"development": False})
    assert far.owners.ask("west", QUESTION) is None
    assert not far.seen


def test_an_api_has_one_way_to_the_others_or_none(far: Far, tmp_path: Path) -> None:
    assert owners_of(far.settings) is owners_of(far.settings)
    alone = Settings(development=True, key_directory=tmp_path, database_url=f"sqlite:///{tmp_path}")
    assert isinstance(owners_of(alone), NoOtherStore)
