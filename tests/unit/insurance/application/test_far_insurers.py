"""An insurer beyond the network: asked once the request is saved, never twice for one sum."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest

from services.insurance.adapters.simulated_insurer.mishaps import Mishaps
from services.insurance.application.claim_inquiries import NOT_REACHED, inquire, line_to, record_authorisation
from services.insurance.application.claims import (
    authorise_claim,
    choose_self_pay_for_claim,
    decide_disputed_claim,
    give_credit_on_claim,
)
from services.insurance.application.registers import INSURANCE_REGISTER
from services.insurance.domain.accumulator import NOTHING_USED, YearFigures, accumulator_of
from services.insurance.domain.claim import (
    AuthoriseClaim,
    ChooseSelfPay,
    ClaimState,
    DecideDispute,
    GiveCredit,
    claim_id_of,
    next_due,
)
from services.insurance.domain.claim_decisions import record_quote
from services.insurance.domain.claim_settling import record_settlement, request_settlement
from services.insurance.domain.entitlement import interface_of
from services.insurance.domain.gateway import GatewayOutcome, OutcomeKind
from services.insurance.domain.member import MemberState, member_of
from services.insurance.domain.policy import POLICIES
from services.seedwork.model import Refusal
from services.seedwork.reference import entry
from tests.unit.insurance.far import URL, Far
from tests.unit.insurance.memory import (
    ADMIN,
    INSURER,
    OFFICER,
    PATIENT,
    PATIENT_ACTOR,
    PHARMACIST,
    SUPPLY,
    insured_world,
    received,
    recorded,
    undone,
)

FIRST = claim_id_of(SUPPLY, 1)
LATER = timedelta(minutes=16)


def state(far: Far, attempt: int = 1) -> str:
    return far.memory.claim(attempt).state


def used(far: Far) -> YearFigures:
    found: YearFigures = far.memory.state(accumulator_of(PATIENT, 2026)).used
    return found


def booked(far: Far) -> int:
    """Fen that stand in the insurer's books."""
    return sum(total for total, _, _ in far.theirs().values())


def asked(far: Far) -> Far:
    far.hear()
    far.ask()
    return far


# quoting


def test_the_insurer_itself_says_what_it_would_come_to() -> None:
    far = Far()
    far.hear()
    own = far.memory.claim().adjudication
    far.tick()
    claim = far.memory.claim()

    assert own is not None
    assert claim.adjudication is not None
    assert (own.policy, claim.adjudication.policy) == ("cn/000000/390/2026", f"insurer/{INSURER}")
    assert claim.adjudication.total == own.total
    assert (claim.state, next_due(claim), far.theirs()) == ("quoted", {}, {})
    assert far.memory.names_told() == ["insurance.claim_quoted.v1"] * 2


def test_without_an_answer_our_own_tables_stand_and_it_is_not_asked_for_ever() -> None:
    far = Far()
    far.cut = True
    far.hear()
    for _ in range(5):
        far.tick(LATER)
    claim = far.memory.claim()
    assert claim.adjudication is not None
    assert (claim.adjudication.policy, claim.quotes_unanswered) == ("cn/000000/390/2026", 3)
    assert next_due(claim) == {}

    refusing = Far()
    refusing.may_go_wrong(Mishaps.always("refuse"))
    refusing.hear()
    refusing.tick()
    assert (refusing.memory.claim().quotes_unanswered, next_due(refusing.memory.claim())) == (1, {})


# authorising with a credential


def test_the_request_is_saved_before_it_is_sent_and_the_credential_is_nowhere() -> None:
    far = Far()
    far.hear()
    ask = AuthoriseClaim(claim_id=FIRST, credential="card-9")
    answer = far.memory.run(authorise_claim(ask, far.memory.outside), PATIENT_ACTOR)
    assert (answer.body["state"], far.messages) == ("authorising", [])

    far.send(credential="card-9")

    assert (state(far), far.memory.claim().reference is not None) == ("authorised", True)
    assert "card-9" not in str([each.event for each in far.memory.log])
    assert far.ours() == far.theirs()


