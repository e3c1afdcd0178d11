"""Reconciliation finds exactly the differences that were put in, whatever the items and however they are cut."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from itertools import islice
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from services.insurance.domain.payer_items import (
    Comparison,
    Figures,
    Item,
    Listed,
    listed_pairs,
    payers_figures,
)
from services.insurance.domain.reconciliation import (
    CLOSED,
    KINDS,
    OPEN,
    RECONCILIATION,
    ReconciliationState,
)
from services.insurance.domain.reconciliation_decisions import (
    Known,
    answer,
    compare_part,
    compare_totals,
    difference,
    differing,
    record_part,
)
from services.seedwork.model import Refusal

DAY, TODAY = date(2026, 3, 1), date(2026, 3, 2)
INSURER, PHARMACY, OFFICER = "I310100", "P31010100001", "officer-1"

fen = st.integers(min_value=0, max_value=10_000_000)
keys = st.integers(min_value=1, max_value=2**128 - 2).map(lambda number: UUID(int=number))
amounts = st.tuples(fen, fen, fen)
ours_of_day = st.dictionaries(keys, amounts, max_size=30)
injected = st.lists(st.tuples(st.integers(0, 1_000), st.sampled_from(("drop", "change", "double", "add"))), max_size=8)


def sums(items: Sequence[Item]) -> Figures:
    whole = Figures()
    for item in items:
        whole = whole.plus(Figures.of(item))
    return whole


def done(state: ReconciliationState, outcome: object) -> ReconciliationState:
    assert not isinstance(outcome, Refusal), outcome
    assert isinstance(outcome, list)
    return RECONCILIATION.fold(outcome, state)


def inject(ours: dict[UUID, tuple[int, int, int]], wanted: list[tuple[int, str]]) -> tuple[list[Item], dict[UUID, str]]:
    """The payer's file, and what differs in it: one thing per message at most."""
    theirs = {key: [Item(key, *values)] for key, values in ours.items()}
    differs: dict[UUID, str] = {}
    for number, what in wanted:
        free = [key for key in sorted(ours) if key not in differs]
        if what == "add":
            key = UUID(int=(2**127 + number * 7919) % 2**128)
            if key in theirs:
                continue
            theirs[key], differs[key] = [Item(key, number, number, 0)], "unknown"
        elif free:
            key = free[number % len(free)]
            item = theirs[key][0]
            if what == "drop":
                theirs[key], differs[key] = [], "only_ours"
            elif what == "change":
                theirs[key], differs[key] = [item._replace(fund=item.fund + 1 + number)], "amount"
            else:
                theirs[key], differs[key] = [item, item], "doubled"
    return [item for key in sorted(theirs) for item in theirs[key]], differs


def in_parts(theirs: list[Item], size: int) -> list[list[Item]]:
    """As a client cuts them: repetitions of one id stay together."""
    parts: list[list[Item]] = [[]]
    for item in theirs:
        if len(parts[-1]) >= size and parts[-1][-1].key != item.key:
            parts.append([])
        parts[-1].append(item)
    return parts


def compared(ours: list[Item], theirs: list[Item], size: int) -> ReconciliationState:
    state = done(
        RECONCILIATION.initial,
        compare_totals(
            RECONCILIATION.initial,
            insurer=INSURER,
            day=DAY,
            ours=sums(ours),
            theirs=sums(theirs),
            person=OFFICER,
            today=TODAY,
        ),
    )
    if state.state == CLOSED:
        return state
    known = {item.key: Known("booked", item.key, PHARMACY, DAY, item) for item in ours}
    rest = iter(ours)
    following = next(rest, None)
    parts = in_parts(theirs, size)
    for number, part in enumerate(parts):
        upto = None if number == len(parts) - 1 else part[-1].key
        stretch = []
        while following is not None and (upto is None or following.key <= upto):
            stretch.append(following)
            following = next(rest, None)
        comparison = compare_part(state, stretch, part)
        assert isinstance(comparison, Comparison)
        pairs = differing(comparison, len(state.found))
        assert isinstance(pairs, list)
        found = [difference(pair, known.get((pair.ours or pair.theirs or ours[0]).key), DAY) for pair in pairs]
        state = done(state, record_part(state, comparison, found, upto))
    return state


