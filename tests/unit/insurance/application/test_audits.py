"""The audit of a claim: what hints, what waits for a person, what is refused, appealed and taken back."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from contracts.events import insurance as public
from contracts.events.dispatch_stock import LotRecalled
from contracts.events.insurance_audit import AuditFlagged
from rxflow.docs.schemas import examples
from services.insurance.application.audits import end_audit_appeal
from services.insurance.application.claims import (
    choose_self_pay_for_claim,
    note_supply_taken_back,
    order_reversal,
)
from services.insurance.application.members import give_standing_authorisation
from services.insurance.domain.audit.case import AUDIT_TRANSITIONS, audit_id_of
from services.insurance.domain.audit.history import history_of
from services.insurance.domain.claim import ChooseSelfPay, OrderReversal, claim_id_of
from services.insurance.domain.claim_values import LineQuantity
from services.seedwork.usecase import Actor
from tests.unit.insurance.audits import (
    AGE,
    AUDIT_ID,
    COLLEAGUE,
    EARLY,
    HINT,
    OFFICER,
    RECALLED,
    SEX,
    TRACE,
    again,
    appeal,
    audited_world,
    authorise,
    case_of,
    decide,
    decide_appeal,
    pay_share,
    released,
    settle,
)
from tests.unit.insurance.memory import (
    JIA,
    PATIENT,
    PATIENT_ACTOR,
    PHARMACIST,
    SUPPLY,
    Memory,
    dispensed,
    received,
    recorded,
    undone,
)
from tests.unit.insurance.test_trace_alarms import repeated

WOMAN = {"patient_sex": "female"}
CHILD = {"patient_age_days": 4000}


def opened(*rules: dict[str, Any], prescription: dict[str, Any] | None = None, **world: Any) -> Memory:
    """A supply of the prescription is dispensed."""
    memory = audited_world(*rules, **world)
    memory.hear(released(**prescription or {}))
    memory.hear(dispensed())
    return memory


def standing(memory: Memory) -> None:
    memory.run(give_standing_authorisation(PATIENT_ACTOR), PATIENT_ACTOR)


def flags(memory: Memory) -> list[tuple[str, str, str]]:
    return [(told.stage, told.grade, told.status) for told in memory.told_of(AuditFlagged)]


# before the insurer is asked


def test_where_nothing_is_found_nothing_is_told() -> None:
    memory = opened(SEX, AGE, EARLY)
    settle(memory)
    assert memory.claim().state == "settled"
    assert flags(memory) == []
    assert memory.claim().audit is not None
    assert case_of(memory).state == "-"


def test_a_hint_stands_in_the_quote_and_stops_nothing() -> None:
    memory = opened(HINT)
    (quoted,) = memory.told_of(public.ClaimQuoted)
    assert [(hint.rule, hint.grade, hint.lines) for hint in quoted.audit_hints] == [("HINT", "hint", (1, 2, 3))]
    settle(memory)
    assert memory.claim().state == "settled"
    assert flags(memory) == [("before", "hint", "noted")]


def test_a_violation_refuses_the_claim_before_the_insurer_is_asked() -> None:
    memory = opened(SEX, prescription=WOMAN)
    claim = memory.claim()
    assert (claim.state, claim.refusals, claim.postings) == ("refused", ("audit/SEX@t-1",), ())
    (told,) = memory.told_of(public.ClaimRefused)
    assert (told.stage, told.may_self_pay) == ("authorise", True)
    assert flags(memory) == [("before", "violation", "blocked")]
    refused = authorise(memory).refusal
    assert refused is not None
    assert refused.code == "claim.wrong_state"


def test_of_a_refused_claim_the_patient_may_pay_alone() -> None:
    memory = opened(SEX, prescription=WOMAN)
    chosen = ChooseSelfPay(claim_id=claim_id_of(SUPPLY, 1), consent="paper-1")
    memory.run(choose_self_pay_for_claim(chosen, memory.outside), PATIENT_ACTOR)
    assert (memory.claim().state, memory.claim().insurer) == ("authorised", None)


def test_a_suspicion_waits_for_a_person_and_goes_on_when_it_is_cleared() -> None:
    memory = opened(AGE, prescription=CHILD)
    refusal = authorise(memory).refusal
    assert refusal is not None
    assert (refusal.code, refusal.facts) == ("claim.audit_open", {"audit_id": str(AUDIT_ID)})
    assert (memory.claim().state, flags(memory)) == ("quoted", [("before", "suspicious", "open")])

    assert decide(memory, "cleared").refusal is None

    assert memory.claim().state == "quoted"
    settle(memory)
    assert memory.claim().state == "settled"
    assert [status for _, _, status in flags(memory)] == ["open", "cleared"]
    assert (case_of(memory).decided, case_of(memory).appeal_decided) != (None, None)


def test_a_suspicion_upheld_refuses_the_claim() -> None:
    memory = opened(AGE, prescription=CHILD)
    decide(memory, "upheld")
    assert (memory.claim().state, memory.claim().refusals) == ("refused", ("audit/AGE@t-1",))


@pytest.mark.parametrize(
    ("grade", "state"), [("hint", "authorised"), ("suspicious", "quoted"), ("violation", "refused")]
)
def test_a_standing_authorisation_goes_as_far_as_the_audit_lets_it(grade: str, state: str) -> None:
    memory = audited_world({**AGE, "grade": grade})
    standing(memory)
    memory.hear(released(**CHILD))
    memory.hear(dispensed())
    assert memory.claim().state == state


def test_what_is_cleared_goes_on_by_a_standing_authorisation() -> None:
    memory = audited_world(AGE)
    standing(memory)
    memory.hear(released(**CHILD))
    memory.hear(dispensed())
    assert decide(memory, "cleared").refusal is None
    assert memory.claim().state == "authorised"


def test_what_becomes_known_after_the_quote_counts_when_the_insurer_is_asked() -> None:
    memory = audited_world(AGE, SEX)
    memory.hear(dispensed())
    assert memory.claim().audit is not None
    assert memory.claim().audit.unchecked == ("AGE", "SEX")  # type: ignore[union-attr]
    memory.hear(released(**CHILD))
    first = authorise(memory)
    assert (first.refusal, first.body["state"]) == (None, "quoted")
    assert flags(memory) == [("before", "suspicious", "open")]
    again_asked = authorise(memory).refusal
    assert again_asked is not None
    assert again_asked.code == "claim.audit_open"


def test_a_prescription_that_never_came_refuses_no_lawful_supply() -> None:
    memory = audited_world(SEX, AGE, EARLY)
    memory.hear(dispensed())
    settle(memory)
    assert memory.claim().state == "settled"


def test_without_an_insurer_nothing_is_audited_but_the_supply_counts() -> None:
    memory = audited_world(SEX, EARLY)
    memory.hear(released(**WOMAN))
    memory.hear(dispensed(insurance_intent="self_pay"))
    assert (memory.claim().audit, case_of(memory).state) == (None, "-")
    supply = again(memory, 2)
    assert case_of(memory, supply).state == "open"
    assert [finding.rule for finding in case_of(memory, supply).findings] == ["EARLY"]


# what was supplied before


def test_a_supply_that_came_back_is_not_before() -> None:
    memory = opened(EARLY)
    memory.hear(undone())
    supply = again(memory, 2)
    assert case_of(memory, supply).state == "-"
    assert memory.state(history_of(PATIENT, 2026)).out == {SUPPLY}


def test_a_supply_of_the_year_before_counts() -> None:
    memory = audited_world(EARLY)
    memory.time = memory.time.replace(year=2025, month=12, day=30)
    memory.hear(released())
    memory.hear(dispensed(insurance_intent="self_pay"))
    supply = again(memory, 3)
    assert memory.time.year == 2026
    assert [finding.rule for finding in case_of(memory, supply).findings] == ["EARLY"]


def test_a_claim_quoted_in_december_and_authorised_in_january_is_not_its_own_predecessor() -> None:
    memory = audited_world(EARLY)
    memory.time = memory.time.replace(year=2026, month=12, day=31)
    memory.hear(released())
    memory.hear(dispensed())
    memory.time += timedelta(days=1)
    settle(memory)
    assert memory.claim().state == "settled"
    assert len(memory.state(history_of(PATIENT, 2026)).supplies) == 1
    assert memory.state(history_of(PATIENT, 2027)).supplies == ()


def test_the_next_attempt_is_the_same_supply() -> None:
    memory = opened(EARLY)
    settle(memory)
    part = (LineQuantity(line=1, quantity=10),)
    memory.run(note_supply_taken_back(SUPPLY, part, memory.outside, message_id=UUID(int=77)))
    assert (memory.claim().state, memory.claim(2).state) == ("reversed", "quoted")
    assert len(memory.state(history_of(PATIENT, 2026)).supplies) == 1
    assert case_of(memory).state == "-"


# trace codes and lots


def test_a_repeated_trace_code_of_a_quoted_claim_refuses_it() -> None:
    memory = opened(TRACE)
    memory.hear(repeated())
    assert (memory.claim().state, flags(memory)) == ("refused", [("before", "violation", "blocked")])
    memory.hear(repeated())
    assert len(flags(memory)) == 1


def test_a_repeated_trace_code_of_a_settled_claim_waits_for_a_person() -> None:
    memory = opened(TRACE)
    settle(memory)
    memory.hear(repeated())
    assert (memory.claim().state, flags(memory)) == ("settled", [("after", "violation", "open")])


def held_by_a_repeat() -> Memory:
    """Authorised, paid and received; its code has turned up elsewhere meanwhile."""
    memory = opened(TRACE)
    assert authorise(memory).refusal is None
    pay_share(memory)
    memory.hear(repeated())
    memory.hear(received())
    return memory


def test_a_repeated_trace_code_keeps_an_authorised_claim_from_settling_until_somebody_decides() -> None:
    memory = held_by_a_repeat()
    assert (memory.claim().state, flags(memory)) == ("authorised(cleared)", [("after", "violation", "open")])
    decide(memory, "cleared")
    assert memory.claim().state == "settled"


@pytest.mark.parametrize(("decision", "state"), [("granted", "settled"), ("rejected", "reversed")])
def test_what_a_repeat_holds_back_is_settled_or_taken_back_once_it_is_decided_for_good(
    decision: str, state: str
) -> None:
    memory = held_by_a_repeat()
    decide(memory, "upheld")
    appeal(memory, PHARMACIST)
    assert memory.claim().state == "authorised(cleared)"
    decide_appeal(memory, decision)
    assert memory.claim().state == state


def test_who_pays_alone_waits_for_no_audit() -> None:
    memory = opened(TRACE)
    memory.hear(repeated())
    command = ChooseSelfPay(claim_id=claim_id_of(SUPPLY, 1), consent="form-1")
    memory.run(choose_self_pay_for_claim(command, memory.outside), PATIENT_ACTOR)
    pay_share(memory)
    memory.hear(received())
    assert memory.claim().state == "settled"


def test_a_repeat_that_is_told_before_its_supply_refuses_the_claim_as_well() -> None:
    memory = audited_world(TRACE)
    memory.hear(released())
    sold = hashlib.sha256(dispensed().lines[0].trace_codes[0].encode()).hexdigest()
    memory.hear(repeated(code_sha256=sold))
    memory.hear(dispensed())
    assert (memory.claim().state, flags(memory)) == ("refused", [("before", "violation", "blocked")])


def test_a_recalled_lot_is_suspected_when_the_claim_comes_late() -> None:
    memory = audited_world(RECALLED)
    example = examples()["dispatch.lot_recalled.v1"]
    memory.hear(LotRecalled.model_validate({**example, "product": JIA, "lots": ["L1"]}))
    memory.hear(dispensed())
    (finding,) = case_of(memory).findings
    assert (finding.rule, finding.lines, case_of(memory).state) == ("RECALLED", (1,), "open")


# appeal


@pytest.mark.parametrize("actor", [PATIENT_ACTOR, PHARMACIST])
def test_a_granted_appeal_lets_a_refused_claim_go_on(actor: Actor) -> None:
    memory = opened(SEX, prescription=WOMAN)
    assert appeal(memory, actor).refusal is None
    assert decide_appeal(memory, "granted").refusal is None
    assert (memory.claim().state, memory.claim().refusals) == ("quoted", ())
    settle(memory)
    assert memory.claim().state == "settled"
    assert [status for _, _, status in flags(memory)] == ["blocked", "appealed", "cleared"]


def test_a_granted_appeal_goes_on_by_a_standing_authorisation() -> None:
    memory = opened(SEX, prescription=WOMAN)
    standing(memory)
    appeal(memory)
    decide_appeal(memory, "granted")
    assert memory.claim().state == "authorised"


def test_a_rejected_appeal_leaves_the_claim_refused() -> None:
    memory = opened(SEX, prescription=WOMAN)
    appeal(memory)
    decide_appeal(memory, "rejected")
    assert (memory.claim().state, case_of(memory).state) == ("refused", "final")
    for asked in (appeal(memory), decide_appeal(memory, "granted"), decide(memory, "cleared")):
        assert asked.refusal is not None
        assert asked.refusal.code == "audit.wrong_state"


def test_who_decided_first_does_not_decide_the_appeal() -> None:
    memory = opened(AGE, prescription=CHILD)
    decide(memory, "upheld")
    appeal(memory)
    refused = decide_appeal(memory, "granted", OFFICER).refusal
    assert refused is not None
    assert refused.code == "audit.same_person"
    assert decide_appeal(memory, "granted", COLLEAGUE).refusal is None


def test_an_appeal_is_in_time_on_its_last_day_and_not_after_it() -> None:
    memory = opened(SEX, prescription=WOMAN, appeal_days=3)
    memory.time += timedelta(days=3)
    in_time = memory.time
    memory.time += timedelta(days=1)
    late = appeal(memory).refusal
    assert late is not None
    assert (late.code, late.facts) == ("audit.appeal_too_late", {"until": "2026-03-05"})
    memory.time = in_time
    assert appeal(memory).refusal is None


def test_an_appeal_of_a_claim_paid_alone_changes_no_money() -> None:
    memory = opened(SEX, prescription=WOMAN)
    chosen = ChooseSelfPay(claim_id=claim_id_of(SUPPLY, 1), consent="paper-1")
    memory.run(choose_self_pay_for_claim(chosen, memory.outside), PATIENT_ACTOR)
    appeal(memory)
    decide_appeal(memory, "granted")
    assert (memory.claim().state, memory.claim().insurer) == ("authorised", None)


def test_a_refusal_of_the_insurer_is_not_lifted_by_the_audit() -> None:
    memory = opened({**AGE, "grade": "suspicious"}, prescription=CHILD)
    claim = memory.streams[claim_id_of(SUPPLY, 1)]
    decide(memory, "upheld")
    claim[-1] = claim[-1].model_copy(update={"reasons": ("not_a_member",)})
    appeal(memory)
    decide_appeal(memory, "granted")
    assert memory.claim().state == "refused"


# after settlement


def found_after(memory: Memory) -> None:
    settle(memory)
    memory.hear(repeated())


def test_what_is_upheld_after_settlement_is_taken_back_once_the_appeal_is_over() -> None:
    memory = opened(TRACE)
    found_after(memory)
    decide(memory, "upheld")
    assert memory.claim().state == "settled"
    memory.move_clock(timedelta(days=15))
    assert (memory.claim().state, case_of(memory).state) == ("settled", "upheld")
    memory.move_clock(timedelta(days=1))
    assert (memory.claim().state, case_of(memory).state) == ("reversed", "final")
    reverse = memory.claim().reverse
    assert reverse is not None
    assert (reverse.ordered_by, reverse.order_reason) == ("officer-1", "audit/TRACE@t-1: 病历核实")
    assert sum(posting.amount for posting in memory.claim().postings if posting.account.startswith("payable")) == 0


@pytest.mark.parametrize(("decision", "state"), [("granted", "settled"), ("rejected", "reversed")])
def test_an_appeal_after_settlement_decides_about_the_money(decision: str, state: str) -> None:
    memory = opened(TRACE)
    found_after(memory)
    decide(memory, "upheld")
    appeal(memory, PHARMACIST)
    memory.move_clock(timedelta(days=30))
    assert memory.claim().state == "settled"
    decide_appeal(memory, decision)
    assert memory.claim().state == state


def test_what_is_found_again_at_settlement_is_not_decided_again() -> None:
    memory = opened(AGE, prescription=CHILD)
    decide(memory, "cleared")
    settle(memory)
    assert case_of(memory).state == "cleared"


def test_what_is_known_only_at_settlement_is_found_then() -> None:
    memory = audited_world(AGE)
    memory.hear(dispensed())
    assert authorise(memory).refusal is None
    memory.hear(released(**CHILD))
    pay_share(memory)
    memory.hear(received())
    assert (memory.claim().state, flags(memory)) == ("settled", [("after", "suspicious", "open")])


def test_what_stands_for_good_before_the_claim_settles_takes_it_back_when_it_does() -> None:
    memory = opened(TRACE)
    assert authorise(memory).refusal is None
    memory.hear(repeated())
    decide(memory, "upheld")
    pay_share(memory)
    memory.move_clock(timedelta(days=16))
    assert (memory.claim().state, case_of(memory).state) == ("authorised(cleared)", "final")
    memory.hear(received())
    assert memory.claim().state == "reversed"


def test_a_claim_that_was_taken_back_meanwhile_is_not_taken_back_twice() -> None:
    memory = opened(TRACE)
    found_after(memory)
    decide(memory, "upheld")
    order = OrderReversal(claim_id=claim_id_of(SUPPLY, 1), reason="查实违规")
    memory.run(order_reversal(order, memory.outside), OFFICER)
    memory.move_clock(timedelta(days=20))
    assert (memory.claim().state, case_of(memory).state) == ("reversed", "final")


def test_a_new_finding_opens_a_cleared_case_again() -> None:
    memory = opened(AGE, TRACE, prescription=CHILD)
    decide(memory, "cleared")
    found_after(memory)
    assert case_of(memory).state == "open"
    assert case_of(memory).decided is None
    assert [finding.rule for finding in case_of(memory).findings] == ["AGE", "TRACE"]
    assert case_of(memory).stage == "after"


def test_a_hint_changes_the_state_of_no_case() -> None:
    memory = opened(AGE, prescription=CHILD)
    content = {"version": "t-2", "rules": [AGE, HINT]}
    memory.run(recorded("audit_rules", "cn", content))
    assert authorise(memory).refusal is None
    assert [status for _, _, status in flags(memory)] == ["open", "open"]
    assert case_of(memory).grade == "suspicious"


# who


def test_only_the_parties_have_to_do_with_a_case() -> None:
    memory = opened(AGE, prescription=CHILD)
    other = Actor("officer-9", "insurance_officer", organisation="I330100")
    for asked in (decide(memory, "cleared", other), appeal(memory, Actor("p", "patient", patient_ref=UUID(int=9)))):
        assert asked.refusal is not None
        assert asked.refusal.code == "audit.not_yours"
    unknown = decide(memory, "cleared", supply=UUID(int=9)).refusal
    assert unknown is not None
    assert unknown.code == "audit.unknown"
    assert case_of(memory).state == "open"


def test_the_clock_of_a_case_that_is_decided_does_nothing() -> None:
    memory = opened(AGE, prescription=CHILD)
    before = len(memory.log)
    assert memory.run(end_audit_appeal(AUDIT_ID, memory.outside)).refusal is None
    assert len(memory.log) == before


def test_the_table_and_the_cases_agree() -> None:
    reached = {row.next for row in AUDIT_TRANSITIONS.rows}
    assert reached == {"noted", "open", "blocked", "cleared", "upheld", "appealed", "final"}
    assert audit_id_of(SUPPLY) == AUDIT_ID
