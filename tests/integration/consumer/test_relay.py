"""What the relay does when a batch does not arrive: a broker that is away is nobody's fault."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from uuid import UUID

import pytest
import sqlalchemy as sa

from services.seedwork.families import families_of
from services.seedwork.messaging.errors import PublishFailedError
from services.seedwork.messaging.publisher import Outgoing
from services.seedwork.relay import TRIES_BEFORE_ISOLATING, Relay
from services.seedwork.store import reading
from services.seedwork.store.rendering import Prepared
from services.seedwork.store.sealer import seal
from services.seedwork.store.tables import blocked
from tests.integration.consumer.world import Pair, new_case, pair

_BLOCKED = Prepared(lambda _i: sa.select(blocked.c.stream_id))


class FlakyBroker:
    """Refuses whatever names one of these cases; is away for the next so many publishes."""

    def __init__(self) -> None:
        self.refused: set[UUID] = set()
        self.away = 0
        self.calls = 0
        self.arrived: list[str] = []

    def publish(self, batch: Sequence[Outgoing]) -> None:
        self.calls += 1
        self.away -= 1
        refuses = any(str(case).encode() in each.body for case in self.refused for each in batch)
        if self.away >= 0 or refuses:
            raise PublishFailedError("no confirm", unconfirmed=[each.message_id for each in batch])
        self.arrived.extend(each.message_id for each in batch)

    def close(self) -> None: ...


@pytest.fixture
def both(tmp_path: Path) -> Iterator[Pair]:
    with pair("sqlite", tmp_path) as sides:
        yield sides


def relaying(both: Pair, broker: FlakyBroker, cases: Sequence[UUID]) -> Relay:
    for case in cases:
        both.close_case(case)
    while seal(both.producer.database):
        pass
    return Relay("review", families_of("review"), both.producer.database, broker)


def set_aside(both: Pair) -> set[UUID]:
    return {row["stream_id"] for row in _BLOCKED.read(both.producer.database)}


def until_done(relay: Relay, steps: int = 20) -> None:
    for _ in range(steps):
        try:
            if not relay.step():
                return
        except PublishFailedError:
            continue
    raise AssertionError("never done")


def test_what_alone_cannot_be_published_is_set_aside_and_the_others_go_on(both: Pair) -> None:
    cases = [new_case() for _ in range(5)]
    broker = FlakyBroker()
    broker.refused = {cases[2]}
    relay = relaying(both, broker, cases)

    until_done(relay)

    assert set_aside(both) == {cases[2]}
    assert len(set(broker.arrived)) == 4


@pytest.mark.parametrize("back_after", range(1, 7))
def test_a_broker_that_comes_back_while_the_culprit_is_sought_leaves_nobody_set_aside(
    both: Pair, back_after: int
) -> None:
    # given: the broker is away, and returns after some of the single tries
    cases = [new_case() for _ in range(5)]
    broker = FlakyBroker()
    relay = relaying(both, broker, cases)
    broker.away = TRIES_BEFORE_ISOLATING + back_after

    # when
    until_done(relay)

    # then
    assert set_aside(both) == set()
    assert len(set(broker.arrived)) == 5


def test_a_broker_that_goes_away_again_after_some_arrived_leaves_nobody_set_aside(
    both: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given: one arrives alone, all later ones fail until the broker is back
    cases = [new_case() for _ in range(3)]
    broker = FlakyBroker()
    relay = relaying(both, broker, cases)
    answers = iter([False] * TRIES_BEFORE_ISOLATING + [True] + [False] * 6)
    arrive = FlakyBroker.publish

    def publish(batch: Sequence[Outgoing]) -> None:
        if not next(answers, True):
            raise PublishFailedError("no confirm", unconfirmed=[each.message_id for each in batch])
        arrive(broker, batch)

    monkeypatch.setattr(broker, "publish", publish)

    until_done(relay)

    assert set_aside(both) == set()
    assert len(set(broker.arrived)) == 3


def test_the_search_for_a_culprit_ends_early_with_a_broker_that_is_away(both: Pair) -> None:
    broker = FlakyBroker()
    broker.away = 1000
    relay = relaying(both, broker, [new_case() for _ in range(50)])

    for _ in range(TRIES_BEFORE_ISOLATING):
        with pytest.raises(PublishFailedError):
            relay.step()

    assert broker.calls < TRIES_BEFORE_ISOLATING + 10
    assert reading.cursor_of(both.producer.database, reading.RELAY) == 0
