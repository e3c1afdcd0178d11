"""What the transition table does not list is refused with the state and what was asked."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest

from services.insurance.domain.accumulator import AccumulatorState, YearFigures, free_figures, reserve_figures
from services.insurance.domain.adjudication import ClaimLine
from services.insurance.domain.claim import CLAIM, ClaimState
from services.insurance.domain.claim_decisions import (
    choose_self_pay,
    clear,
    collect,
    may_settle,
    not_booked,
    open_claim,
    record_outcome,
    request_authorisation,
    settle,
)
from services.insurance.domain.claim_events import ClaimOpened
from services.insurance.domain.claim_facts import Facts, billable
from services.insurance.domain.claim_taking_back import following_attempt, request_void, reverse_reason, void_reason
from services.insurance.domain.claim_transitions import CLAIM_TRANSITIONS
from services.insurance.domain.claim_values import LineQuantity
from services.insurance.domain.entitlement import Supply
from services.insurance.domain.gateway import GatewayOutcome, OutcomeKind
from services.insurance.domain.ledger import authorised_postings, negated
from services.insurance.domain.member import MemberState, reserve_account
from services.insurance.domain.payment import PAYMENT_TRANSITIONS
from services.seedwork.model import Refusal

DAY, NOON = date(2026, 3, 2), datetime(2026, 3, 2, 4, tzinfo=UTC)
LINE = ClaimLine(line=1, product="P", generic_name="药", quantity=10, unit_price=100, amount=100, traced=True)
SUPPLY = Supply(
    supply_id=UUID(int=1),
    prescription_id=UUID(int=2),
    prescription_revision=1,
    fulfilment_id=UUID(int=3),
    fill_no=1,
    pharmacy="P31010100001",
    region="310101",
    insurance_intent="general",
    designations=(),
    self_pay_only=True,
)
OPENED = ClaimOpened(claim_id=UUID(int=4), attempt=1, patient_ref=UUID(int=5), supply=SUPPLY, lines=(LINE,))


def opened() -> ClaimState:
    return CLAIM.fold([OPENED])


def refusal(outcome: object) -> tuple[str, dict[str, object]]:
    assert isinstance(outcome, Refusal)
    return outcome.code, dict(outcome.facts)


def test_a_claim_that_does_not_exist_is_unknown() -> None:
    nothing = ClaimState()
    assert refusal(request_authorisation(nothing, "credential"))[0] == "claim.unknown"
    assert refusal(choose_self_pay(nothing, "chosen", None, DAY))[0] == "claim.unknown"
    assert settle(nothing, DAY) == []
    assert not may_settle(nothing)
    assert void_reason(nothing) is None
    assert reverse_reason(nothing) is None
    assert following_attempt(nothing, 2, UUID(int=9)) is None
    assert request_void(nothing, "supply_undone", None) is None


@pytest.mark.parametrize("kind", list(OutcomeKind))
def test_an_outcome_that_nobody_asked_for_is_refused(kind: OutcomeKind) -> None:
    code, facts = refusal(record_outcome(opened(), GatewayOutcome(kind), DAY, NOON))
    assert (code, facts["state"]) == ("claim.wrong_state", "quoted")


def test_a_claim_is_not_cleared_before_it_is_authorised() -> None:
    assert refusal(clear(opened(), "simulated")) == (
        "claim.wrong_state",
        {"state": "quoted", "trigger": "payment paid, or share 0"},
    )


def test_a_share_is_not_collected_before_there_is_one() -> None:
    assert refusal(collect(opened(), "simulated", 100)) == (
        "claim.wrong_state",
        {"state": "quoted", "trigger": "payment paid after credit"},
    )


def test_what_nobody_was_asked_is_not_found_unbooked() -> None:
    assert refusal(not_booked(opened())) == (
        "claim.wrong_state",
        {"state": "quoted", "trigger": "inquiry: not booked"},
    )


def test_an_open_claim_is_not_opened_again() -> None:
    assert open_claim(opened(), OPENED) == []


@pytest.mark.parametrize(
    ("told", "left"),
    [
        ({}, None),
        ({"received": {1: 9}}, None),
        ({"received": {2: 10}}, None),
        ({"received": {1: 10}}, {1: 10}),
        ({"received": {1: 6}, "rejected": {1: 4}}, {1: 6}),
        ({"received": {1: 6}, "rejected": {1: 4}, "undone": {1: 4}}, {1: 6}),
        ({"undone": {1: 4}}, None),
        ({"undone": {1: 10}}, {}),
        ({"received": {1: 10}, "taken_back": {1: 3}}, {1: 7}),
        ({"received": {1: 10}, "undone": {1: 10}}, {}),
        ({"taken_back": {1: 3}}, None),
    ],
    ids=str,
)
def test_only_what_the_patient_has_for_good_is_billed(told: dict[Any, dict[int, int]], left: object) -> None:
    facts = Facts()
    for kind, quantities in told.items():
        for line, quantity in quantities.items():
            facts = facts.adding(kind, [LineQuantity(line=line, quantity=quantity)])
    assert billable({1: 10}, facts) == left


def test_reservations_need_something_to_reserve() -> None:
    nobody, nothing = UUID(int=5), YearFigures(deductible_used=0, pooled_paid=0)
    assert reserve_figures(AccumulatorState(), nobody, 2026, UUID(int=4), nothing) == []
    assert free_figures(AccumulatorState(), nobody, UUID(int=4)) == []
    assert reserve_account(MemberState(), nobody, UUID(int=4), 100) == []


def test_a_negation_is_exact_and_last_first() -> None:
    state = CLAIM.fold(choose_self_pay(opened(), "chosen", "paper-1", DAY), opened())  # type: ignore[arg-type]
    assert state.adjudication is not None
    booked = authorised_postings(state.adjudication, SUPPLY.pharmacy, None)
    assert [(posting.account, posting.amount) for posting in negated(booked)] == [
        ("held.P31010100001", 100),
        ("receivable.patient", -100),
    ]


def test_the_tables_name_no_state_that_nothing_leads_to() -> None:
    for transitions in (CLAIM_TRANSITIONS, PAYMENT_TRANSITIONS):
        reached = {row.next for row in transitions.rows} | {"-", "any"}
        assert {row.state for row in transitions.rows} <= reached
