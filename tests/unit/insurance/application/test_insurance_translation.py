"""What insurance says to the others, held against the golden examples."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from contracts.events import EVENTS
from services.insurance.application.claims import authorise_claim, give_credit_on_claim
from services.insurance.application.members import (
    give_standing_authorisation,
    load_member,
    withdraw_standing_authorisation,
)
from services.insurance.application.payments import pay
from services.insurance.application.reconciliation import (
    HIGHEST,
    LOWEST,
    PayerDay,
    answer_difference,
    tell_items,
    tell_totals,
)
from services.insurance.application.translation import TRANSLATE
from services.insurance.domain.claim import AuthoriseClaim, ClaimState, GiveCredit, claim_id_of
from services.insurance.domain.claim_events import ClaimQuoted
from services.insurance.domain.gateway import OutcomeKind
from services.insurance.domain.payer_items import Figures, Item
from services.insurance.domain.payment import PaymentPaid, PaymentState, PayShare, payment_of
from services.seedwork.calendar import civil_day
from services.seedwork.composition import Happened
from tests.unit.insurance.application.test_claim_lifecycle import Wire
from tests.unit.insurance.memory import (
    ADMIN,
    INSURER,
    OFFICER,
    PATIENT_ACTOR,
    PHARMACIST,
    PHARMACY,
    SUPPLY,
    Memory,
    dispensed,
    golden_member,
    insured_world,
    received,
    recorded,
    undone,
)
from tests.unit.insurance.test_trace_alarms import repeated

EXAMPLES = Path(__file__).parents[4] / "contracts" / "examples"
REFUSED, UNDONE, LOST = UUID(int=30), UUID(int=31), UUID(int=32)


def lost_and_found(memory: Memory) -> None:
    """A supply on credit whose authorisation is not answered and then refused."""
    wire = Wire(OutcomeKind.UNKNOWN, OutcomeKind.REFUSED)
    outside = replace(memory.outside, gateway=wire)
    memory.run(withdraw_standing_authorisation(PATIENT_ACTOR), PATIENT_ACTOR)
    memory.hear(dispensed(supply_id=LOST))
    ask = AuthoriseClaim(claim_id=claim_id_of(LOST, 1), credential="token")
    memory.run(authorise_claim(ask, outside), PATIENT_ACTOR)
    credit = GiveCredit(claim_id=claim_id_of(LOST, 1), reason="none left at home")
    memory.run(give_credit_on_claim(credit, outside), PHARMACIST)
    memory.run(authorise_claim(ask, outside), PATIENT_ACTOR)


def a_day_closed(memory: Memory) -> None:
    """The insurer's file lacks one booking; the pharmacy bears it."""
    of = PayerDay(INSURER, civil_day(memory.time))
    memory.time += timedelta(days=1)
    rows = memory.rows("payer_items_of_day", **of.parameters, after=LOWEST, upto=HIGHEST, limit=9)
    items = [Item(row["message_id"], row["total"], row["fund"], row["account"]) for row in rows]
    lost = max(items, key=lambda item: item.fund)
    theirs = [item for item in items if item is not lost]
    sums = {name: sum(getattr(item, name) for item in theirs) for name in ("total", "fund", "account")}
    memory.run(tell_totals(of, Figures(count=len(theirs), **sums)), OFFICER)
    memory.run(tell_items(of, theirs, last=True), OFFICER)
    memory.run(answer_difference(of, lost.key, "pharmacy_bears", "as agreed"), OFFICER)


def everything_said() -> dict[str, dict[str, Any]]:
    """The last event of each type, out of the golden claim, a refused one and a voided one."""
    memory = insured_world()
    content = {"pharmacy": PHARMACY, "insurer": INSURER, "channels": ["定点", "门诊统筹"]}
    memory.run(recorded("designation", f"{PHARMACY}-{INSURER}", content), ADMIN)
    memory.hear(dispensed(supply_id=REFUSED))
    memory.run(load_member(golden_member(as_of=date(2026, 3, 2), insured_until="2026-03-01")), ADMIN)
    memory.run(
        authorise_claim(AuthoriseClaim(claim_id=claim_id_of(REFUSED, 1), credential="token"), memory.outside),
        PATIENT_ACTOR,
    )
    memory.run(load_member(golden_member(as_of=date(2026, 3, 2))), ADMIN)
    memory.run(give_standing_authorisation(PATIENT_ACTOR), PATIENT_ACTOR)
    memory.hear(dispensed(supply_id=UNDONE))
    memory.hear(undone(supply=UNDONE))
    memory.hear(dispensed())
    payment = payment_of(claim_id_of(SUPPLY, 1)).stream_id
    memory.run(pay(PayShare(payment_id=payment, reference="WX-0001"), memory.outside), PATIENT_ACTOR)
    memory.hear(received())
    memory.hear(repeated())
    lost_and_found(memory)
    memory.hear(undone())
    a_day_closed(memory)
    return {event.TYPE: event.model_dump(mode="json") for event in memory.told}


SAID = everything_said()


def test_every_event_of_insurance_is_said() -> None:
    assert sorted(SAID) == sorted(name for name in EVENTS if name.startswith("insurance."))


@pytest.mark.parametrize("name", sorted(SAID))
def test_the_examples_are_what_insurance_says(name: str) -> None:
    example = json.loads((EXAMPLES / f"{name}.json").read_text(encoding="utf-8"))
    assert example == SAID[name]
    assert EVENTS[name].model_validate(example).model_dump(mode="json") == example


def test_the_golden_claim_is_told_with_its_rules() -> None:
    settled = SAID["insurance.claim_settled.v1"]
    assert (settled["total"], settled["fund"], settled["account"], settled["patient_share"]) == (
        22500,
        12300,
        6000,
        4200,
    )
    assert [share["payer"] for share in settled["payers"]] == ["hifp", "maf", "acct", "patient"]
    assert all(share["rule"] for share in settled["payers"])


def test_an_event_without_its_claim_or_payment_says_nothing_of_one() -> None:
    paid = PaymentPaid(channel="simulated", reference="R-0001")
    happened = Happened(paid, PaymentState(), PaymentState(), SUPPLY)
    assert list(TRANSLATE[PaymentPaid](happened)) == []
    with pytest.raises(ValueError, match="claim_id"):
        list(TRANSLATE[ClaimQuoted](Happened(paid, ClaimState(), ClaimState(), SUPPLY)))
