"""The faults, as data: what each does, which promise it challenges, how long it lasts, how its end is recognised."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tests.chaos import deeds, poison
from tests.chaos.deeds import Deed

EVERYBODY = "all five services say that they are ready, and a prescription issued since then was settled"


@dataclass(frozen=True)
class Fault:
    """One kind of mistreatment. `claims`: what no other may touch while it lasts."""

    does: str
    promise: str
    seconds: float
    deed: Deed
    claims: frozenset[str]
    recovered: str = EVERYBODY


def _fault(does: str, promise: str, seconds: float, deed: Deed, *claims: str) -> Fault:
    return Fault(does, promise, seconds, deed, frozenset(claims))


ONE_SAVE = "a command is saved once or not at all, and its repeat learns which"
EXACTLY_ONCE = "an event takes effect once, whoever dies while handling it"
LEADERSHIP = "one leader at a time seals and relays, without gaps and doubles, and another takes over"
HEALS = "the broker holds nothing that cannot be fetched again"
BOUNDED = "no wait is without end: who cannot know says 503, and goes on by itself"
SET_ASIDE = "what cannot be handled is set aside with its stream, all others go on, a person decides"
DEADLINES = "a deadline holds when it is decided; time that jumps loses and doubles nothing"

TESTS: Mapping[str, str] = {
    ONE_SAVE: "tests/faults/test_kills.py",
    EXACTLY_ONCE: "tests/faults/test_kills.py",
    LEADERSHIP: "tests/integration/store/test_leadership.py",
    HEALS: "tests/faults/test_broker_away.py",
    BOUNDED: "tests/integration/store/test_frozen_server.py, tests/integration/messaging/test_broker_outages.py",
    SET_ASIDE: "tests/integration/consumer/test_consumer.py",
    DEADLINES: "tests/integration/store/test_timers.py",
}
"""What holds each promise in `make test`, one fault at a time."""

FAULTS: Mapping[str, Fault] = {
    "api killed": _fault("kill -9 of an api", ONE_SAVE, 0, deeds.kill("api"), "api"),
    "api frozen": _fault("SIGSTOP of an api, SIGCONT after", BOUNDED, 8, deeds.freeze("api"), "api"),
    "worker killed": _fault("kill -9 of a worker", EXACTLY_ONCE, 0, deeds.kill("worker"), "worker"),
    "worker frozen": _fault("SIGSTOP of a worker, SIGCONT after", EXACTLY_ONCE, 8, deeds.freeze("worker"), "worker"),
    "leader killed": _fault(
        "kill -9 of the worker that leads its store", LEADERSHIP, 0, deeds.kill("leader"), "worker", "postgres"
    ),
    "leader frozen": _fault(
        "SIGSTOP of the worker that leads its store", LEADERSHIP, 8, deeds.freeze("leader"), "worker", "postgres"
    ),
    "broker killed": _fault("kill -9 of RabbitMQ, started after", HEALS, 2, deeds.kill_server("rabbit"), "rabbit"),
    "broker frozen": _fault("SIGSTOP of RabbitMQ, SIGCONT after", BOUNDED, 10, deeds.freeze_server("rabbit"), "rabbit"),
    "broker's disk full": _fault("nothing left on RabbitMQ's disk", HEALS, 10, deeds.fill_disk("rabbit"), "rabbit"),
    "broker cut off": _fault("connections to RabbitMQ cut, new ones refused", HEALS, 5, deeds.cut("rabbit"), "rabbit"),
    "broker slow": _fault("RabbitMQ behind a slow link", BOUNDED, 12, deeds.slow("rabbit"), "rabbit"),
    "broker half-open": _fault("connections to RabbitMQ swallow all", BOUNDED, 12, deeds.half_open("rabbit"), "rabbit"),
    "database killed": _fault(
        "kill -9 of PostgreSQL, started after", ONE_SAVE, 1, deeds.kill_server("postgres"), "postgres"
    ),
    "database frozen": _fault(
        "SIGSTOP of PostgreSQL, SIGCONT after", BOUNDED, 8, deeds.freeze_server("postgres"), "postgres"
    ),
    "database's disk full": _fault(
        "nothing left on PostgreSQL's disk", ONE_SAVE, 10, deeds.fill_disk("postgres"), "postgres"
    ),
    "database cut off": _fault(
        "connections to PostgreSQL cut, new ones refused", ONE_SAVE, 5, deeds.cut("postgres"), "postgres"
    ),
    "database slow": _fault("PostgreSQL behind a slow link", BOUNDED, 12, deeds.slow("postgres"), "postgres"),
    "database half-open": _fault(
        "connections to PostgreSQL swallow all", BOUNDED, 12, deeds.half_open("postgres"), "postgres"
    ),
    "undecodable message": _fault(
        "bytes that are no event in a consumer's queue", SET_ASIDE, 2, poison.undecodable, "rabbit"
    ),
    "altered event": _fault(
        "an event with another content in a consumer's queue", SET_ASIDE, 6, poison.altered, "rabbit", "postgres"
    ),
    "slow consumer": _fault(
        "a worker stopped four fifths of the time", EXACTLY_ONCE, 12, deeds.slow_consumer, "worker"
    ),
    "clock forward": _fault(
        "the installation's clock jumps on", DEADLINES, 0, deeds.step_clock(deeds.CLOCK_FORWARD_SECONDS), "clock"
    ),
    "clock back": _fault(
        "the installation's clock jumps back", DEADLINES, 0, deeds.step_clock(-deeds.CLOCK_BACK_SECONDS), "clock"
    ),
}
