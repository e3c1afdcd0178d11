"""A supply whose trace code's owner was away: the patient has it, the insurer's money waits for the owner's word."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from contracts.events.dispatch_later import CodePlace, TraceCodesDecided
from services.insurance.application.claims import choose_self_pay_for_claim
from services.insurance.domain.audit.case import audit_of
from services.insurance.domain.claim import ChooseSelfPay, claim_id_of
from services.insurance.domain.trace_alarm import trace_alarm_of
from tests.unit.insurance.application.test_audits import flags
from tests.unit.insurance.audits import TRACE, audited_world, authorise, pay_share, released
from tests.unit.insurance.memory import (
    FULFILMENT,
    INSURER,
    NOW,
    PATIENT_ACTOR,
    PHARMACY,
    PRESCRIPTION,
    SUPPLY,
    Memory,
    dispensed,
    received,
    undone,
)
from tests.unit.insurance.test_trace_alarms import HASH, repeated


def decided(*codes: str, supply: UUID = SUPPLY) -> TraceCodesDecided:
    return TraceCodesDecided(
        prescription_id=PRESCRIPTION, fulfilment_id=FULFILMENT, supply_id=supply, pharmacy=PHARMACY, repeated=codes
    )


def world(*, undecided: bool = True) -> Memory:
    memory = audited_world(TRACE)
    memory.hear(released())
    memory.hear(dispensed(trace_codes_undecided=undecided))
    return memory


def in_hands() -> Memory:
    """Authorised, paid and received, while nobody knows yet."""
    memory = world()
    assert authorise(memory).refusal is None
    pay_share(memory)
    memory.hear(received())
    return memory


def awaited(memory: Memory) -> bool:
    state: Any = memory.state(audit_of(SUPPLY))
    return bool(state.codes_awaited)


def test_the_claim_is_authorised_and_waits_with_its_settlement_until_the_owner_has_spoken() -> None:
    memory = in_hands()
    assert memory.claim().state == "authorised(cleared)"
    assert awaited(memory)

    memory.hear(decided())

    assert memory.claim().state == "settled"
    assert flags(memory) == []
    before = len(memory.log)
    memory.hear(decided())
    assert len(memory.log) == before


def test_a_code_that_was_sold_elsewhere_keeps_it_from_settling_until_a_person_decides() -> None:
    memory = in_hands()

    memory.hear(decided(HASH))

    assert (memory.claim().state, flags(memory)) == ("authorised(cleared)", [("after", "violation", "open")])
    assert not awaited(memory)
    memory.hear(repeated(None, second=CodePlace(pharmacy=PHARMACY, region="310101", at=NOW, supply_id=SUPPLY)))
    assert len(flags(memory)) == 1, "its alarm is about the same"


def test_a_quoted_claim_is_refused_when_its_code_was_sold_elsewhere() -> None:
    memory = world()

    memory.hear(decided(HASH))

    assert (memory.claim().state, flags(memory)) == ("refused", [("before", "violation", "blocked")])


def test_the_owners_word_may_come_before_the_supply_is_in_hands() -> None:
    memory = world()
    memory.hear(decided())
    assert authorise(memory).refusal is None
    pay_share(memory)
    memory.hear(received())
    assert memory.claim().state == "settled"


def test_a_claim_that_waits_is_voided_all_the_same_when_its_supply_is_undone() -> None:
    memory = world()
    assert authorise(memory).refusal is None
    memory.hear(undone())
    assert memory.claim().state == "voided"
    memory.hear(decided())
    assert memory.claim().state == "voided"


def test_who_pays_alone_waits_for_no_owner() -> None:
    memory = world()
    command = ChooseSelfPay(claim_id=claim_id_of(SUPPLY, 1), consent="form-1")
    memory.run(choose_self_pay_for_claim(command, memory.outside), PATIENT_ACTOR)
    pay_share(memory)
    memory.hear(received())
    assert memory.claim().state == "settled"


def test_where_every_owner_was_asked_nothing_waits() -> None:
    memory = world(undecided=False)
    assert not awaited(memory)
    memory.hear(decided())
    assert memory.claim().state == "quoted"
    memory.hear(decided(supply=UUID(int=99)))


@pytest.mark.parametrize("first", [None, UUID(int=99)], ids=["nobody's", "another region's"])
def test_an_alarm_whose_first_sale_is_another_regions_is_the_second_ones_insurers(first: UUID | None) -> None:
    memory = in_hands()

    memory.hear(repeated(first, second=CodePlace(pharmacy=PHARMACY, region="310101", at=NOW, supply_id=SUPPLY)))

    (kept,) = memory.state(trace_alarm_of(HASH)).repeats
    assert (kept.claim_id, kept.insurer) == (claim_id_of(SUPPLY, 1), INSURER)
    assert flags(memory) == [("after", "violation", "open")]
