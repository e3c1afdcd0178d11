"""Remittances balance to the cent at line, claim and transfer, whatever was settled, taken back and recovered."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from services.insurance.domain.amounts import Amount, LineAmounts, PayerAmount
from services.insurance.domain.clearing import CLEARING, BatchRemitted, ClearingState, prepare, remit, withdraw
from services.insurance.domain.remittance import EntryKind, RemittedClaim, Sums, remitted_claim
from services.seedwork.model import Outcome

DAY = date(2026, 3, 2)
INSURER, PHARMACY, OFFICER = "I310100", "P31010100001", "officer-1"
fen = st.integers(min_value=0, max_value=5_000_000)
NOTHING = Amount(amount=0, rule="none")


def line_of(number: int, parts: dict[str, int]) -> LineAmounts:
    payers = tuple(PayerAmount(payer=payer, amount=amount, rule="r") for payer, amount in parts.items())  # type: ignore[arg-type]
    total = sum(parts.values())
    return LineAmounts(
        line=number,
        total=total,
        own_pay=NOTHING,
        over_limit=NOTHING,
        first_self_pay=NOTHING,
        in_scope=Amount(amount=total, rule="all"),
        deductible=NOTHING,
        payers=payers,
    )


parts = st.dictionaries(st.sampled_from(("hifp", "maf", "hosp", "acct", "patient")), fen, max_size=5)
lines = st.lists(parts, min_size=1, max_size=4).map(
    lambda found: [line_of(number, each) for number, each in enumerate(found, 1)]
)
entries = st.lists(
    st.tuples(st.sampled_from(("settled", "settled", "reversed", "recovered")), lines, st.integers(-9_000, 9_000_000)),
    min_size=1,
    max_size=8,
)
batches = st.lists(st.tuples(entries, st.booleans()), min_size=1, max_size=5)


def claim_of(position: int, kind: EntryKind, found: list[LineAmounts]) -> RemittedClaim:
    return remitted_claim(position, UUID(int=position), kind, found)


@given(st.sampled_from(("settled", "reversed")), lines)
def test_line_and_claim_balance_and_a_reversal_is_the_exact_negation(kind: Any, found: list[LineAmounts]) -> None:
    claim = claim_of(1, kind, found)
    for shown, line in zip(claim.lines, found, strict=True):
        assert shown.charge - sum(each.amount for each in shown.adjustments) == shown.paid
        assert abs(shown.charge) == line.total
        insurers = sum(share.amount for share in line.payers if share.payer not in {"patient", "hosp"})
        assert abs(shown.paid) == insurers
    assert claim.charge - sum(claim.adjustments.values()) == claim.paid
    assert (claim.charge, claim.paid) == (sum(s.charge for s in claim.lines), sum(s.paid for s in claim.lines))
    there, back = claim_of(1, "settled", found), claim_of(2, "reversed", found)
    assert (there.charge + back.charge, there.paid + back.paid) == (0, 0)
    assert (there.status, back.status) == ("1", "22")


def batch(
    state: ClearingState, prepared: Outcome, sums: Sums, *, is_withdrawn: bool
) -> tuple[ClearingState, BatchRemitted | None]:
    """A prepared batch is withdrawn, or remitted; its postings come to zero."""
    assert isinstance(prepared, list)
    state = CLEARING.fold(prepared, state)
    number = len(state.batches)
    if is_withdrawn:
        gone = withdraw(state, number, "not today", OFFICER)
        assert isinstance(gone, list)
        return CLEARING.fold(gone, state), None
    done = remit(state, number, sums.transferred, f"T{number}", DAY, OFFICER)
    assert isinstance(done, list)
    (event,) = done
    assert isinstance(event, BatchRemitted)
    assert sum(posting.amount for posting in event.postings) == 0
    return CLEARING.fold(done, state), event


@given(batches)
def test_every_transfer_balances_and_nothing_is_lost_between_them(
    wanted: list[tuple[list[tuple[Any, list[LineAmounts], int]], bool]],
) -> None:
    state: ClearingState = CLEARING.initial
    position, paid, recovered = 0, 0, 0
    held: list[tuple[int, Any, list[LineAmounts], int]] = []
    for found, is_withdrawn in wanted:
        for kind, its_lines, amount in found:
            position += 1
            held.append((position, kind, its_lines, amount))
        sums = Sums(brought_forward=state.owed)
        for place, kind, its_lines, amount in held:
            if kind == "recovered":
                sums.recover(place, UUID(int=place), amount)
            else:
                sums.add(claim_of(place, kind, its_lines))

        assert sums.paid - sum(amount for _code, amount in sums.provider_adjustments()) == sums.transferred >= 0
        assert sums.charge - sum(sums.adjustments.values()) == sums.paid == sum(sums.payers.values())

        prepared = prepare(state, INSURER, PHARMACY, DAY, sums, OFFICER)
        state, event = batch(state, prepared, sums, is_withdrawn=is_withdrawn)
        if event is None:
            continue
        paid, recovered, held = paid + sums.paid, recovered + sums.recovered, []

    transferred = sum(state.batches[event.number - 1].batch.transferred for event in state.remitted)
    assert transferred == paid - recovered + state.owed
    carried = sum(p.amount for e in state.remitted for p in e.postings if p.account == f"carried.{PHARMACY}")
    assert carried == -state.owed