def test_the_amounts_are_the_insurers_and_take_room_of_the_year() -> None:
    far = asked(Far())
    claim = far.memory.claim()
    assert claim.adjudication is not None
    assert far.theirs() == {
        (str(claim.message_id), False): (22500, claim.adjudication.fund, claim.adjudication.paid_by("acct"))
    }
    assert used(far).pooled_paid == claim.adjudication.paid_by("hifp")
    far.pay()
    far.memory.hear(received())
    assert state(far) == "settled", "of an insurer in one step settling is our own posting"


def test_the_same_message_twice_books_once() -> None:
    far = asked(Far())
    again = far.send()
    assert again is not None
    assert (again.kind, len(far.theirs())) == (OutcomeKind.DUPLICATE, 1)

    twice = Far()
    twice.may_go_wrong(Mishaps.always("duplicate"))
    asked(twice)
    assert (state(twice), len(twice.theirs())) == ("authorised", 1)


def test_a_refusal_books_nothing() -> None:
    far = Far()
    far.may_go_wrong(Mishaps.always("refuse"))
    asked(far)
    assert (state(far), far.memory.claim().refusals) == ("refused", ("insurer.refused/-1",))
    assert (far.theirs(), used(far).pooled_paid) == ({}, 0)


def test_without_entitlement_nothing_is_sent() -> None:
    far = Far()
    far.hear()
    content = {"name": "x", "region": "310100", "interface": "national", "url": URL}
    far.memory.run(recorded("insurer", INSURER, content, date(2020, 1, 1), suspended=True), ADMIN)
    far.memory.run(
        authorise_claim(AuthoriseClaim(claim_id=FIRST, credential="card"), far.memory.outside), PATIENT_ACTOR
    )
    assert (state(far), far.memory.claim().refusals) == ("refused", ("insurer_not_in_force",))
    assert far.messages == []


@pytest.mark.parametrize("mode", ["fail", "unknown", "delay", "bad_signature"])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_what_is_not_answered_is_unknown_until_the_inquiry(mode: str, seed: int) -> None:
    """Whether the insurer had booked or not: nothing is handed out, and afterwards both sides are equal."""
    far = Far(seed=seed)
    far.may_go_wrong(Mishaps.always(mode))
    asked(far)
    assert (state(far), far.memory.claim().outcome_unknown) == ("authorising", True)
    assert used(far).pooled_paid == 0
    far.tick(LATER)
    assert state(far) == "authorising", "its answer is as little to be trusted as before"

    far.rest()

    assert state(far) in {"authorised", "quoted"}
    assert (state(far) == "authorised") == bool(booked(far))
    assert far.ours() == far.theirs()


def test_a_badly_signed_answer_changes_nothing_but_that_it_is_unknown() -> None:
    far = Far()
    far.hear()
    far.may_go_wrong(Mishaps.always("bad_signature"))
    before = len(far.memory.log)
    far.ask()
    added = [type(each.event).__name__ for each in far.memory.log[before:]]
    assert added == ["AuthorisationRequested", "AuthorisationOutcomeUnknown"]


def test_a_process_that_died_on_the_way_is_asked_about_by_the_clock() -> None:
    far = Far()
    far.hear()
    ask = AuthoriseClaim(claim_id=FIRST, credential="card")
    far.memory.run(authorise_claim(ask, far.memory.outside), PATIENT_ACTOR)
    far.tick()
    assert state(far) == "authorising", "its time has not come"
    far.tick(LATER)
    assert state(far) == "quoted"


