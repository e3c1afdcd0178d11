"""Exactly once in effect and in order, whatever the wire does; on both databases."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from contracts.envelope import Envelope, public_hash
from services.seedwork import dead_letters
from services.seedwork.consumer import ATTEMPTS_MAX
from services.seedwork.messaging.errors import TryLaterError
from services.seedwork.store.batch import Wanted
from services.seedwork.store.errors import Unavailable
from tests.integration.consumer.world import Pair, new_case, pair


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.servers)])
def both(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Pair]:
    with pair(request.param, tmp_path) as sides:
        yield sides


def handle_until_settled(both: Pair, envelope: Envelope) -> int:
    """As the broker does with a failing message: again and again. How often it was delivered."""
    for attempt in range(1, ATTEMPTS_MAX + 2):
        try:
            both.consumer.handle([envelope])
        except RuntimeError:
            continue
        return attempt
    raise AssertionError("never settled")


def test_events_in_any_order_and_number_have_their_effect_once_and_in_order(both: Pair) -> None:
    # given: three cases with four events each
    cases = [new_case() for _ in range(3)]
    for case in cases:
        both.close_case(case, times=4)
    told = both.told()
    deliveries = told + told[::3]
    random.Random(7).shuffle(deliveries)

    # when
    for envelope in deliveries:
        both.consumer.handle([envelope])

    # then
    for case in cases:
        assert both.heard(case) == (1, 2, 3, 4)
    assert both.consumer.tables.parked_streams() == []


def test_a_batch_is_one_save_and_counts_its_duplicates_once(both: Pair) -> None:
    case, other = new_case(), new_case()
    both.close_case(case, times=3)
    both.close_case(other, times=2)
    told = both.told()

    both.consumer.handle([*told, told[0]])
    both.consumer.handle(told)

    assert both.heard(case) == (1, 2, 3)
    assert both.heard(other) == (1, 2)


def test_poison_in_the_middle_blocks_its_stream_only_and_is_replayed_once_it_is_mended(both: Pair) -> None:
    # given: the second of three events fails
    case, other = new_case(), new_case()
    both.close_case(case, times=3)
    both.close_case(other, times=3)
    told = both.told()
    mine, others = [e for e in told if e.stream == case], [e for e in told if e.stream == other]
    both.trouble.failing.add((case, 2))

    # when
    both.consumer.handle([mine[0]])
    deliveries = handle_until_settled(both, mine[1])
    both.consumer.handle([mine[2]])
    both.consumer.handle(others)

    # then: its attempts were counted, its stream waits, the other went on
    assert deliveries == ATTEMPTS_MAX
    assert both.heard(case) == (1,)
    assert both.heard(other) == (1, 2, 3)
    (letter,) = dead_letters.waiting(both.consumer_driver.database)
    assert (letter.stream_id, letter.public_seq, letter.envelope) == (case, 2, mine[1])
    assert "the handler fails" not in letter.reason

    # when: mended and replayed
    both.trouble.failing.clear()
    dead_letters.replay(both.consumer_driver.database, letter.id, "a person")
    both.consumer.sweep()

    # then
    assert both.heard(case) == (1, 2, 3)
    assert dead_letters.waiting(both.consumer_driver.database) == []


def test_a_skipped_event_lets_its_stream_go_on_without_it_on_somebodys_word(both: Pair) -> None:
    case = new_case()
    both.close_case(case, times=3)
    told = both.told()
    both.trouble.failing.add((case, 2))
    both.consumer.handle([told[0]])
    handle_until_settled(both, told[1])
    both.consumer.handle([told[2]])
    (letter,) = dead_letters.waiting(both.consumer_driver.database)

    dead_letters.skip(both.consumer_driver.database, letter.id, "a person", "known to be void")
    both.consumer.sweep()

    assert both.heard(case) == (1, 3)
    settled = dead_letters.show(both.consumer_driver.database, letter.id).settled
    assert settled == "skipped by a person: known to be void"
    with pytest.raises(dead_letters.NoSuchLetter):
        dead_letters.replay(both.consumer_driver.database, letter.id, "another")


def test_early_poison_waits_for_its_predecessor_before_it_is_tried(both: Pair) -> None:
    # given: the second event would fail, and comes first
    case = new_case()
    both.close_case(case, times=2)
    first, second = both.told()
    both.trouble.failing.add((case, 2))

    # when: early
    both.consumer.handle([second])

    # then: parked, not judged
    assert both.trouble.calls == 0
    assert dead_letters.waiting(both.consumer_driver.database) == []

    # when: its predecessor comes; draining the parked one fails, but never the message in hand
    both.consumer.handle([first])
    assert both.heard(case) == (1,)
    for _ in range(ATTEMPTS_MAX):
        both.consumer.sweep()

    # then
    (letter,) = dead_letters.waiting(both.consumer_driver.database)
    assert letter.public_seq == 2


def test_the_handler_is_not_asked_about_what_is_not_next(both: Pair) -> None:
    case = new_case()
    both.close_case(case, times=2)
    first, second = both.told()
    both.consumer.handle([first])
    both.consumer.handle([second])
    calls = both.trouble.calls

    both.consumer.handle([first])
    both.consumer.handle([second])

    assert both.trouble.calls == calls


def forged(envelope: Envelope, *, prev_hash: bytes | None = None) -> Envelope:
    """The same place in the stream with another content, rightly hashed."""
    body = envelope.body.replace("lapsed", "withdrawn")
    prev = envelope.prev_hash if prev_hash is None else prev_hash
    digest = public_hash(prev, envelope.stream, envelope.public_seq, envelope.type, body.encode())
    return replace(envelope, body=body, prev_hash=prev, hash=digest)


def test_another_content_under_a_known_number_is_a_fork(both: Pair) -> None:
    case = new_case()
    both.close_case(case, times=2)
    first, second = both.told()
    both.consumer.handle([first])

    both.consumer.handle([forged(first)])
    both.consumer.handle([second])

    assert both.heard(case) == (1,)
    (letter,) = dead_letters.waiting(both.consumer_driver.database)
    assert letter.reason == "fork"


def test_a_next_event_with_another_past_is_a_fork(both: Pair) -> None:
    case = new_case()
    both.close_case(case, times=2)
    first, second = both.told()
    both.consumer.handle([first])

    both.consumer.handle([forged(second, prev_hash=b"\x01" * 32)])

    assert both.heard(case) == (1,)
    assert [letter.reason for letter in dead_letters.waiting(both.consumer_driver.database)] == ["fork"]


def test_an_altered_body_is_set_aside_and_its_neighbours_are_handled(both: Pair) -> None:
    case, other = new_case(), new_case()
    both.close_case(case)
    both.close_case(other)
    first, neighbour = both.told()

    both.consumer.handle([replace(first, body=first.body.replace("lapsed", "withdrawn")), neighbour])

    assert both.heard(case) == ()
    assert both.heard(other) == (1,)
    assert len(dead_letters.waiting(both.consumer_driver.database)) == 1


@pytest.mark.parametrize("fetched", ["while it waits", "afterwards"])
def test_an_altered_body_is_discarded_and_the_producers_own_takes_effect(both: Pair, fetched: str) -> None:
    case = new_case()
    both.close_case(case, times=2)
    first, second = both.told()
    both.consumer.handle([replace(first, body=first.body.replace("lapsed", "withdrawn"))])
    both.consumer.handle([second])
    database = both.consumer_driver.database
    (letter,) = dead_letters.waiting(database)
    if fetched == "while it waits":
        both.catch_up.step()
    assert both.heard(case) == ()

    dead_letters.discard(database, letter.id, "a person", "altered on the way")
    both.catch_up.step()
    both.consumer.sweep()

    assert both.heard(case) == (1, 2)
    assert dead_letters.waiting(database) == []
    assert dead_letters.show(database, letter.id).settled == "discarded by a person: altered on the way"


def test_a_genuine_dead_letter_is_not_discarded(both: Pair) -> None:
    case = new_case()
    both.close_case(case)
    both.trouble.failing.add((case, 1))
    handle_until_settled(both, both.told()[0])
    (letter,) = dead_letters.waiting(both.consumer_driver.database)

    with pytest.raises(dead_letters.Genuine):
        dead_letters.discard(both.consumer_driver.database, letter.id, "a person", "in the way")

    assert dead_letters.waiting(both.consumer_driver.database) == [letter]


def test_another_content_under_a_handled_number_is_discarded_and_the_stream_goes_on(both: Pair) -> None:
    # given: the first of two was handled, then another content came under its number
    case = new_case()
    both.close_case(case, times=2)
    first, second = both.told()
    both.consumer.handle([first])
    both.consumer.handle([forged(first)])
    database = both.consumer_driver.database
    (letter,) = dead_letters.waiting(database)

    # when
    dead_letters.discard(database, letter.id, "a person", "forged")
    both.consumer.handle([second])

    # then
    assert both.heard(case) == (1, 2)
    assert dead_letters.waiting(database) == []


def test_what_a_person_replays_takes_the_place_of_what_is_parked_under_its_number(both: Pair) -> None:
    # given: a dead letter, and another content under its number that came while its stream waited
    case = new_case()
    both.close_case(case)
    (told,) = both.told()
    both.trouble.failing.add((case, 1))
    handle_until_settled(both, told)
    both.consumer.handle([forged(told)])
    both.trouble.failing.clear()
    database = both.consumer_driver.database
    (letter,) = dead_letters.waiting(database)

    # when
    dead_letters.replay(database, letter.id, "a person")
    both.consumer.sweep()

    # then
    assert both.heard(case) == (1,)
    assert database.load(Wanted(inbox=(("review", case),))).inbox["review", case] == (1, told.hash)


def test_what_came_in_one_batch_with_an_altered_body_is_handled_all_the_same(both: Pair) -> None:
    # given: a genuine event, and another case's two of which the first was altered on the way
    case, other = new_case(), new_case()
    both.close_case(case)
    both.close_case(other, times=2)
    told = both.told()
    altered = replace(told[1], body=told[1].body.replace("lapsed", "withdrawn"))

    # when: all that is returned from is acknowledged
    both.consumer.handle([told[0], altered, told[2]])

    # then: the genuine one had its effect, the altered one is set aside and what is behind it waits
    assert both.heard(case) == (1,)
    assert both.heard(other) == ()
    (letter,) = dead_letters.waiting(both.consumer_driver.database)
    dead_letters.skip(both.consumer_driver.database, letter.id, "a person", "altered on the way")
    both.consumer.sweep()
    assert both.heard(other) == (2,)


def test_what_waits_for_a_person_is_not_asked_of_the_feed_again_and_again(both: Pair) -> None:
    # given: a stream behind a dead letter, and one with a gap
    case, other = new_case(), new_case()
    both.close_case(case, times=2)
    both.close_case(other, times=2)
    told = both.told()
    both.trouble.failing.add((case, 1))
    handle_until_settled(both, told[0])
    both.consumer.handle([told[1]])
    both.consumer.handle([told[3]])

    # then
    assert [each.stream_id for each in both.consumer.tables.parked_longer_than(-1)] == [other]
    assert both.consumer.tables.parked_streams() == [("review", other)]


def test_what_is_set_aside_ahead_of_its_turn_cannot_be_skipped_over_its_predecessors(both: Pair) -> None:
    # given: the third event was altered and came first
    case = new_case()
    both.close_case(case, times=3)
    told = both.told()
    both.consumer.handle([replace(told[2], body=told[2].body.replace("lapsed", "withdrawn"))])
    both.consumer.handle(told[:2])
    (letter,) = dead_letters.waiting(both.consumer_driver.database)

    # when
    with pytest.raises(dead_letters.NotNext):
        dead_letters.skip(both.consumer_driver.database, letter.id, "a person", "never mind")

    # then: nothing was passed
    assert both.inbox_of(case) == 0
    assert dead_letters.show(both.consumer_driver.database, letter.id).settled is None


def test_a_late_joined_consumer_catches_up_from_the_feed(both: Pair) -> None:
    # given: everything was published long before this consumer existed
    cases = [new_case() for _ in range(5)]
    for case in cases:
        both.close_case(case, times=3)
    both.told()

    # when
    both.catch_up.step()

    # then
    assert [both.heard(case) for case in cases] == [(1, 2, 3)] * 5


def test_a_lost_queue_heals_by_itself_and_the_low_water_mark_never_passes_what_is_not_handled(both: Pair) -> None:
    case = new_case()
    both.close_case(case, times=2)
    told = both.told()
    both.consumer.handle([told[0]])
    both.trouble.failing.add((case, 2))

    # when: the handler fails during catch-up
    with pytest.raises(RuntimeError):
        both.catch_up.step()
    both.trouble.failing.clear()
    both.catch_up.step()

    # then
    assert both.heard(case) == (1, 2)


def test_while_the_store_is_away_nothing_is_counted_as_an_attempt(both: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    case = new_case()
    both.close_case(case)
    (first,) = both.told()

    def away(*_arguments: object) -> None:
        raise Unavailable("away")

    with monkeypatch.context() as patched:
        patched.setattr(both.consumer_driver.database, "load", away)
        with pytest.raises(TryLaterError):
            both.consumer.handle([first])
    both.consumer.handle([first])

    assert both.heard(case) == (1,)
    assert both.consumer.tables.count_attempt(first, "now the first") == 1


def test_the_low_water_mark_stops_at_the_first_event_that_is_not_due(
    both: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given: a consumer that has started; then a young event stands in the log before an older one (clocks differ)
    both.catch_up.step()
    young, old = new_case(), new_case()
    both.close_case(young)
    both.close_case(old)
    both.told()
    monkeypatch.setattr(both.catch_up, "_is_due", lambda envelope, _now: envelope.stream == old)

    # when: neither has come by the broker
    both.catch_up.step()
    monkeypatch.undo()
    monkeypatch.setattr("services.seedwork.feeds.GRACE_MICROS", -1)
    both.catch_up.step()

    # then: the young one was not passed
    assert both.heard(young) == (1,)
    assert both.heard(old) == (1,)


def test_an_event_this_release_does_not_know_is_kept_until_it_does(both: Pair) -> None:
    case = new_case()
    both.close_case(case)
    (first,) = both.told()
    newer = "review.case_closed.v2"
    digest = public_hash(first.prev_hash, first.stream, 1, newer, first.body.encode())
    unknown = replace(first, type=newer, hash=digest)

    for _ in range(ATTEMPTS_MAX):
        with suppress(LookupError):
            both.consumer.handle([unknown])

    (letter,) = dead_letters.waiting(both.consumer_driver.database)
    assert letter.envelope == unknown
    assert both.inbox_of(case) == 0
