"""A payment provider's day beside the examples by hand: whose it is, what answers it, and refunds of several parts."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

from contracts.roles import Role
from services.insurance.domain.carrying_over import carry_over
from services.insurance.domain.payment_events import PaymentCarriedOver, RefundNotConfirmed
from tests.golden.clearing.test_provider_days_by_hand import EXAMPLES, Day, listed, number
from tests.unit.insurance.memory import INSURER, NOW
from tests.unit.insurance.test_carrying_over import Ledger, asked, carried, paid
from tests.unit.insurance.test_reconciliation import problem

LACKS_THE_SHARE = EXAMPLES["D-05"]


def compared(tmp_path: Path) -> Day:
    story = Day(LACKS_THE_SHARE, tmp_path)
    for step in [*LACKS_THE_SHARE["way"], "next day"]:
        story.do(step)
    story.tell([(number(what), amount) for what, amount in listed(LACKS_THE_SHARE)])
    return story


def test_it_is_the_providers_alone_and_answered_as_one(tmp_path: Path) -> None:
    story = compared(tmp_path)

    refused = story.answer("share", "insurer_books")
    assert problem(refused) == "reconciliation.answer_not_possible"
    assert refused.json()["facts"]["allowed"] == ["provider_books", "pharmacy_bears"]
    assert problem(story.ask("POST", "/ask")) == "reconciliation.by_file"

    insurers = story.token("officer-2", Role.INSURANCE_OFFICER, organisation=INSURER)
    assert problem(story.ask("GET", "", as_=insurers)) == "reconciliation.unknown"
    assert story.answer("share", "provider_books").json()["how"] == "accepted"


def test_an_order_of_several_parts_is_listed_part_by_part() -> None:
    provider = Ledger()
    _first, second = carried(paid(asked(1, 1_000), provider, "WX-0001"), asked(2, 1_300), provider)
    second = paid(second, provider, "WX-0002")

    (gone,), _come = carry_over(second, asked(3, 900), provider, NOW)

    assert isinstance(gone, PaymentCarriedOver)
    assert [(part.payment_id, part.amount) for part in gone.parts] == [(UUID(int=1), 100), (UUID(int=2), 300)]
    numbers = {part.refund_number(UUID(int=2)) for part in gone.parts}
    assert len(numbers | {UUID(int=1), UUID(int=2)}) == 4


def test_what_was_ordered_back_and_not_answered_is_expected_in_its_file() -> None:
    provider = Ledger()
    first = paid(asked(1, 1_000), provider, "KEEP-0001")

    (gone, awaited), _come = carry_over(first, asked(2, 900), provider, NOW)

    assert isinstance(gone, PaymentCarriedOver)
    assert isinstance(awaited, RefundNotConfirmed)
    assert (gone.parts, [part.amount for part in awaited.parts]) == ((), [100])