def test_a_message_that_arrives_after_the_inquiry_books_nothing() -> None:
    far = Far()
    far.hear()
    far.cut = True
    far.ask()
    held = far.messages[-1]
    far.cut = False
    far.tick(LATER)
    assert (state(far), far.memory.claim().authorisations_lost) == ("quoted", 1)

    far.memory.time -= LATER  # the envelope is as old as it was
    far.deliver(held)
    far.memory.time += LATER

    assert far.theirs() == {}
    far.ask()
    assert (state(far), len(far.theirs())) == ("authorised", 1), "asked again it is another message"
    assert far.ours() == far.theirs()
    (totals,) = far.memory.rows("payer_totals_of_day", insurer=INSURER, day="2026-03-02")
    assert (totals["count"], totals["total"]) == (1, 22500), "the lost message is booked on neither side"


def test_an_answer_after_all_was_decided_changes_nothing() -> None:
    far = asked(Far())
    claim = far.memory.claim()
    assert claim.message_id is not None
    before = len(far.memory.log)
    late = GatewayOutcome(OutcomeKind.REFUSED, reasons=("late",))
    for claim_id, message_id in ((FIRST, claim.message_id), (FIRST, UUID(int=1)), (UUID(int=1), claim.message_id)):
        far.memory.run(record_authorisation(claim_id, message_id, late, far.memory.outside))
    assert len(far.memory.log) == before


# under a standing consent


def test_under_a_standing_consent_the_clock_sends_it() -> None:
    far = Far()
    far.stand()
    far.hear()
    assert (state(far), far.messages) == ("authorising", [])
    far.tick()
    assert state(far) == "authorised"


def test_under_a_standing_consent_it_is_asked_again_so_many_times() -> None:
    far = Far()
    far.stand()
    far.cut = True
    far.hear()
    far.tick()
    assert far.memory.claim().outcome_unknown
    far.cut = False
    far.tick(LATER)
    assert (state(far), far.memory.claim().authorisations_lost) == ("authorising", 1)
    for _ in range(6):
        far.cut = True
        far.tick(LATER)
        far.cut = False
        far.tick(LATER)
    assert (state(far), far.memory.claim().authorisations_lost) == ("quoted", 5)
    assert far.theirs() == {}


# taking back


def test_what_comes_back_is_taken_back_by_the_clock() -> None:
    far = asked(Far())
    far.memory.hear(undone())
    assert (state(far), booked(far)) == ("voiding", 22500)
    far.tick()
    assert (state(far), booked(far), used(far)) == ("voided", 0, YearFigures(deductible_used=15000, pooled_paid=0))
    assert far.ours() == far.theirs()


@pytest.mark.parametrize("mode", ["fail", "unknown", "delay", "bad_signature", "duplicate", "refuse"])
def test_a_voiding_is_done_once_however_often_it_is_asked_for(mode: str) -> None:
    far = asked(Far())
    far.may_go_wrong(Mishaps.always(mode))
    far.memory.hear(undone())
    for _ in range(3):
        far.tick(LATER)
    assert state(far) == ("voided" if mode == "duplicate" else "voiding")
    far.rest()
    assert (state(far), booked(far)) == ("voided", 0)
    assert far.ours() == far.theirs()


def test_an_unknown_authorisation_of_what_came_back_is_reversed_by_its_message() -> None:
    """2601, whether it had arrived or not; and should it still arrive, it books nothing."""
    for mute in (True, False):
        far = Far()
        far.hear()
        far.mute, far.cut = mute, not mute
        far.ask()
        held = far.messages[-1]
        far.mute = far.cut = False
        far.memory.hear(undone())
        far.tick()
        assert (state(far), booked(far)) == ("voided", 0)
        far.deliver(held)
        assert booked(far) == 0


def test_who_pays_alone_after_an_unknown_outcome_has_the_lost_message_reversed() -> None:
    far = Far()
    far.hear()
    far.mute = True
    far.ask()
    choice = ChooseSelfPay(claim_id=FIRST, consent="paper-1")
    far.memory.run(choose_self_pay_for_claim(choice, far.memory.outside), PATIENT_ACTOR)
    assert (state(far), state(far, 2)) == ("voiding", "authorised")
    far.rest()
    assert (state(far), booked(far)) == ("voided", 0)


