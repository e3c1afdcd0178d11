"""Over any lines and any policy the identities hold to the fen."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from services.insurance.domain.accumulator import (
    ACCUMULATOR,
    AccumulatorState,
    figures_of,
    finalise_figures,
    free_figures,
    reserve_figures,
    reverse_figures,
)
from services.insurance.domain.adjudication import BenefitStanding, ClaimLine, adjudicate, self_pay
from services.insurance.domain.catalogue import CatalogueEntry, Listing
from services.insurance.domain.entitlement import standing_of
from services.insurance.domain.ledger import authorised_postings, paid_postings, receivable, settled_postings
from services.insurance.domain.member import MemberFacts
from services.insurance.domain.money import divide, part_of
from services.insurance.domain.policy import FUNDS, FurtherFund, PolicyRow, PooledFund, Tier

RATIOS = st.integers(0, 10_000)
FEN = st.integers(0, 5_000_000)
FURTHER = ("cvlserv", "hifes", "hifmi", "hifob", "maf", "commercial")
PRODUCTS = ("p0", "p1", "p2", "p3")


@st.composite
def lines(draw: st.DrawFn) -> tuple[ClaimLine, ...]:
    """Whole and split packs of listed and unlisted products."""
    made = []
    for number in range(1, draw(st.integers(1, 5)) + 1):
        price, pack = draw(st.integers(0, 500_000)), draw(st.integers(1, 60))
        quantity = draw(st.integers(1, 200))
        made.append(
            ClaimLine(
                line=number,
                product=draw(st.sampled_from((*PRODUCTS, "unlisted"))),
                generic_name="药",
                quantity=quantity,
                unit_price=price,
                amount=(2 * price * quantity + pack) // (2 * pack),
                traced=draw(st.booleans()),
                restricted_use_met=draw(st.sampled_from((None, False, True))),
            )
        )
    return tuple(made)


@st.composite
def catalogues(draw: st.DrawFn) -> dict[str, Listing]:
    listings = {}
    for product in PRODUCTS:
        listed = draw(st.sampled_from(("甲", "乙", "丙")))
        listings[product] = Listing(
            CatalogueEntry(
                name=product,
                drug_list_class=listed,
                payment_standard=draw(st.none() | st.integers(1, 400_000)),
                first_self_pay_bp=draw(RATIOS) if listed == "乙" else 0,
                restriction=draw(st.none() | st.just("二线用药")),
            ),
            f"catalogue/{product}@2020-01-01",
        )
    return listings


@st.composite
def funds(draw: st.DrawFn, payer: Any) -> FurtherFund:
    """One that pays by ratio, by identity, or by tiers of the year's burden."""
    starts = sorted(draw(st.sets(FEN, min_size=1, max_size=3)))
    way: dict[str, Any] = draw(
        st.sampled_from(
            (
                {"ratio_bp": draw(RATIOS), "assistance": ("低保",) if draw(st.booleans()) else ()},
                {"by_assistance": {"低保": draw(RATIOS), "特困": 10_000}},
                {"tiers": tuple(Tier(above=above, ratio_bp=draw(RATIOS)) for above in starts)},
            )
        )
    )
    return FurtherFund(
        payer=payer,
        supplement=draw(st.sampled_from((None, "civil_servant"))),
        annual_cap=draw(st.none() | FEN),
        reach=draw(st.sampled_from(("everywhere", "province", "home"))),
        **way,
    )


@st.composite
def policies(draw: st.DrawFn) -> PolicyRow:
    chosen = [payer for payer in FURTHER if draw(st.booleans())]
    return PolicyRow(
        id="any",
        insuplc="000000",
        insutype="390",
        psn_types=("居民",),
        med_types=("门诊统筹",),
        medins_lv=(1,),
        valid_from=date(2020, 1, 1),
        deductible=draw(FEN),
        pooled=PooledFund(ratio_bp=draw(RATIOS), annual_cap=draw(FEN)),
        further=tuple(draw(funds(payer)) for payer in chosen),
        counter=draw(st.sampled_from(("", "chronic"))),
        away=draw(st.dictionaries(st.sampled_from(("resident", "referral", "temporary")), RATIOS)),
    )


MEMBER = UUID(int=99)
FATES: dict[str, tuple[Any, ...]] = {
    "keep": (),
    "settle": (finalise_figures,),
    "void": (free_figures,),
    "reverse": (finalise_figures, reverse_figures),
}
STANDINGS = st.builds(
    BenefitStanding,
    deductible_used=FEN,
    pooled_paid=FEN,
    account_balance=FEN,
    assistance=st.sampled_from((None, "低保", "特困")),
    supplements=st.sampled_from((frozenset(), frozenset({"civil_servant"}))),
    burden=FEN,
    funds_paid=st.dictionaries(st.sampled_from(FURTHER), FEN),
    distance=st.sampled_from(("home", "province", "elsewhere")),
    filing=st.sampled_from((None, "resident", "referral", "temporary")),
)


