"""The golden example of the policy reference (`china.md` 3.1), to the fen, and the edges around it."""

from __future__ import annotations

from datetime import date

import pytest
from pydantic import ValidationError

from services.insurance.domain.adjudication import (
    Adjudication,
    BenefitStanding,
    ClaimLine,
    PayerAmount,
    adjudicate,
    line_parts,
    self_pay,
)
from services.insurance.domain.catalogue import CatalogueEntry, Listing, listing
from services.insurance.domain.money import divide, part_of
from services.insurance.domain.policy import POLICIES, FurtherFund, InsurancePolicy, PolicyRow, PooledFund, places
from services.seedwork.reference import EntryState, Validity

JIA, YI, BING = "jia", "yi", "bing"
LINES = (
    ClaimLine(line=1, product=JIA, generic_name="甲", quantity=20, unit_price=2550, amount=5100, traced=True),
    ClaimLine(line=2, product=YI, generic_name="乙", quantity=30, unit_price=4800, amount=14400, traced=True),
    ClaimLine(line=3, product=BING, generic_name="丙", quantity=10, unit_price=3000, amount=3000, traced=True),
)
LISTINGS = {
    JIA: Listing(CatalogueEntry(name="甲", drug_list_class="甲"), "catalogue/jia@2020-01-01"),
    YI: Listing(
        CatalogueEntry(name="乙", drug_list_class="乙", payment_standard=4500, first_self_pay_bp=1000),
        "catalogue/yi@2020-01-01",
    ),
    BING: Listing(CatalogueEntry(name="丙", drug_list_class="丙"), "catalogue/bing@2020-01-01"),
}
STANDING = BenefitStanding(deductible_used=15000, account_balance=6000)


def golden_policy() -> PolicyRow:
    row = POLICIES.of("cn").versions[-1].row("310101", "390", "居民", "门诊统筹", date(2026, 3, 2))
    assert row is not None
    return row


def bears(adjudication: Adjudication) -> dict[str, int]:
    return {share.payer: share.amount for share in adjudication.payers}


def test_the_golden_example_without_assistance() -> None:
    # given the golden lines, a deductible of 200.00 of which 150.00 is used, and 60.00 in the personal account
    # when the claim is adjudicated
    amounts = adjudicate(LINES, LISTINGS, golden_policy(), STANDING)
    # then every sum is the golden one
    assert amounts.total == 22500
    assert sum(line.own_pay.amount for line in amounts.lines) == 3000
    assert sum(line.over_limit.amount for line in amounts.lines) == 900
    assert sum(line.first_self_pay.amount for line in amounts.lines) == 1350
    assert amounts.in_scope == 17250
    assert amounts.deductible == 5000
    assert amounts.fund == 7350
    assert bears(amounts) == {"hifp": 7350, "acct": 6000, "patient": 9150}


def test_the_golden_example_with_assistance() -> None:
    amounts = adjudicate(
        LINES,
        LISTINGS,
        golden_policy(),
        BenefitStanding(deductible_used=15000, account_balance=6000, assistance="低保"),
    )
    assert amounts.deductible == 5000
    assert amounts.fund == 12300
    assert bears(amounts) == {"hifp": 7350, "maf": 4950, "acct": 6000, "patient": 4200}


def test_the_golden_lines_are_split_one_by_one() -> None:
    amounts = adjudicate(LINES, LISTINGS, golden_policy(), STANDING)
    split = [
        (line.own_pay.amount, line.over_limit.amount, line.first_self_pay.amount, line.in_scope.amount)
        for line in amounts.lines
    ]
    assert split == [(0, 0, 0, 5100), (0, 900, 1350, 12150), (3000, 0, 0, 0)]


def test_every_amount_names_its_rule() -> None:
    amounts = adjudicate(LINES, LISTINGS, golden_policy(), STANDING)
    second = amounts.lines[1]
    assert second.over_limit.rule == "catalogue/yi@2020-01-01/payment-standard"
    assert second.first_self_pay.rule == "catalogue/yi@2020-01-01/first-self-pay"
    assert second.deductible.rule == "cn/000000/390/2026/deductible"
    assert amounts.lines[2].own_pay.rule == "catalogue/bing@2020-01-01/class-丙"
    assert amounts.payers == (
        PayerAmount(payer="hifp", amount=7350, rule="cn/000000/390/2026/hifp"),
        PayerAmount(payer="acct", amount=6000, rule="personal-account/balance"),
        PayerAmount(payer="patient", amount=9150, rule="patient/rest"),
    )


def test_the_fund_stops_at_the_yearly_cap_and_says_so() -> None:
    nearly = BenefitStanding(deductible_used=20000, pooled_paid=199_000)
    amounts = adjudicate(LINES, LISTINGS, golden_policy(), nearly)
    assert bears(amounts) == {"hifp": 1000, "patient": 21500}
    assert amounts.payers[0].rule == "cn/000000/390/2026/hifp-annual-cap"


def test_nothing_is_paid_back_when_more_than_the_limits_is_used() -> None:
    over = BenefitStanding(deductible_used=99_999_999, pooled_paid=99_999_999)
    assert bears(adjudicate(LINES, LISTINGS, golden_policy(), over)) == {"patient": 22500}


def test_a_product_outside_the_catalogue_is_the_patients() -> None:
    parts = line_parts(LINES[0], None)
    assert (parts.own_pay.amount, parts.own_pay.rule) == (5100, "catalogue/not-listed")