def test_a_settled_claim_is_reversed_by_the_clock() -> None:
    far = asked(Far())
    far.pay()
    far.memory.hear(received())
    far.memory.hear(undone())
    assert (state(far), booked(far)) == ("reversing", 22500)
    far.may_go_wrong(Mishaps.always("delay"))
    far.tick()
    assert state(far) == "reversing"
    far.rest()
    assert (state(far), booked(far), far.memory.payment().state) == ("reversed", 0, "refunded")
    assert far.ours() == far.theirs()


def test_a_reversal_that_is_refused_is_disputed() -> None:
    far = asked(Far())
    far.pay()
    far.memory.hear(received())
    far.may_go_wrong(Mishaps.always("refuse"))
    far.memory.hear(undone())
    far.tick()
    assert (state(far), booked(far)) == ("disputed", 22500)
    assert far.ours() == far.theirs()


# in two steps


def two_steps(**how: Any) -> Far:
    far = asked(Far(steps="two_step", **how))
    far.pay()
    assert (state(far), far.theirs()) == ("authorised(cleared)", {}), "reserved is not booked"
    return far


def test_in_two_steps_it_books_once_the_patient_has_it() -> None:
    far = two_steps()
    far.memory.hear(received())
    assert (state(far), far.theirs()) == ("settling", {})
    assert far.memory.claim().settled_on is None
    far.tick()
    assert (state(far), booked(far)) == ("settled", 22500)
    assert far.memory.names_told()[-1] == "insurance.claim_settled.v1"
    assert far.memory.state(member_of(PATIENT)).reserved == {}
    assert far.ours() == far.theirs()


@pytest.mark.parametrize("mode", ["fail", "unknown", "delay", "bad_signature", "duplicate"])
def test_a_settlement_is_booked_once_however_often_it_is_sent(mode: str) -> None:
    far = two_steps()
    far.may_go_wrong(Mishaps.always(mode))
    far.memory.hear(received())
    far.tick()
    if mode != "duplicate":
        assert (state(far), far.memory.claim().settled_on) == ("settling", None)
        told: Any = far.memory.told[-1]
        assert (told.TYPE, told.stage) == ("insurance.claim_outcome_unknown.v1", "settle")
    far.rest()
    assert (state(far), booked(far)) == ("settled", 22500)
    assert far.ours() == far.theirs()


def test_what_comes_back_while_it_settles_is_reversed_afterwards() -> None:
    far = two_steps()
    far.memory.hear(received())
    far.memory.hear(undone())
    assert state(far) == "settling"
    far.rest()
    assert (state(far), booked(far)) == ("reversed", 0)
    assert far.ours() == far.theirs()


def test_what_is_reserved_is_freed_when_it_comes_back() -> None:
    far = two_steps()
    far.memory.hear(undone())
    far.tick()
    assert (state(far), far.theirs()) == ("voided", {})
    assert [found.state for found in far.books.entries.values()] == ["taken_back"]
    assert next(iter(far.books.used.values())) == NOTHING_USED


