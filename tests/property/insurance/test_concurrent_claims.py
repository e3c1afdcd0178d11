"""Two claims of one member decided at the same moment, over the same state: the year's room is used once.

A save is refused when a stream it writes has moved on, and is decided again. So either both decisions write the stream
that holds the room, and the second is decided anew, or they do not touch each other and come to the same in any order.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from services.insurance.application.claims import authorise_claim
from services.insurance.domain.accumulator import YearFigures, accumulator_of
from services.insurance.domain.claim import AuthoriseClaim, claim_id_of
from services.insurance.domain.member import member_of
from services.seedwork.usecase import Decision, Moment, UseCase
from tests.unit.insurance.memory import JIA, PATIENT, PATIENT_ACTOR, Memory, dispensed, dispensed_line, insured_world

FIRST, SECOND = UUID(int=10), UUID(int=11)
DEDUCTIBLE, CAP, ACCOUNT = 20_000, 200_000, 6_000
"""Of the residents' row in force that day, and of the golden member's personal account."""


def authorisation(memory: Memory, supply: UUID) -> UseCase:
    return authorise_claim(AuthoriseClaim(claim_id=claim_id_of(supply, 1), credential="token-1"), memory.outside)


def decided(memory: Memory, use_case: UseCase) -> Decision:
    """What the store is asked to save, with nothing saved."""
    moment = Moment(memory.time, memory.ids, PATIENT_ACTOR, memory.jurisdiction)
    deciding = use_case.decide(moment, *[memory.loaded(ref) for ref in use_case.streams])
    return deciding if isinstance(deciding, Decision) else memory._grant(deciding)


def written(decision: Decision) -> dict[UUID, tuple[int, Any]]:
    return {change.loaded.stream_id: (change.loaded.version, change.events) for change in decision.changes}


@settings(max_examples=40, deadline=None)
@given(
    packs=st.tuples(st.integers(1, 9), st.integers(1, 9)),
    prices=st.tuples(st.integers(1, 40_000), st.integers(1, 40_000)),
    used=st.tuples(st.integers(0, DEDUCTIBLE), st.integers(0, CAP)),
    account=st.integers(0, ACCOUNT),
)
def test_two_claims_at_once_never_pass_a_ceiling(
    packs: tuple[int, int], prices: tuple[int, int], used: tuple[int, int], account: int
) -> None:
    figures = YearFigures(deductible_used=used[0], pooled_paid=used[1])
    memory = insured_world(figures=figures, account_balance=account, assistance=None)
    for supply, pack, price in zip((FIRST, SECOND), packs, prices, strict=True):
        memory.hear(dispensed(supply_id=supply, lines=(dispensed_line(1, JIA, pack, price),)))
    room = {accumulator_of(PATIENT, 2026).stream_id, member_of(PATIENT).stream_id}

    one, other = decided(memory, authorisation(memory, FIRST)), decided(memory, authorisation(memory, SECOND))
    both = room & written(one).keys() & written(other).keys()
    memory.run(authorisation(memory, FIRST), PATIENT_ACTOR)

    if not both:  # the store would take the second as it was decided: then it is what would be decided now
        assert written(decided(memory, authorisation(memory, SECOND))) == written(other)
    memory.run(authorisation(memory, SECOND), PATIENT_ACTOR)
    year, member = memory.state(accumulator_of(PATIENT, 2026)), memory.state(member_of(PATIENT))
    assert year.used.deductible_used <= DEDUCTIBLE
    assert year.used.pooled_paid <= CAP
    assert sum(member.reserved.values()) <= account
    claimed = [memory.claim(1, supply).adjudication for supply in (FIRST, SECOND)]
    assert year.used.pooled_paid - used[1] == sum(each.paid_by("hifp") for each in claimed if each)


@settings(max_examples=15, deadline=None)
@given(price=st.integers(10_000, 40_000), left=st.integers(1, 3_000))
def test_where_both_want_the_last_room_both_write_the_stream_that_holds_it(price: int, left: int) -> None:
    """Without this the store would let both through."""
    figures = YearFigures(deductible_used=DEDUCTIBLE, pooled_paid=CAP - left)
    memory = insured_world(figures=figures, assistance=None)
    for supply in (FIRST, SECOND):
        memory.hear(dispensed(supply_id=supply, lines=(dispensed_line(1, JIA, 1, price),)))

    one, other = (written(decided(memory, authorisation(memory, supply))) for supply in (FIRST, SECOND))

    assume(price * 6_000 >= 10_000 * left)
    year = accumulator_of(PATIENT, 2026).stream_id
    assert one[year][0] == other[year][0]
    assert one[year][1]
    assert other[year][1]
