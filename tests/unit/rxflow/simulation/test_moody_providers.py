"""A payment provider that is silent, refuses and keeps: what it has booked stands, whoever has heard it."""

from __future__ import annotations

import random
from uuid import UUID

from rxflow.simulation.mishaps import EVERY, Fortune, Mishap
from rxflow.simulation.provider import REFUSED, UNANSWERED, MoodyProvider, paying_by
from services.insurance.composition import OUTSIDE
from services.insurance.domain.gateway import OutcomeKind
from tests.unit.rxflow.simulation.test_people_who_must_not import Moods

PAYMENT, ORDER = UUID(int=1), UUID(int=2)
ACCEPTED, DECLINED = OutcomeKind.ACCEPTED, OutcomeKind.REFUSED


def provider(*moods: Mishap | None, seed: int = 1) -> MoodyProvider:
    made = MoodyProvider(Moods(*moods))
    made._fortune.chance = random.Random(seed)
    return made


def test_a_payment_without_an_answer_is_booked_or_never_arrived() -> None:
    told = set()
    for seed in range(8):
        made = provider(Mishap.PROVIDER_SILENT, seed=seed)
        assert made.pay(PAYMENT, 700, "pay-1") is UNANSWERED
        found, any_of_it = made.inquire(PAYMENT, "pay-1"), made.inquire(PAYMENT, None)
        assert found.kind == any_of_it.kind
        told.add((found.kind, any_of_it.reference))

    assert told == {(ACCEPTED, "pay-1"), (DECLINED, None)}


def test_what_it_has_said_of_a_payment_it_says_again() -> None:
    made = provider()
    assert made.pay(PAYMENT, 700, "DECLINE-1").kind is DECLINED
    assert made.inquire(PAYMENT, None).kind is DECLINED
    first = made.pay(PAYMENT, 700, "pay-1")
    assert (first.kind, made.pay(PAYMENT, 700, "pay-1"), made.inquire(PAYMENT, "pay-1")) == (ACCEPTED, first, first)
    assert provider(Mishap.PROVIDER_SILENT).inquire(PAYMENT, "pay-1") is UNANSWERED


def test_a_refund_is_refused_for_the_moment_or_for_good() -> None:
    at_first = provider(None, Mishap.PROVIDER_REFUSES)
    assert at_first.refund(PAYMENT, 700, "pay-1", ORDER) is REFUSED
    gone = at_first.refund(PAYMENT, 700, "pay-1", ORDER)
    assert (gone.kind, at_first.refund(PAYMENT, 700, "pay-1", ORDER)) == (ACCEPTED, gone)

    for_good = provider(None, None, Mishap.PROVIDER_KEEPS)
    assert [for_good.refund(PAYMENT, 700, "pay-1", ORDER) for _ in range(3)] == [REFUSED] * 3


def test_a_refund_without_an_answer_went_back_or_did_not_arrive() -> None:
    kept = set()
    for seed in range(8):
        made = provider(Mishap.PROVIDER_SILENT, seed=seed)
        assert made.refund(PAYMENT, 700, "pay-1", ORDER) is UNANSWERED
        kept.add((PAYMENT, ORDER) in made._given_back)
        assert made.refund(PAYMENT, 700, "pay-1", ORDER).kind is ACCEPTED

    assert kept == {True, False}


def test_insurance_has_its_own_provider_again_afterwards() -> None:
    before, other = OUTSIDE.provider, MoodyProvider(Fortune(random.Random(1), EVERY))

    with paying_by(OUTSIDE, other):
        assert OUTSIDE.provider is other

    assert OUTSIDE.provider is before
