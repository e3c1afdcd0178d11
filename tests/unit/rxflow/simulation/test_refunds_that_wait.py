"""A claim that is taken back while its provider is silent holds exactly what that provider has, and nothing else."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from rxflow.simulation import accounts, money
from rxflow.simulation.books import Stream
from services.insurance.domain.claim import CLAIM, ClaimState
from services.insurance.domain.ledger import Posting, refund_awaited_postings
from services.insurance.domain.payment import PAYMENT
from services.insurance.domain.payment_events import (
    PaymentCarriedOver,
    PaymentFailed,
    PaymentOutcomeUnknown,
    RefundNotConfirmed,
    Source,
)
from services.insurance.domain.payment_task_events import TaskClosed, TaskOpened
from tests.unit.rxflow.simulation.test_books_agree import (
    NEXT,
    NOW,
    OTHER_CLAIM,
    OTHER_PAYMENT,
    PAID,
    REFUNDED,
    books,
    comes,
    kept,
    standing,
    stream,
)

BEFORE, WHOLE = 700, 900
ASKED = NEXT.model_copy(update={"amount": WHOLE})
SILENT = PaymentOutcomeUnknown(reference="pay-5678", next_inquiry_at=NOW)
DECLINED = PaymentFailed(reason="declined", channel="simulated", reference="pay-5678")
NOT_CONFIRMED = RefundNotConfirmed(outcome="refused", next_inquiry_at=NOW)
REST = Source(payment_id=OTHER_PAYMENT, reference="pay-1234", amount=WHOLE - BEFORE)
CARRIED = PaymentCarriedOver(to=OTHER_PAYMENT, amount=BEFORE, refunded=0, reference=None, awaited=(REST,))
WAITS = refund_awaited_postings(BEFORE, "simulated")
ALL_WAITS = refund_awaited_postings(WHOLE, "simulated")
REST_WAITS = refund_awaited_postings(WHOLE - BEFORE, "simulated")
TOO_LITTLE = refund_awaited_postings(BEFORE - 1, "simulated")
ELSEWHERE = refund_awaited_postings(BEFORE, "another")
STILL_OWED = (Posting(account="receivable.patient", amount=BEFORE), Posting(account="held.P1", amount=-BEFORE))
COVERED = (ASKED, comes(BEFORE, WHOLE - BEFORE))


def voided(postings: tuple[Posting, ...], state: str = "voided") -> Stream:
    opened = cast(Any, SimpleNamespace(claim_id=OTHER_CLAIM, supply=SimpleNamespace(supply_id=OTHER_CLAIM)))
    return standing(CLAIM, OTHER_CLAIM, ClaimState(state, opened, postings=postings))


@pytest.mark.parametrize("state", ["voided", "reversed"])
@pytest.mark.parametrize(
    ("events", "postings", "found"),
    [
        ([*COVERED, SILENT], WAITS, []),
        ([*COVERED, SILENT], (), ["holds {}, where a refund of {'provider.simulated': 700, 'refund.patient': -700}"]),
        ([*COVERED, SILENT], TOO_LITTLE, ["holds {'provider.simulated': 699"]),
        ([*COVERED, SILENT], ELSEWHERE, ["holds {'provider.another': 700"]),
        ([*COVERED, SILENT], WAITS + STILL_OWED, ["'held.P1': -700}, where"]),
        ([*COVERED, SILENT, DECLINED, REFUNDED], (), []),
        ([*COVERED, SILENT, PAID, REFUNDED], (), []),
        ([*COVERED, SILENT, PAID, REFUNDED], WAITS, ["where a refund of {} waits"]),
        ([*COVERED, SILENT, PAID], (), ["is paid, the claim"]),
        ([ASKED, PAID, NOT_CONFIRMED], ALL_WAITS, []),
        ([ASKED, PAID, NOT_CONFIRMED], (), ["where a refund of {'provider.simulated': 900"]),
        ([ASKED, PAID, NOT_CONFIRMED, REFUNDED], (), []),
        ([ASKED, PAID, NOT_CONFIRMED, REFUNDED], ALL_WAITS, ["where a refund of {} waits"]),
        ([ASKED, PAID, CARRIED, NOT_CONFIRMED], REST_WAITS, []),
        ([ASKED, PAID, CARRIED, NOT_CONFIRMED], (), ["where a refund of {'provider.simulated': 200"]),
        ([*COVERED], (), ["is requested, the claim"]),
        ([ASKED, SILENT], (), []),
        ([ASKED, SILENT], WAITS, ["where a refund of {} waits"]),
    ],
)
def test_what_is_taken_back_holds_what_waits_for_a_silent_provider(
    events: Any, postings: Any, found: list[str], state: str
) -> None:
    insurance = kept(voided(postings, state), stream(PAYMENT, OTHER_PAYMENT, *events))

    complaints = list(money.money_always(books(insurance=insurance, dispatch=kept())))

    assert len(complaints) == len(found), complaints
    assert all(said in complaint for said, complaint in zip(found, complaints, strict=True)), complaints


@pytest.mark.parametrize(
    ("events", "postings", "found"),
    [
        ([*COVERED, SILENT], WAITS, []),
        ([*COVERED, SILENT], (), ["700 are paid, 0 are booked"]),
        ([*COVERED, SILENT, PAID], WAITS, ["900 are paid, 700 are booked"]),
        ([ASKED, PAID, NOT_CONFIRMED], ALL_WAITS, []),
        ([ASKED, PAID, CARRIED, NOT_CONFIRMED], REST_WAITS, []),
        ([ASKED, PAID, CARRIED, NOT_CONFIRMED], (), ["200 are paid, 0 are booked"]),
    ],
)
def test_what_the_provider_has_meanwhile_is_booked(events: Any, postings: Any, found: list[str]) -> None:
    insurance = kept(voided(postings), stream(PAYMENT, OTHER_PAYMENT, *events))

    complaints = [each for each in accounts.payments_are_true(insurance) if "more were carried" not in each]

    assert len(complaints) == len(found), complaints
    assert all(said in complaint for said, complaint in zip(found, complaints, strict=True))


@pytest.mark.parametrize(("postings", "found"), [(WAITS, 0), (STILL_OWED, 1)])
def test_a_refund_that_waits_takes_nothing_of_the_year(postings: Any, found: int) -> None:
    amounts = cast(Any, SimpleNamespace(paid_by=lambda payer: 300 if payer == "hifp" else 0))
    opened = cast(Any, SimpleNamespace(claim_id=OTHER_CLAIM))
    claim = standing(CLAIM, OTHER_CLAIM, ClaimState("voided", opened, adjudication=amounts, postings=postings))

    assert len(list(accounts.years_follow_the_claims(kept(claim)))) == found


CALLED = TaskOpened(
    number=1,
    kind="refund_refused",
    channel="simulated",
    item="share",
    claim_id=OTHER_CLAIM,
    pharmacy=None,
    amount=WHOLE,
)
CLOSED = TaskClosed(number=1, answer="ask_again", closed_by="officer-9", reason="as agreed by phone")


def test_at_the_end_every_provider_has_answered_or_a_person_is_called() -> None:
    def end(*events: Any) -> list[str]:
        insurance = kept(voided(WAITS), stream(PAYMENT, OTHER_PAYMENT, *events))
        return list(money.money_at_the_end(books(insurance=insurance, dispatch=kept())))

    (complaint,) = end(*COVERED, SILENT)
    assert "is not answered" in complaint
    assert end(*COVERED, SILENT, PAID, REFUNDED) == []
    assert end(ASKED, PAID, NOT_CONFIRMED, CALLED) == []
    assert len(end(ASKED, PAID, NOT_CONFIRMED, CALLED, CLOSED)) == 1


def test_a_task_about_what_the_provider_has_answered_is_found() -> None:
    def always(*events: Any) -> list[str]:
        insurance = kept(voided(ALL_WAITS), stream(PAYMENT, OTHER_PAYMENT, *events))
        found = money.money_always(books(insurance=insurance, dispatch=kept()))
        return [each for each in found if "task" in each]

    assert always(ASKED, PAID, NOT_CONFIRMED, CALLED) == []
    assert always(ASKED, PAID, NOT_CONFIRMED, CALLED, REFUNDED) == []
    assert len(always(ASKED, PAID, CALLED)) == 1