@given(ours_of_day, injected, st.integers(1, 12))
def test_exactly_what_was_put_in_is_found(
    ours: dict[UUID, tuple[int, int, int]], wanted: list[tuple[int, str]], size: int
) -> None:
    booked = [Item(key, *ours[key]) for key in sorted(ours)]
    theirs, differs = inject(ours, wanted)

    state = compared(booked, theirs, size)

    # what moves no money at all is no difference: both sides come to the same
    expected = {key: kind for key, kind in differs.items() if kind == "unknown" or moves(ours[key], kind)}
    if sums(booked) == sums(theirs):
        assert state.state == CLOSED
        return
    assert {each.key: each.kind for each in state.differences.values()} == expected
    assert state.state == (OPEN if expected else CLOSED)


def moves(values: tuple[int, int, int], kind: str) -> bool:
    return kind == "amount" or any(values)


@given(ours_of_day, injected, st.data())
def test_any_answers_close_the_day_and_the_books_stay_at_zero(
    ours: dict[UUID, tuple[int, int, int]], wanted: list[tuple[int, str]], data: st.DataObject
) -> None:
    booked = [Item(key, *ours[key]) for key in sorted(ours)]
    theirs, _differs = inject(ours, wanted)
    state = compared(booked, theirs, 5)
    borne = 0
    for each in state.open_differences:
        kind = data.draw(st.sampled_from([a for a in KINDS[each.kind].insurer if a != "agreed_since"]))
        state = done(state, answer(state, each.key, kind, "as agreed", OFFICER, None))
        postings = state.answers[each.key].postings
        assert sum(posting.amount for posting in postings) == 0
        if kind == "pharmacy_bears":
            borne += each.missing.fund + each.missing.account
    assert state.state == CLOSED
    on_pharmacy = [p.amount for a in state.answers.values() for p in a.postings if p.account == f"borne.{PHARMACY}"]
    assert sum(on_pharmacy) == borne


@given(st.lists(keys, min_size=2, max_size=20, unique=True))
def test_one_pass_reads_no_further_than_the_item_at_hand(unordered: list[UUID]) -> None:
    """What differs is told as soon as it is read: neither side is read to its end first."""
    ascending = sorted(unordered)
    read: list[UUID] = []

    def theirs() -> list[Item]:
        return [Item(key, 1, 1, 0) for key in ascending]

    def watched():  # type: ignore[no-untyped-def]  # a generator that notes how far it was read
        for item in theirs():
            read.append(item.key)
            yield item

    first = next(islice(Comparison([], watched()), 1))
    assert first.theirs is not None
    assert len(read) <= 2


@given(ours_of_day, injected)
def test_what_a_payer_lists_of_itself_comes_to_the_same_as_its_file(
    ours: dict[UUID, tuple[int, int, int]], wanted: list[tuple[int, str]]
) -> None:
    booked = {key: (total + 1, fund, account) for key, (total, fund, account) in ours.items()}
    theirs, differs = inject(booked, [each for each in wanted if each[1] != "double"])
    items = {key: Item(key, *values) for key, values in booked.items()}
    there = {item.key: (item.total, item.fund, item.account) for item in theirs}
    lines = [Listed(key, back=False, theirs=there.get(key)) for key in differs]

    pairs = listed_pairs(lines, items)

    assert payers_figures(sums(list(items.values())), pairs) == sums(theirs)
    known = {key: Known("booked", UUID(int=1), PHARMACY, DAY, item) for key, item in items.items()}
    found = {}
    for pair in pairs:
        item = pair.ours or pair.theirs
        assert item is not None
        found[item.key] = difference(pair, known.get(item.key), DAY).kind
    assert found == differs