@pytest.mark.parametrize(
    ("decision", "bearer", "borne", "kept"),
    [("accepted_by_insurer", "insurer", 0, True), ("pharmacy_bears", "pharmacy", 1, False)],
)
def test_a_settlement_that_is_refused_is_decided_by_a_person(
    decision: Any, bearer: Any, borne: int, kept: bool
) -> None:
    far = two_steps()
    far.may_go_wrong(Mishaps.always("refuse"))
    far.memory.hear(received())
    far.tick()
    before = far.memory.claim().adjudication
    assert (state(far), before is None) == ("disputed", False)
    told: Any = far.memory.told[-1]
    assert (told.TYPE, told.stage) == ("insurance.claim_refused.v1", "late")

    billed = DecideDispute(claim_id=FIRST, decision="patient_billed", bearer="patient", reason="no ground")
    refused = far.memory.refused(decide_disputed_claim(billed, far.memory.outside), OFFICER)
    assert refused.code == "claim.decision_not_possible"
    decide = DecideDispute(claim_id=FIRST, decision=decision, bearer=bearer, reason="looked at")
    far.memory.run(decide_disputed_claim(decide, far.memory.outside), OFFICER)

    claim = far.memory.claim()
    accounts = {each.account: 0 for each in claim.postings}
    for posting in claim.postings:
        accounts[posting.account] += posting.amount
    assert before is not None
    assert (claim.state, accounts.pop(f"payable.{claim.opened.supply.pharmacy}")) == ("settled", -22500)  # type: ignore[union-attr]
    assert accounts.get(f"borne.{claim.opened.supply.pharmacy}", 0) == borne * (22500 - before.paid_by("patient"))  # type: ignore[union-attr]
    assert (used(far).pooled_paid > 0) is kept
    assert far.memory.state(member_of(PATIENT)).reserved == {}


# credit


def test_credit_before_the_answer_settles_once_it_is_known() -> None:
    far = Far()
    far.hear()
    far.mute = True
    far.ask()
    credit = GiveCredit(claim_id=FIRST, reason="insulin, none left")
    far.memory.run(give_credit_on_claim(credit, far.memory.outside), PHARMACIST)
    far.memory.hear(received())
    far.rest()
    assert state(far) == "settled"
    assert far.ours() == far.theirs()


# ways that are not there


def test_an_insurer_that_has_no_address_any_more_is_unknown_and_comes_back() -> None:
    far = asked(Far())
    register = entry(INSURANCE_REGISTER, "insurer", INSURER)
    kept = far.memory.streams.pop(register.stream_id)
    far.memory.hear(undone())
    far.tick()
    assert state(far) == "voiding"
    far.memory.streams[register.stream_id] = kept
    outside, far.memory.outside = far.memory.outside, replace(far.memory.outside, remote={})
    far.tick(LATER)
    assert state(far) == "voiding", "no gateway of this kind"
    far.memory.outside = outside
    far.tick(LATER)
    assert state(far) == "voided"


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ({"interface": "national"}, "url: register.url (missing)"),
        ({"steps": "two_step"}, "steps: "),
        ({"interface": "national", "url": "file:///x"}, "url: "),
        ({"interface": "national", "url": "http://a:b@far.example/x"}, "url: register.url (credentials)"),
        ({"interface": "pigeons"}, "interface: "),
    ],
)
def test_an_insurer_says_how_it_is_reached(content: dict[str, Any], complaint: str) -> None:
    memory = insured_world()
    body = memory.run(recorded("insurer", INSURER, {"name": "x", "region": "310100", **content}), ADMIN).body
    assert body["refused"] == 1
    assert body["rows"][0]["errors"][0].startswith(complaint)


def test_nothing_is_asked_about_what_is_not_there() -> None:
    far = Far()
    far.memory.run(inquire(UUID(int=1), far.memory.outside))
    insurer = far.memory.state(entry(INSURANCE_REGISTER, "insurer", INSURER))
    never_opened = ClaimState(interface=interface_of(insurer))
    line = line_to(never_opened, MemberState(), insurer, far.memory.outside, POLICIES.on(date(2026, 3, 2), "cn"))
    assert line.ask("authorise", UUID(int=1), far.memory.time, "card-1") == NOT_REACHED
    assert far.messages == []
    far.hear()
    claim = far.memory.claim()
    day, outcome = date(2026, 3, 2), GatewayOutcome(OutcomeKind.REFUSED)
    assert request_settlement(claim, far.memory.time) == []
    assert record_settlement(claim, outcome, day, far.memory.time) == []
    authorised = asked(Far()).memory.claim()
    assert record_quote(authorised, outcome, day, far.memory.time) == []
    assert not isinstance(record_quote(claim, outcome, day, far.memory.time), Refusal)
