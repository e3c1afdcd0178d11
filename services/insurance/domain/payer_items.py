"""What was booked with a payer on one day, ours against theirs: one pass over two sorted streams, in flat memory.

An item is one message that a payer was sent and booked: an authorisation counts with its amounts, the taking back of
one (refd_setl_flag) with the negation. Items are known by the message id (msgid), which both sides have. Source:
transactions 3201 (totals) and 3202 (items) of the national platform.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from services.seedwork.model import Immutable, derived_id


class Item(NamedTuple):
    """One booking in fen: medfee_sumamt, fund_pay_sumamt, acct_pay. Negative where it was taken back."""

    key: UUID
    total: int
    fund: int
    account: int


class Figures(Immutable):
    """How many bookings and what they sum to, in fen (fixmedins_setl_cnt, medfee_sumamt, fund_pay_sumamt, acct_pay)."""

    count: int = 0
    total: int = 0
    fund: int = 0
    account: int = 0

    def plus(self, other: Figures) -> Figures:
        return Figures(
            count=self.count + other.count,
            total=self.total + other.total,
            fund=self.fund + other.fund,
            account=self.account + other.account,
        )

    def minus(self, other: Figures) -> Figures:
        return Figures(
            count=self.count - other.count,
            total=self.total - other.total,
            fund=self.fund - other.fund,
            account=self.account - other.account,
        )

    @classmethod
    def of(cls, item: Item, times: int = 1) -> Figures:
        return cls(count=times, total=item.total, fund=item.fund, account=item.account)


class NotInOrder(ValueError):  # noqa: N818
    """A stream whose keys do not ascend cannot be compared in one pass."""


class Pair(NamedTuple):
    """A key at which the two sides are not the same. `times`: how often the payer lists it; `theirs` is the sum."""

    ours: Item | None
    theirs: Item | None
    times: int

    @property
    def key(self) -> UUID:
        item = self.ours or self.theirs
        assert item is not None  # noqa: S101 - a pair has a side
        return item.key


class Listed(NamedTuple):
    """One line on which a payer that has compared says that the sides differ. `theirs`: total, fund and account as they
    stand there; None: it has no such line. `back`: one that takes another back (refd_setl_flag)."""

    key: UUID
    back: bool
    theirs: tuple[int, int, int] | None


def listed_pairs(lines: Iterable[Listed], ours: Mapping[UUID, Item]) -> list[Pair]:
    """What differs, message by message, from the lines that a payer lists. A line of ours that is not listed stands
    there as it does here."""
    by_key: dict[UUID, dict[bool, tuple[int, int, int] | None]] = {}
    for line in lines:
        by_key.setdefault(line.key, {})[line.back] = line.theirs
    return [_listed_pair(key, lines_of_key, ours.get(key)) for key, lines_of_key in sorted(by_key.items())]


def _listed_pair(key: UUID, lines: Mapping[bool, tuple[int, int, int] | None], ours: Item | None) -> Pair:
    known = {} if ours is None else {ours.total < 0: (ours.total, ours.fund, ours.account)}
    theirs: Sequence[tuple[int, int, int]] = [line for line in {**known, **lines}.values() if line is not None]
    if not theirs:
        return Pair(ours, None, 0)
    total, fund, account = (sum(part) for part in zip(*theirs, strict=True))
    return Pair(ours, Item(key, total, fund, account), len(theirs))


def payers_figures(ours: Figures, pairs: Iterable[Pair]) -> Figures:
    """What the payer's day comes to: ours, but for what differs."""
    theirs = ours
    for pair in pairs:
        theirs = theirs if pair.theirs is None else theirs.plus(Figures.of(pair.theirs, pair.times))
        theirs = theirs if pair.ours is None else theirs.minus(Figures.of(pair.ours))
    return theirs


class Comparison:
    """One pass over both sides, in ascending order of keys: iterate over what differs, then ask for the figures.

    Only the two items at hand are in memory. Raises NotInOrder while iterating.
    """

    def __init__(self, ours: Iterable[Item], theirs: Iterable[Item]) -> None:
        self._sides = (iter(ours), iter(theirs))
        self._sums = ([0, 0, 0, 0], [0, 0, 0, 0])

    @property
    def ours(self) -> Figures:
        """What was read of our side so far."""
        return _figures(self._sums[0])

    @property
    def theirs(self) -> Figures:
        """What was read of the payer's side so far."""
        return _figures(self._sums[1])

    def __iter__(self) -> Iterator[Pair]:
        our, their = self._next(0, None), self._next(1, None)
        while our is not None or their is not None:
            if their is None or (our is not None and our.key < their.key):
                yield Pair(our, None, 0)
                our = self._next(0, our)
                continue
            following, times, their_sum = self._next(1, their), 1, their
            while following is not None and following.key == their.key:
                times, their_sum = times + 1, _sum(their_sum, following)
                following = self._next(1, following)
            same_key = our is not None and our.key == their.key
            if times > 1 or not same_key or our != their:
                yield Pair(our if same_key else None, their_sum, times)
            if same_key:
                our = self._next(0, our)
            their = following

    def _next(self, side: int, last: Item | None) -> Item | None:
        item = next(self._sides[side], None)
        if item is None:
            return None
        if last is not None and item.key < last.key:
            raise NotInOrder(str(item.key))
        sums = self._sums[side]
        sums[0] += 1
        sums[1] += item.total
        sums[2] += item.fund
        sums[3] += item.account
        return item


def _sum(one: Item, other: Item) -> Item:
    return Item(one.key, one.total + other.total, one.fund + other.fund, one.account + other.account)


def _figures(sums: list[int]) -> Figures:
    count, total, fund, account = sums
    return Figures(count=count, total=total, fund=fund, account=account)


def message_key(msgid: str) -> UUID:
    """A message id as both sides are ordered by: our own are UUIDs, what is none of ours still has its place."""
    try:
        return UUID(msgid)
    except ValueError:
        return derived_id("payer_message", msgid)
