"""Checks that compare what two sides of a simulated world say: each finds what only one of them says."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID, uuid4

import pytest

from rxflow.simulation import accounts, circulation, demand, effects, packs, shown
from rxflow.simulation.books import AllBooks, Books, Stream
from services.dispatch.domain.fulfilment import events as fulfilled
from services.dispatch.domain.fulfilment.aggregate import FULFILMENTS
from services.dispatch.domain.fulfilment.return_events import SupplyUndone
from services.dispatch.domain.stock import events as stocked
from services.dispatch.domain.stock.item import STOCK_ITEMS
from services.insurance.domain import accumulator, member, payment
from services.insurance.domain import payment_events as paid
from services.insurance.domain.claim import CLAIM, ClaimState
from services.insurance.domain.ledger import Posting, paid_postings
from services.prescribe.domain.prescription import PRESCRIPTION
from services.review.domain.case import CASE, CaseState
from services.seedwork.model import Aggregate
from services.shortage.domain.detector import DETECTOR
from services.shortage.domain.lots import LOT, DemandsCounted, UnfilledColumns, UnfilledRow, UnfilledTaken

NOW, EXPIRY = datetime(2026, 3, 2, 4, tzinfo=UTC), date(2028, 1, 31)
CLAIM_ID, PAYMENT_ID, SUPPLY_ID, PATIENT = UUID(int=1), UUID(int=2), UUID(int=3), UUID(int=4)
SHARE, POOLED, ACCOUNT = 700, 300, 200


class Kept:
    """Books with these streams in them, and with these rows in their tables."""

    def __init__(self, *streams: Stream, rows: Sequence[tuple[Any, ...]] = ()) -> None:
        self.streams = {each.stream_id: each for each in streams}
        self._rows = list(rows)

    def of(self, aggregate: Any) -> list[Stream]:
        return [each for each in self.streams.values() if each.aggregate is aggregate]

    def states(self, aggregate: Any) -> list[Any]:
        return [each.state for each in self.of(aggregate)]

    def histories(self, aggregate: Any) -> list[list[Any]]:
        return [each.events for each in self.of(aggregate)]

    def query(self, _text: str, **_parameters: Any) -> list[tuple[Any, ...]]:
        return self._rows


def kept(*streams: Stream, rows: Sequence[tuple[Any, ...]] = ()) -> Books:
    return cast(Books, Kept(*streams, rows=rows))


def books(**services: Books) -> AllBooks:
    return services


def stream(aggregate: Aggregate[Any], stream_id: UUID, *events: Any) -> Stream:
    return Stream(aggregate, stream_id, aggregate.fold(list(events)), list(events))


def standing(aggregate: Aggregate[Any], stream_id: UUID, state: Any, *events: Any) -> Stream:
    """As it stands, however it came to it."""
    return Stream(aggregate, stream_id, state, list(events))


# -- payments


REQUESTED = paid.PaymentRequested(
    payment_id=PAYMENT_ID,
    claim_id=CLAIM_ID,
    supply_id=SUPPLY_ID,
    prescription_id=uuid4(),
    fulfilment_id=uuid4(),
    patient_ref=PATIENT,
    amount=SHARE,
)
PAID = paid.PaymentPaid(channel="simulated", reference="pay-1234")
REFUNDED = paid.PaymentRefunded(reference="refund")
BOOKED = paid_postings(SHARE, "simulated")


@pytest.mark.parametrize(
    ("events", "postings", "wrong"),
    [
        ([REQUESTED], (), ""),
        ([REQUESTED, PAID], BOOKED, ""),
        ([REQUESTED, PAID, REFUNDED], (), ""),
        ([REQUESTED, REFUNDED], (), "had not been paid"),
        ([REQUESTED, PAID, REFUNDED, REFUNDED], (), "had not been paid"),
        ([REQUESTED, PAID], (), "0 are booked"),
        ([REQUESTED, PAID, REFUNDED], BOOKED, "700 are booked"),
        ([REQUESTED, paid.PaymentPaid(channel="simulated", reference="DECLINE-1")], BOOKED, "provider declines"),
    ],
)
def test_a_payment_that_the_provider_would_not_know_is_found(events: Any, postings: Any, wrong: str) -> None:
    claim = standing(
        CLAIM, CLAIM_ID, ClaimState(opened=cast(Any, SimpleNamespace(claim_id=CLAIM_ID)), postings=postings)
    )

    found = list(accounts.payments_are_true(kept(stream(payment.PAYMENT, PAYMENT_ID, *events), claim)))

    assert len(found) == bool(wrong), found
    assert all(wrong in each for each in found)


OTHER_CLAIM, OTHER_PAYMENT = UUID(int=5), UUID(int=6)
NEXT = REQUESTED.model_copy(update={"payment_id": OTHER_PAYMENT, "claim_id": OTHER_CLAIM})


def goes(amount: int, refunded: int) -> paid.PaymentCarriedOver:
    return paid.PaymentCarriedOver(to=OTHER_PAYMENT, amount=amount, refunded=refunded, reference="refund")


def comes(amount: int, left: int) -> paid.PaymentCovered:
    source = paid.Source(payment_id=PAYMENT_ID, reference="pay-1234", amount=amount)
    return paid.PaymentCovered(
        by=PAYMENT_ID, amount=amount, left=left, channel="simulated", reference="pay-1234", sources=(source,)
    )


def asks(amount: int) -> paid.PaymentRequested:
    return NEXT.model_copy(update={"amount": amount})


VOIDED = paid.PaymentFailed(reason="claim_voided")


@pytest.mark.parametrize(
    ("gone", "come", "booked", "wrong"),
    [
        ([goes(700, 0)], [asks(700), comes(700, 0)], 700, ""),
        ([goes(500, 200)], [asks(500), comes(500, 0)], 500, ""),
        ([goes(700, 0)], [asks(900), comes(700, 200)], 700, ""),
        ([goes(700, 0)], [asks(900), comes(700, 200), PAID], 900, ""),
        ([goes(700, 0)], [asks(900), comes(700, 200), REFUNDED], 0, ""),
        ([goes(700, 0)], [asks(900), comes(700, 200), PAID, REFUNDED], 0, ""),
        ([goes(700, 0)], [asks(900), comes(700, 200), VOIDED], 0, "700 are paid, 0 are booked"),
        ([goes(700, 0)], [asks(900), comes(700, 200), REFUNDED, REFUNDED], 0, "had not been paid"),
        ([goes(700, 0)], [asks(900), comes(700, 200), PAID], 700, "900 are paid, 700 are booked"),
        ([goes(500, 100)], [asks(500), comes(500, 0)], 500, "held 700, of which 600 went"),
        ([goes(700, 0)], [asks(500), comes(500, 0)], 500, "200 more were carried"),
        ([goes(700, 0)], [asks(900)], 0, "700 more were carried"),
        ([REFUNDED], [asks(700), comes(700, 0)], 700, "-700 more were carried"),
    ],
)
def test_what_was_paid_for_another_claim_is_followed(gone: Any, come: Any, booked: int, wrong: str) -> None:
    claims = [
        standing(CLAIM, each, ClaimState(opened=cast(Any, SimpleNamespace(claim_id=each)), postings=postings))
        for each, postings in ((CLAIM_ID, ()), (OTHER_CLAIM, paid_postings(booked, "simulated") if booked else ()))
    ]
    payments = [
        stream(payment.PAYMENT, PAYMENT_ID, REQUESTED, PAID, *gone),
        stream(payment.PAYMENT, OTHER_PAYMENT, *come),
    ]

    found = list(accounts.payments_are_true(kept(*payments, *claims)))

    assert len(found) == bool(wrong), found
    assert all(wrong in each for each in found)


# -- the year and the personal account


def claim(*, postings: tuple[Posting, ...], decided: Any = None) -> Stream:
    amounts = SimpleNamespace(paid_by=lambda payer: {"hifp": POOLED, "acct": ACCOUNT}.get(payer, 0))
    opened = cast(Any, SimpleNamespace(claim_id=CLAIM_ID))
    return standing(
        CLAIM,
        CLAIM_ID,
        ClaimState("settled", opened, adjudication=cast(Any, amounts), postings=postings, decided=decided),
    )


def year(*events: Any) -> Stream:
    figures = accumulator.YearFigures(deductible_used=0, pooled_paid=POOLED)
    begun = accumulator.FiguresReserved(patient_ref=PATIENT, year=2026, claim_id=CLAIM_ID, figures=figures)
    return stream(accumulator.ACCUMULATOR, uuid4(), begun, *events)


def account(*events: Any) -> Stream:
    begun = member.AccountReserved(patient_ref=PATIENT, claim_id=CLAIM_ID, amount=ACCOUNT)
    return stream(member.MEMBER, uuid4(), begun, *events)


HELD = (Posting(account="held.P1", amount=-SHARE), Posting(account="receivable.hifp.I1", amount=SHARE))
BACK = (*HELD, *(Posting(account=each.account, amount=-each.amount) for each in HELD))
FINAL = accumulator.FiguresFinal(patient_ref=PATIENT, claim_id=CLAIM_ID)
REVERSED = accumulator.FiguresReversed(patient_ref=PATIENT, claim_id=CLAIM_ID)
SPENT = member.AccountSpent(patient_ref=PATIENT, claim_id=CLAIM_ID)
RETURNED = member.AccountReturned(patient_ref=PATIENT, claim_id=CLAIM_ID)


@pytest.mark.parametrize(
    ("postings", "streams", "found"),
    [
        (HELD, (year(), account()), 0),
        (HELD, (year(FINAL), account(SPENT)), 0),
        (BACK, (year(FINAL, REVERSED), account(SPENT, RETURNED)), 0),
        (BACK, (year(FINAL), account(SPENT, RETURNED)), 1),
        (BACK, (year(FINAL, REVERSED), account(SPENT)), 1),
        (BACK, (year(), account(SPENT, RETURNED)), 1),
        (HELD, (account(),), 1),
        (HELD, (year(),), 1),
        (HELD, (year(FINAL, REVERSED), account()), 1),
    ],
)
def test_what_a_claim_takes_of_year_and_account_stands_as_the_claim_does(
    postings: Any, streams: Any, found: int
) -> None:
    assert len(list(accounts.years_follow_the_claims(kept(claim(postings=postings), *streams)))) == found


def test_what_a_person_has_decided_may_be_moved_elsewhere() -> None:
    assert not list(accounts.years_follow_the_claims(kept(claim(postings=HELD, decided=object()))))


# -- what is billed and settled


def billing(quantity: int, amount: int, *, state: str = "settled", attempt: int = 1) -> Stream:
    line = SimpleNamespace(line=1, counted=quantity, amount=amount)
    opened = SimpleNamespace(
        claim_id=CLAIM_ID, attempt=attempt, lines=(line,), supply=SimpleNamespace(supply_id=SUPPLY_ID)
    )
    return standing(CLAIM, CLAIM_ID, ClaimState(state, cast(Any, opened)))


def dispensed(*, received: int = 10, taken_back: int = 0) -> Stream:
    row = SimpleNamespace(line=1, counted=10, amount=1000)
    supply = SimpleNamespace(
        supply_id=SUPPLY_ID, lines=(row,), received={1: received}, taken_back={1: taken_back} if taken_back else {}
    )
    return standing(FULFILMENTS, uuid4(), SimpleNamespace(supplies={SUPPLY_ID: supply}))


@pytest.mark.parametrize(
    ("billed", "found"),
    [
        (billing(10, 1000), 0),
        (billing(10, 999), 1),
        (billing(9, 1000), 1),
        (billing(5, 500, attempt=2), 0),
    ],
)
def test_a_claim_that_bills_something_else_than_was_dispensed_is_found(billed: Stream, found: int) -> None:
    both = books(insurance=kept(billed), dispatch=kept(dispensed()))

    assert len(list(accounts.billed_is_dispensed(both))) == found


@pytest.mark.parametrize(
    ("state", "supply", "found"),
    [
        ("settled", dispensed(), 0),
        ("settled", dispensed(received=4), 1),
        ("settled", dispensed(taken_back=1), 1),
        ("reversing", dispensed(taken_back=1), 0),
    ],
)
def test_a_claim_settled_over_what_its_patient_does_not_have_is_found(state: str, supply: Stream, found: int) -> None:
    both = books(insurance=kept(billing(10, 1000, state=state)), dispatch=kept(supply))

    assert len(list(accounts.settled_is_in_hands(both))) == found


# -- packs


def shelf(*events: Any) -> Stream:
    return standing(STOCK_ITEMS, uuid4(), SimpleNamespace(product="P"), *events)


def picks(quantity: int) -> tuple[stocked.Pick, ...]:
    return (stocked.Pick(lot="L", expiry=EXPIRY, quantity=quantity),)


GIVEN = stocked.StockDispensed(hold_id=uuid4(), supply_id=SUPPLY_ID, picks=picks(10))


def returned(quantity: int, *, apart: bool = False) -> stocked.StockReturned:
    return stocked.StockReturned(supply_id=SUPPLY_ID, picks=picks(quantity), quarantined=apart)


def fulfilment(*dispositions: str, undone: bool = True) -> Stream:
    row: Any = SimpleNamespace(product="P", quantity=10)
    left = fulfilled.SupplyDispensed.model_construct(supply_id=SUPPLY_ID, lines=(row,))
    back = tuple(SimpleNamespace(product="P", quantity=5, disposition=each) for each in dispositions)
    ended = SupplyUndone.model_construct(supply_id=SUPPLY_ID, packs=cast(Any, back))
    state = SimpleNamespace(supplies={SUPPLY_ID: SimpleNamespace(lines=(row,))})
    return standing(FULFILMENTS, uuid4(), state, *([left, ended] if undone else [left]))


@pytest.mark.parametrize(
    ("moved", "supply", "found"),
    [
        ((GIVEN,), fulfilment(undone=False), 0),
        ((), fulfilment(undone=False), 1),
        ((GIVEN, returned(10)), fulfilment(), 0),
        ((GIVEN, returned(10, apart=True)), fulfilment(), 0),
        ((GIVEN, returned(10), returned(10)), fulfilment(), 1),
        ((GIVEN, returned(5)), fulfilment(undone=False), 1),
        ((GIVEN, returned(5), returned(5, apart=True)), fulfilment("restocked", "quarantined"), 0),
        ((GIVEN, returned(10)), fulfilment("restocked", "quarantined"), 1),
        ((GIVEN, returned(5)), fulfilment("restocked", "lost"), 0),
        ((GIVEN, returned(10)), fulfilment("restocked", "destroyed"), 1),
        ((GIVEN,), fulfilment("restocked", "lost"), 1),
    ],
)
def test_packs_that_the_shelf_and_the_supplies_tell_differently_are_found(
    moved: Any, supply: Stream, found: int
) -> None:
    assert len(list(packs.shelves_follow_the_supplies(kept(shelf(*moved), supply)))) == found


# -- demands


LATER = NOW + timedelta(hours=3)


def unfilled(key: str) -> stocked.DemandUnfilled:
    return stocked.DemandUnfilled(
        pharmacy="P1",
        product="P",
        drug_key="drug",
        region="310101",
        quantity=1,
        reason="out_of_stock",
        demand_key=key,
        on_hand_known=True,
        on_hand=0,
    )


def told_as(key: str, drug_key: str = "drug", at: datetime = NOW) -> UnfilledRow:
    return UnfilledRow(drug_key, "310101", at, key, "P1", 1, "out_of_stock", 0, False, "e/1")


@pytest.mark.parametrize(
    ("told", "known", "counted", "found"),
    [
        (("a", "a", "b"), (told_as("a"), told_as("b")), (), 0),
        (("a",), (), (), 1),
        ((), (told_as("a"),), (), 1),
        (("a",), (told_as("a"), told_as("a")), (told_as("a"),), 0),
        (("a",), (told_as("a"),), (told_as("a"), told_as("a")), 1),
        (("a", "a"), (told_as("a"), told_as("a", at=LATER)), (told_as("a"), told_as("a", at=LATER)), 0),
        ((), (told_as("x", "heartbeat|-|now"),), (), 0),
    ],
)
def test_a_demand_that_only_one_side_knows_or_that_counts_twice_is_found(
    told: Any, known: Any, counted: Any, found: int
) -> None:
    taken = [UnfilledTaken(rows=UnfilledColumns.of(known), taken_at=NOW)] if known else []
    judged = [DemandsCounted(rows=UnfilledColumns.of([row]), forget_before=NOW) for row in counted]
    both = books(
        dispatch=kept(standing(STOCK_ITEMS, uuid4(), None, *map(unfilled, told))),
        shortage=kept(standing(LOT, uuid4(), None, *taken), standing(DETECTOR, uuid4(), None, *judged)),
    )

    assert len(list(demand.unfilled_is_known(both))) == found


# -- lists


@pytest.mark.parametrize(
    ("status", "rows", "found"),
    [
        ("queued", [("queued", None, 0)], 0),
        ("queued", [], 1),
        ("queued", [("taken", "R1", 0)], 1),
        ("returned", [("taken", "R1", 0)], 1),
    ],
)
def test_a_list_that_shows_what_is_not_is_found(
    monkeypatch: pytest.MonkeyPatch, status: str, rows: Any, found: int
) -> None:
    case_id = uuid4()
    monkeypatch.setattr(shown, "_LISTS", {"review": shown._LISTS["review"]})
    review = kept(standing(CASE, case_id, CaseState(status)), rows=[(case_id.hex, *row) for row in rows])

    assert len(list(shown.lists_say_what_is(books(review=review)))) == found


# -- last words and deadlines


@pytest.mark.parametrize(("final", "found"), [(True, 0), (False, 2)])
def test_a_request_to_cancel_that_never_got_its_last_word_is_found(*, final: bool, found: int) -> None:
    request = SimpleNamespace(request_id=uuid4(), final=final, answer="awaiting_return")
    asked = SimpleNamespace(cancellations=(request,), signed=SimpleNamespace(prescription_id=uuid4()))
    held = SimpleNamespace(cancellations={request.request_id: request}, fulfilment_id=uuid4())
    both = books(
        prescribe=kept(standing(PRESCRIPTION, uuid4(), asked)), dispatch=kept(standing(FULFILMENTS, uuid4(), held))
    )

    assert len(list(circulation.requests_are_answered(both))) == found


ONE, OTHER = str(uuid4()), str(uuid4())


@pytest.mark.parametrize(
    ("causes", "found"),
    [
        ([("timer:x/due:5", ONE, ONE), ("timer:x/due:5", OTHER, OTHER)], 0),
        ([("timer:x/due:5", ONE, ONE), ("timer:x/due:9", ONE, ONE)], 0),
        ([("timer:x/due:5", ONE, ONE), ("timer:x/due:5", ONE, ONE)], 1),
        ([("timer:x/due:5", ONE, ONE), ("command", "key", OTHER), ("timer:x/due:5", ONE, ONE)], 1),
        # something of its own happened in between, and set the deadline to the same moment again
        ([("timer:x/due:5", ONE, ONE), ("command", "key", ONE), ("timer:x/due:5", ONE, ONE)], 0),
    ],
)
def test_a_deadline_that_is_decided_twice_is_found(causes: Any, found: int) -> None:
    rows = [(number, number, whose, cause, stream) for number, (cause, whose, stream) in enumerate(causes, start=1)]

    class Told(Kept):
        def query(self, text: str, **_parameters: Any) -> list[tuple[Any, ...]]:
            return rows if text == effects._CAUSES else []

    assert len(list(effects.once(books(dispatch=cast(Books, Told()))))) == found