def test_a_line_without_scanned_codes_is_not_paid_by_the_fund() -> None:
    parts = line_parts(LINES[0].model_copy(update={"traced": False}), LISTINGS[JIA])
    assert (parts.own_pay.amount, parts.own_pay.rule) == (5100, "supply/no-trace-code")


def test_half_a_fen_of_first_self_pay_is_rounded_up() -> None:
    line = LINES[1].model_copy(update={"unit_price": 4505, "amount": 4505})
    listed = Listing(CatalogueEntry(name="乙", drug_list_class="乙", first_self_pay_bp=1000), "rule")
    parts = line_parts(line, listed)
    assert (parts.first_self_pay.amount, parts.in_scope.amount) == (451, 4054)


def test_a_split_pack_is_limited_in_proportion() -> None:
    # given a third of a pack of 48.00 with a payment standard of 45.00
    line = LINES[1].model_copy(update={"quantity": 10, "amount": 1600})
    parts = line_parts(line, LISTINGS[YI])
    assert (parts.over_limit.amount, parts.first_self_pay.amount, parts.in_scope.amount) == (100, 150, 1350)


def test_a_free_line_costs_nobody_anything() -> None:
    free = (LINES[0].model_copy(update={"unit_price": 0, "amount": 0}),)
    amounts = adjudicate(free, LISTINGS, golden_policy(), STANDING)
    assert (amounts.total, amounts.payers) == (0, ())


def test_a_self_pay_claim_has_one_payer_and_names_the_reason() -> None:
    amounts = self_pay(LINES, "not_a_member")
    assert amounts.payers == (PayerAmount(payer="patient", amount=22500, rule="self-pay/not_a_member"),)
    assert amounts.in_scope == 0


def test_a_part_is_rounded_half_up() -> None:
    assert [part_of(amount, 5000) for amount in (0, 1, 2, 3)] == [0, 1, 1, 2]


def test_a_whole_is_divided_without_loss() -> None:
    assert divide(100, (1, 1, 1)) == [34, 33, 33]
    assert divide(0, ()) == []
    with pytest.raises(ValueError, match="cannot be divided"):
        divide(1, (0, 0))


def test_the_policy_of_the_day_is_used() -> None:
    policy = POLICIES.of("cn").versions[-1]
    before = policy.row("310101", "390", "居民", "门诊统筹", date(2025, 12, 31))
    assert before is not None
    assert before.id == "cn/000000/390/2021"
    assert golden_policy().id == "cn/000000/390/2026"
    assert policy.row("310101", "390", "居民", "门诊统筹", date(2020, 12, 31)) is None
    assert policy.row("310101", "310", "居民", "门诊统筹", date(2026, 3, 2)) is None


def test_a_place_uses_the_policy_of_its_nearest_node() -> None:
    assert places("310101") == ("310101", "310100", "310000", "000000")
    assert places("000000") == ("000000",)
    policy = POLICIES.of("cn").versions[-1]
    own = golden_policy().model_copy(update={"id": "city", "insuplc": "310100"})
    local = InsurancePolicy.model_validate({**policy.model_dump(), "rows": (*policy.rows, own)})
    day = date(2026, 3, 2)
    found = local.row("310101", "390", "居民", "门诊统筹", day)
    assert found is not None
    assert found.id == "city"
    elsewhere = local.row("330101", "390", "居民", "门诊统筹", day)
    assert elsewhere is not None
    assert elsewhere.id == "cn/000000/390/2026"


def test_funds_out_of_their_order_are_no_policy() -> None:
    row = golden_policy().model_dump()
    funds = (FurtherFund(payer="maf", ratio_bp=1), FurtherFund(payer="hifmi", ratio_bp=1))
    with pytest.raises(ValidationError, match="in the order in which they pay"):
        PolicyRow.model_validate({**row, "further": [fund.model_dump() for fund in funds]})


def test_a_fund_for_everybody_pays_before_the_assistance() -> None:
    policy = golden_policy().model_copy(
        update={
            "deductible": 0,
            "pooled": PooledFund(ratio_bp=5000, annual_cap=10**9),
            "further": (FurtherFund(payer="hifmi", ratio_bp=5000), FurtherFund(payer="maf", ratio_bp=10000)),
        }
    )
    amounts = adjudicate(LINES[:1], LISTINGS, policy, BenefitStanding())
    assert bears(amounts) == {"hifp": 2550, "hifmi": 1275, "maf": 1275}


def test_only_a_product_of_class_b_has_a_first_self_pay() -> None:
    with pytest.raises(ValidationError, match="only a 乙 product"):
        CatalogueEntry(name="甲", drug_list_class="甲", first_self_pay_bp=1)


def test_an_entry_counts_only_while_it_is_in_force() -> None:
    validity = Validity(valid_from=date(2026, 1, 1), valid_until=date(2026, 6, 30), suspended=False)
    content = {"name": "甲", "drug_list_class": "甲"}
    state = EntryState(kind="catalogue_entry", code="jia", content=content, validity=validity)
    in_force = listing(state, date(2026, 6, 30))
    assert in_force is not None
    assert in_force.rule == "catalogue/jia@2026-01-01"
    assert listing(state, date(2026, 7, 1)) is None
    assert listing(EntryState(), date(2026, 6, 30)) is None
