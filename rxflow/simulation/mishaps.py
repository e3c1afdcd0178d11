"""What can go wrong, how often and for how long, as data. A run draws from it with its seed; `--without` leaves out."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection
from dataclasses import dataclass
from enum import StrEnum


class Mishap(StrEnum):
    """One way for the world to go wrong."""

    KILLED_BEFORE_COMMIT = "killed-before-commit"
    KILLED_AFTER_COMMIT = "killed-after-commit"
    LOST_BEFORE_COMMIT = "lost-before-commit"
    LOST_AFTER_COMMIT = "lost-after-commit"
    STORE_AWAY = "store-away"
    STORE_READ_ONLY = "store-read-only"
    STORE_SLOW = "store-slow"
    API_KILLED = "api-killed"
    WORKER_KILLED = "worker-killed"
    TWO_LEADERS = "two-leaders"
    WAKE_UP_LOST = "wake-up-lost"
    DROPPED_BEFORE_CONFIRM = "dropped-before-confirm"
    CONFIRM_LOST = "confirm-lost"
    DELAYED = "delayed"
    DUPLICATED = "duplicated"
    BROKER_AWAY = "broker-away"
    BROKER_EMPTIED = "broker-emptied"
    BROKER_CUT_OFF = "broker-cut-off"
    REQUEST_LOST = "request-lost"
    ANSWER_LOST = "answer-lost"
    DOUBLE_CLICK = "double-click"
    KEY_REUSED = "key-reused"
    PARTITION = "partition"
    CLOCK_SKEW = "clock-skew"
    CLOCK_BACK = "clock-back"
    STORE_RESTORED = "store-restored"
    INSURER_SILENT = "insurer-silent"
    INSURER_REFUSES = "insurer-refuses"
    PROVIDER_SILENT = "provider-silent"
    PROVIDER_REFUSES = "provider-refuses"
    PROVIDER_KEEPS = "provider-keeps"


@dataclass(frozen=True)
class Chance:
    """Something that may happen at each occasion (a save, a message, a request)."""

    mishap: Mishap
    share: float
    meaning: str


@dataclass(frozen=True)
class Spell:
    """Something that begins by itself and lasts. `every_seconds`: the mean pause before it, over the whole world."""

    mishap: Mishap
    every_seconds: float
    seconds_max: float
    meaning: str


CHANCES = (
    Chance(Mishap.KILLED_BEFORE_COMMIT, 0.002, "the process dies when its statement is about to be executed"),
    Chance(Mishap.KILLED_AFTER_COMMIT, 0.002, "the process dies when its statement is committed, before it knows"),
    Chance(Mishap.LOST_BEFORE_COMMIT, 0.004, "the connection to the store breaks, nothing was executed"),
    Chance(Mishap.LOST_AFTER_COMMIT, 0.004, "the connection to the store breaks, but it was committed"),
    Chance(Mishap.WAKE_UP_LOST, 0.05, "the leader does not hear of a commit"),
    Chance(Mishap.DROPPED_BEFORE_CONFIRM, 0.004, "the connection to the broker breaks before a message arrives"),
    Chance(
        Mishap.CONFIRM_LOST, 0.004, "the connection to the broker breaks after a message arrived, before its confirm"
    ),
    Chance(Mishap.DELAYED, 0.1, "a message arrives seconds later than those after it"),
    Chance(Mishap.DUPLICATED, 0.08, "a message arrives twice"),
    Chance(Mishap.REQUEST_LOST, 0.01, "a request does not arrive; the client waits in vain"),
    Chance(Mishap.ANSWER_LOST, 0.02, "an answer does not arrive; the client waits in vain"),
    Chance(Mishap.KEY_REUSED, 0.03, "a client sends another command under a key that is taken"),
    Chance(Mishap.DOUBLE_CLICK, 0.2, "a command is sent twice at almost the same time, maybe to another process"),
    Chance(Mishap.INSURER_SILENT, 0.15, "an insurer does not answer, and may have booked it or not"),
    Chance(Mishap.INSURER_REFUSES, 0.08, "an insurer refuses what it is asked to book or to take back"),
    Chance(Mishap.PROVIDER_SILENT, 0.1, "a payment provider does not answer, and may have booked it or not"),
    Chance(Mishap.PROVIDER_REFUSES, 0.05, "a payment provider gives something back only when it is asked again"),
    Chance(Mishap.PROVIDER_KEEPS, 0.05, "a payment provider refuses for good to give back what was paid"),
)
SPELLS = (
    Spell(Mishap.STORE_AWAY, 40, 3, "no connection to one service's store"),
    Spell(Mishap.STORE_READ_ONLY, 60, 3, "one service's store takes no writes"),
    Spell(Mishap.STORE_SLOW, 30, 5, "one service's store answers a hundred times more slowly"),
    Spell(Mishap.API_KILLED, 20, 1, "an api dies at any moment and is started again"),
    Spell(Mishap.WORKER_KILLED, 20, 1, "a worker dies at any moment and is started again"),
    Spell(Mishap.TWO_LEADERS, 30, 5, "a leader does not know that another leads"),
    Spell(Mishap.BROKER_AWAY, 60, 6, "nobody can publish or take"),
    Spell(Mishap.BROKER_EMPTIED, 90, 0, "the broker comes back without its queues' content"),
    Spell(
        Mishap.BROKER_CUT_OFF,
        30,
        6,
        "one service reaches the broker no more: nothing of it is sent, taken, acknowledged",
    ),
    Spell(Mishap.PARTITION, 40, 6, "one service's apis cannot be reached"),
    Spell(Mishap.STORE_RESTORED, 400, 8, "one service's store comes back from a backup, some seconds old"),
    Spell(Mishap.CLOCK_BACK, 60, 0, "one store's clock is set back by some seconds"),
)
SKEW_SECONDS_MAX = 20.0
"""How far the stores' clocks are off (`clock-skew`), each way."""
CLOCK_BACK_SECONDS_MAX = 5.0
EVERY = frozenset(Mishap)


class Fortune:
    """Draws mishaps, as long as there are to be any."""

    def __init__(self, chance: random.Random, without: Collection[Mishap] = ()) -> None:
        self.chance = chance
        self._without = frozenset(without)
        self._shares = {each.mishap: each.share for each in CHANCES}
        self.spells = tuple(each for each in SPELLS if each.mishap not in self._without)
        self.running: set[tuple[Mishap, str]] = set()
        """Spells under way: which, and of what."""
        self.calm = False
        """Nothing new goes wrong any more."""
        self.told: Callable[[str, str], None] = lambda _what, _where: None

    def allows(self, mishap: Mishap) -> bool:
        return not self.calm and mishap not in self._without

    def strikes(self, mishap: Mishap, where: str) -> bool:
        """Whether it happens at this occasion."""
        if not self.allows(mishap) or self.chance.random() >= self._shares[mishap]:
            return False
        self.told(mishap, where)
        return True

    def holds(self, mishap: Mishap, where: str) -> bool:
        """Whether such a spell is under way there."""
        return (mishap, where) in self.running
