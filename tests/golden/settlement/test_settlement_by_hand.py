"""The service comes to what was worked by hand: every figure of every golden example, to the fen."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any
from uuid import UUID, uuid5

import pytest

from services.insurance.domain.accumulator import (
    ACCUMULATOR,
    AccumulatorState,
    Counted,
    YearFigures,
    figures_of,
    finalise_figures,
    free_figures,
    reserve_figures,
    reverse_figures,
)
from services.insurance.domain.adjudication import Adjudication, BenefitStanding, ClaimLine, adjudicate, self_pay
from services.insurance.domain.amounts import LineAmounts
from services.insurance.domain.catalogue import CatalogueEntry, Listing
from services.insurance.domain.claim_values import LineQuantity
from services.insurance.domain.entitlement import distance, standing_of
from services.insurance.domain.member import MemberFacts
from services.insurance.domain.policy import FurtherFund, PolicyRow, PooledFund, Tier
from services.insurance.domain.rebilling import accepted_lines
from services.seedwork.model import NAMESPACE
from tests.golden.settlement.arithmetic import FUNDS, PAYERS, of_kind, tables

TABLES = tables()
CASES, YEARS, PARTS = of_kind("cases"), of_kind("years"), of_kind("parts")
DAY, TEN, MEMBER = date(2026, 3, 2), 10, UUID(int=1)


def terms(written: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "drug_list_class": written["class"],
        "payment_standard": written.get("standard"),
        "first_self_pay_bp": written.get("first", 0),
        "restriction": "see the catalogue" if written.get("restricted") else None,
    }


def catalogue(care: str) -> dict[str, Listing]:
    listings = {}
    for name, written in TABLES["catalogue"].items():
        local = [
            {**terms(there), "region": region, "valid_from": "2020-01-01"}
            for region, there in written.get("there", {}).items()
        ]
        entry = CatalogueEntry.model_validate({"name": name, **terms(written), "local": local})
        listings[name] = Listing(entry.at(care, DAY)[0], f"catalogue/{name}")
    return listings


def fund(written: Mapping[str, Any]) -> FurtherFund:
    return FurtherFund(
        payer=written["payer"],
        ratio_bp=written.get("ratio", 0),
        assistance=tuple(written.get("assistance", ())),
        by_assistance=written.get("by_assistance", {}),
        supplement=written.get("supplement"),
        tiers=tuple(Tier(above=above, ratio_bp=ratio) for above, ratio in written.get("tiers", ())),
        annual_cap=written.get("cap"),
        reach=written.get("reach", "everywhere"),
    )


def policy(name: str) -> PolicyRow:
    written = TABLES["policies"][name]
    return PolicyRow(
        id=name,
        insuplc="310100",
        insutype="390",
        psn_types=("居民",),
        med_types=("门诊统筹",),
        medins_lv=(1,),
        valid_from=date(2020, 1, 1),
        counter=written.get("counter", ""),
        deductible=written["deductible"],
        pooled=PooledFund(ratio_bp=written["ratio"], annual_cap=written["cap"]),
        further=tuple(fund(each) for each in written.get("funds", ())),
        away=written.get("away", {}),
    )


def figures(used: Mapping[str, int], chronic: Mapping[str, int]) -> YearFigures:
    apart = Counted(deductible_used=chronic.get("deductible", 0), pooled_paid=chronic.get("pooled", 0))
    return YearFigures(
        deductible_used=used.get("deductible", 0),
        pooled_paid=used.get("pooled", 0),
        burden=used.get("burden", 0),
        funds={name: used[name] for name in FUNDS if name in used},
        counters={} if apart == Counted() else {"chronic": apart},
    )


def standing(given: Mapping[str, Any], row: PolicyRow, used: YearFigures, insured_in: str) -> BenefitStanding:
    facts = MemberFacts(
        insurer="I310100",
        insutype="390",
        psn_type="居民",
        assistance=given.get("assistance"),
        supplements=tuple(given.get("supplements", ())),
        account_balance=given.get("account", 0),
        insured_from=date(2020, 1, 1),
    )
    where = distance(insured_in, given.get("care", insured_in))
    return standing_of(facts, facts.account_balance, used, row, where, given.get("filing"))


def claim_lines(given: Mapping[str, Any], lines: list[Any]) -> tuple[ClaimLine, ...]:
    made = []
    for number, written in enumerate(lines, start=1):
        line = written if isinstance(written, dict) else dict(zip(("product", "packs", "price"), written, strict=True))
        made.append(
            ClaimLine(
                line=number,
                product=line["product"],
                generic_name=line["product"],
                quantity=line.get("packs", 1) * TEN,
                unit_price=line["price"],
                amount=line.get("amount", line.get("packs", 1) * line["price"]),
                traced=number not in given.get("untraced", ()),
                restricted_use_met=given.get("restricted_use", {}).get(number),
            )
        )
    return tuple(made)


def adjudicated(given: Mapping[str, Any], lines: tuple[ClaimLine, ...], used: YearFigures, place: str) -> Adjudication:
    row, care = policy(given["policy"]), given.get("care", place)
    if distance(place, care) != "home" and "filing" not in given:
        return self_pay(lines, "no_filing")
    return adjudicate(lines, catalogue(care), row, standing(given, row, used, place))


def figure_of_line(line: LineAmounts, name: str) -> int:
    parts = {
        "total": line.total,
        "own": line.own_pay.amount,
        "over": line.over_limit.amount,
        "first": line.first_self_pay.amount,
        "scope": line.in_scope.amount,
        "ded": line.deductible.amount,
    }
    return parts[name] if name in parts else sum(each.amount for each in line.payers if each.payer == name)


def compare(amounts: Adjudication, steps: Mapping[str, Any]) -> None:
    expected = {name: step[2] for name, step in steps.items()}
    assert amounts.total == sum(each for name, each in expected.items() if name.endswith(".total"))
    for line in amounts.lines:
        for part in ("total", "own", "over", "first", "scope"):
            name = f"L{line.line}.{part}"
            assert figure_of_line(line, part) == expected.get(name, 0), name
        for share in ("ded", *PAYERS):
            name = f"L{line.line}.{share}"
            assert name not in expected or figure_of_line(line, share) == expected[name], name
    assert amounts.deductible == expected.get("deductible", 0)
    assert {each.payer: each.amount for each in amounts.payers} == {
        payer: expected[payer] for payer in PAYERS if expected.get(payer)
    }
    assert {each.payer: each.amount for each in amounts.at_home} == {
        payer: expected[f"home.{payer}"] for payer in FUNDS if expected.get(f"home.{payer}")
    }
    assert "burden" not in expected or amounts.burden == expected["burden"]


@pytest.mark.parametrize("example", CASES.values(), ids=CASES.keys())
def test_a_claim_comes_to_what_was_worked_by_hand(example: dict[str, Any]) -> None:
    given = example["given"]
    used = figures(given.get("used", {}), given.get("used_chronic", {}))
    compare(adjudicated(given, claim_lines(given, given["lines"]), used, example["insured_in"]), example["steps"])


@pytest.mark.parametrize("example", PARTS.values(), ids=PARTS.keys())
def test_the_accepted_part_comes_to_what_was_worked_by_hand(example: dict[str, Any]) -> None:
    given = example["given"]
    accepted = tuple(LineQuantity(line=line, quantity=each) for line, each in example["accepted"].items())
    lines = accepted_lines(claim_lines(given, example["dispensed"]), accepted)
    amounts = adjudicated(given, lines, figures(given.get("used", {}), {}), example["insured_in"])
    compare(amounts, example["steps"])


@pytest.mark.parametrize("year", YEARS.values(), ids=YEARS.keys())
def test_a_year_comes_to_what_was_worked_by_hand(year: dict[str, Any]) -> None:
    state = AccumulatorState(final=figures(year["start"], {}))
    row = policy(year["policy"])
    for event in year["events"]:
        state = happens(state, event, row)
        counts = {
            "deductible": state.used.deductible_used,
            "pooled": state.used.pooled_paid,
            "burden": state.used.burden,
            "hifmi": state.used.funds.get("hifmi", 0),
            "chronic.pooled": state.used.of("chronic").pooled_paid,
        }
        assert {name: counts[name] for name in event["after"]} == event["after"]


def happens(state: AccumulatorState, event: Mapping[str, Any], row: PolicyRow) -> AccumulatorState:
    if "authorise" in event:
        claim = uuid5(NAMESPACE, event["authorise"])
        where = standing({}, row, state.used, "310100")
        amounts = adjudicate(claim_lines({}, event["lines"]), catalogue("310100"), row, where)
        assert (amounts.deductible, amounts.paid_by("hifp")) == (event["ded"][1], event["hifp"][1])
        assert amounts.paid_by("hifmi") == event.get("hifmi", ["0", 0])[1]
        events = reserve_figures(state, MEMBER, 2026, claim, figures_of(amounts))
    else:
        ((what, name),) = ((what, event[what]) for what in ("settle", "void", "reverse") if what in event)
        decide = {"settle": finalise_figures, "void": free_figures, "reverse": reverse_figures}[what]
        events = decide(state, MEMBER, uuid5(NAMESPACE, name))
        assert events
    for each in events:
        state = ACCUMULATOR.evolve(state, each)
    return state