@given(lines(), catalogues(), policies(), STANDINGS)
def test_the_identities_hold_by_line_and_in_sum(
    claimed: tuple[ClaimLine, ...], catalogue: dict[str, Listing], policy: PolicyRow, standing: BenefitStanding
) -> None:
    amounts = adjudicate(claimed, catalogue, policy, standing)
    assert amounts.total == sum(line.amount for line in claimed)
    for line in amounts.lines:
        own, over, first = line.own_pay.amount, line.over_limit.amount, line.first_self_pay.amount
        # the four parts make up the line
        assert line.total == own + over + first + line.in_scope.amount
        # each fen of a line has exactly one payer, and a fund pays only what is in scope
        assert line.total == sum(share.amount for share in line.payers)
        fund = sum(share.amount for share in line.payers if share.payer in FUNDS)
        assert fund <= line.in_scope.amount
        assert line.deductible.amount <= line.in_scope.amount
    # the funds' part and the person's part make up the claim
    assert amounts.fund == sum(share.amount for share in amounts.payers if share.payer in FUNDS)
    assert amounts.total - amounts.fund == amounts.paid_by("acct") + amounts.paid_by("patient")
    assert all(share.rule for line in amounts.lines for share in line.payers)
    # nothing is negative, and what is to be claimed at home is part of what the person pays now
    assert all(share.amount > 0 for line in amounts.lines for share in line.payers)
    assert all(amount >= 0 for line in amounts.lines for amount in (line.in_scope.amount, line.deductible.amount))
    assert 0 <= sum(share.amount for share in amounts.at_home) <= amounts.total - amounts.fund
    assert amounts.burden >= 0


@given(lines(), catalogues(), policies(), STANDINGS)
def test_no_limit_is_exceeded(
    claimed: tuple[ClaimLine, ...], catalogue: dict[str, Listing], policy: PolicyRow, standing: BenefitStanding
) -> None:
    amounts = adjudicate(claimed, catalogue, policy, standing)
    assert amounts.deductible <= max(0, policy.deductible - standing.deductible_used)
    assert amounts.paid_by("hifp") <= max(0, policy.pooled.annual_cap - standing.pooled_paid)
    away = policy.away.get(standing.filing) if standing.filing and standing.distance != "home" else None
    ratio = policy.pooled.ratio_bp if away is None else away
    assert amounts.paid_by("hifp") <= part_of(amounts.in_scope - amounts.deductible, ratio)
    for fund in policy.further:
        if fund.annual_cap is not None:
            assert amounts.paid_by(fund.payer) <= max(0, fund.annual_cap - standing.funds_paid.get(fund.payer, 0))
    assert amounts.paid_by("acct") <= standing.account_balance


@given(lines())
def test_a_self_pay_claim_is_all_the_patients(claimed: tuple[ClaimLine, ...]) -> None:
    amounts = self_pay(claimed, "chosen")
    assert amounts.paid_by("patient") == amounts.total == sum(line.amount for line in claimed)
    assert amounts.fund == 0


@given(lines(), catalogues(), policies(), STANDINGS)
def test_what_is_booked_sums_to_zero(
    claimed: tuple[ClaimLine, ...], catalogue: dict[str, Listing], policy: PolicyRow, standing: BenefitStanding
) -> None:
    amounts = adjudicate(claimed, catalogue, policy, standing)
    for postings in (
        authorised_postings(amounts, "P", "I"),
        paid_postings(amounts.paid_by("patient"), "simulated"),
        settled_postings(amounts.total, "P"),
    ):
        assert sum(posting.amount for posting in postings) == 0
    # line, claim, payer and ledger tell the same amounts
    booked = {each.account: each.amount for each in authorised_postings(amounts, "P", "I")}
    for payer in {share.payer for line in amounts.lines for share in line.payers}:
        by_line = sum(share.amount for line in amounts.lines for share in line.payers if share.payer == payer)
        assert booked[receivable(payer, "I")] == amounts.paid_by(payer) == by_line
    assert booked.get("held.P", 0) == -sum(line.amount for line in claimed)


@given(st.integers(0, 10**9), st.lists(st.integers(0, 10**6), min_size=1, max_size=12).filter(any))
def test_a_division_is_exact_fair_and_repeatable(total: int, weights: list[int]) -> None:
    parts = divide(total, weights)
    whole = sum(weights)
    assert sum(parts) == total
    assert all(abs(part * whole - total * weight) < whole for part, weight in zip(parts, weights, strict=True))
    assert parts == divide(total, weights)


@given(st.integers(0, 10**9), RATIOS)
def test_a_part_is_never_more_than_half_a_fen_off(amount: int, ratio: int) -> None:
    assert abs(2 * (part_of(amount, ratio) * 10_000 - amount * ratio)) <= 10_000


@given(
    st.lists(st.tuples(lines(), st.sampled_from(("keep", "settle", "void", "reverse"))), max_size=6),
    catalogues(),
    policies(),
)
def test_no_order_of_a_members_claims_passes_a_ceiling_of_the_year(
    claimed: list[tuple[tuple[ClaimLine, ...], str]], catalogue: dict[str, Listing], policy: PolicyRow
) -> None:
    state, empty = AccumulatorState(), AccumulatorState().used
    facts = MemberFacts(insurer="I", insutype="390", psn_type="居民", account_balance=0, insured_from=date(2020, 1, 1))
    kept = empty
    for number, (supply, fate) in enumerate(claimed):
        standing = standing_of(facts, 0, state.used, policy, "home", None)
        amounts = adjudicate(supply, catalogue, policy, standing)
        claim = UUID(int=number)
        state = ACCUMULATOR.fold(reserve_figures(state, MEMBER, 2026, claim, figures_of(amounts)), state)
        for decide in FATES[fate]:
            state = ACCUMULATOR.fold(decide(state, MEMBER, claim), state)
        kept = kept.plus(figures_of(amounts)) if fate in {"keep", "settle"} else kept
        # what counts is the sum of what was kept, and never more than the year allows
        assert state.used == kept
        assert state.used.of(policy.counter).deductible_used <= policy.deductible
        assert state.used.of(policy.counter).pooled_paid <= policy.pooled.annual_cap
        for fund in policy.further:
            assert fund.annual_cap is None or state.used.funds.get(fund.payer, 0) <= fund.annual_cap
