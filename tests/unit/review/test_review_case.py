"""The life of a review case: who may take it, how it ends."""

import hashlib
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from contracts.events.prescribe import PrescriptionCancelled, PrescriptionExpired
from contracts.events.review import CaseClosed, CasePassed, CaseRefused, CaseReturned, CaseScreened
from contracts.registers import Person
from services.review.application import licences
from services.review.composition import SERVICE
from services.review.domain.case import CASE, LEASE, case_ref
from services.review.domain.case_transitions import CASE_TRANSITIONS
from services.review.domain.commands import CodedFinding
from services.seedwork.reference import entry
from services.seedwork.usecase import Actor
from tests.unit.review.conftest import (
    DOCTOR,
    HOSPITAL,
    LI,
    NOW,
    SUN,
    Hospital,
    digest,
    issued,
    line,
    reviewer,
)
from tests.unit.review.steps import pass_, put_back, refuse, return_, status, take, taken

LEASE_TIME = timedelta(minutes=30)
Code = Callable[[Any], str | None]


def test_an_issued_prescription_is_opened_and_screened_in_one_go(hospital: Hospital) -> None:
    case = hospital.issue()

    assert status(hospital, case) == "queued"
    assert len(hospital.store.told_of(CaseScreened)) == 1


def test_the_same_prescription_told_twice_is_one_case(hospital: Hospital) -> None:
    event = issued()
    hospital.store.react(event)
    hospital.store.react(event)

    assert len(hospital.store.told_of(CaseScreened)) == 1


def test_a_case_that_exists_without_its_dossier_entry_is_not_opened_again(hospital: Hospital) -> None:
    event = issued()
    hospital.store.react(event)
    dossier = next(id_ for id_, ref in hospital.store.refs.items() if ref.aggregate.name == "dossier")
    hospital.store.streams[dossier] = []

    hospital.store.react(event)

    assert len(hospital.store.told_of(CaseScreened)) == 1


def test_blanks_are_no_word_on_a_serious_finding(hospital: Hospital, code_of: Code) -> None:
    case = taken(hospital, lines=[line(days=14)])
    blank = hospital.signed(case, comments=[{"finding": 1, "comment": " \u3000"}])

    assert code_of(pass_(hospital, case, blank)) == "request.invalid"
    assert status(hospital, case) == "taken"


@pytest.mark.parametrize("how", [{"instructions": "遵 医 嘱"}, {"herb_note": "遵医嘱"}, {"route": "Ａs  directed"}])
def test_no_spacing_width_or_footnote_hides_as_directed(hospital: Hospital, how: dict[str, str]) -> None:
    case = hospital.issue(lines=[line() | how])

    found = {finding.rule for finding in hospital.store.state(case_ref(case)).findings}
    assert "N3.5.vague_directions" in found


def test_a_long_term_supply_is_no_longer_supply_without_a_reason(hospital: Hospital) -> None:
    lines = [line(days=28)]
    plan = {"instalments": 2, "days": 14, "lead_days": 5, "open_days": 14}
    cases = hospital.issue(lines=lines, plan=plan, plan_assessment="病情稳定"), hospital.issue(lines=lines)

    found = [hospital.store.state(case_ref(case)).findings for case in cases]
    assert [[each.rule for each in findings] for findings in found] == [
        ["N3.6.longer_supply_explained"],
        ["N3.6.longer_supply"],
    ]


@pytest.mark.parametrize("is_taken", [False, True])
def test_a_newer_revision_supersedes_the_open_case(hospital: Hospital, is_taken: bool) -> None:
    prescription = uuid4()
    older = hospital.issue(prescription_id=prescription)
    if is_taken:
        take(hospital, older)

    newer = hospital.issue(prescription_id=prescription, revision=2)

    (closed,) = hospital.store.told_of(CaseClosed)
    assert (closed.case_id, closed.closed_as, closed.revision) == (older, "superseded", 1)
    assert (status(hospital, older), status(hospital, newer)) == ("closed", "queued")


def test_an_older_revision_that_is_told_late_opens_nothing(hospital: Hospital) -> None:
    prescription = uuid4()
    hospital.issue(prescription_id=prescription, revision=2)

    older = hospital.issue(prescription_id=prescription, revision=1)

    assert status(hospital, older) == "-"


def test_a_decided_case_stays_decided_when_a_newer_revision_comes(hospital: Hospital) -> None:
    prescription = uuid4()
    older = taken(hospital, prescription_id=prescription)
    return_(hospital, older)

    hospital.issue(prescription_id=prescription, revision=2)

    assert status(hospital, older) == "returned"


@pytest.mark.parametrize("is_taken", [False, True])
def test_a_cancelled_prescription_withdraws_its_open_case(hospital: Hospital, is_taken: bool) -> None:
    prescription = uuid4()
    case = hospital.issue(prescription_id=prescription)
    if is_taken:
        take(hospital, case)

    hospital.store.react(cancelled(prescription))

    (closed,) = hospital.store.told_of(CaseClosed)
    assert closed.closed_as == "withdrawn"
    assert status(hospital, case) == "closed"


def test_an_expired_prescription_lapses_its_open_case(hospital: Hospital) -> None:
    prescription = uuid4()
    hospital.issue(prescription_id=prescription)
    expired = PrescriptionExpired(prescription_id=prescription, patient_ref=UUID(int=7), valid_until=NOW, lines=())

    hospital.store.react(expired)
    hospital.store.react(expired)

    assert [closed.closed_as for closed in hospital.store.told_of(CaseClosed)] == ["lapsed"]


def test_a_passed_case_is_not_withdrawn(hospital: Hospital) -> None:
    prescription = uuid4()
    case = taken(hospital, prescription_id=prescription)
    pass_(hospital, case)

    hospital.store.react(cancelled(prescription))

    assert status(hospital, case) == "passed"


def test_the_end_of_a_prescription_that_review_never_saw_is_nothing(hospital: Hospital) -> None:
    hospital.store.react(cancelled(uuid4()))

    assert hospital.store.told == []


def cancelled(prescription: UUID) -> PrescriptionCancelled:
    return PrescriptionCancelled(
        prescription_id=prescription, patient_ref=UUID(int=7), request_id=uuid4(), reason_code="entry_error", lines=()
    )


def test_a_reviewer_of_the_institution_takes_a_case_until_the_lease_ends(hospital: Hospital) -> None:
    case = hospital.issue()

    outcome = take(hospital, case)

    assert outcome.body == {
        "case_id": str(case),
        "state": "taken",
        "lease_until": (NOW + LEASE_TIME).isoformat(),
    }


def test_nobody_else_takes_a_taken_case(hospital: Hospital, code_of: Code) -> None:
    case = taken(hospital)

    assert code_of(take(hospital, case, reviewer(LI))) == "case.wrong_state"


def test_an_unknown_case_cannot_be_taken(hospital: Hospital, code_of: Code) -> None:
    assert code_of(take(hospital, uuid4())) == "case.unknown"
    assert code_of(put_back(hospital, uuid4())) == "case.unknown"
    assert code_of(pass_(hospital, uuid4())) == "case.unknown"
    assert code_of(return_(hospital, uuid4())) == "case.unknown"
    assert code_of(refuse(hospital, uuid4())) == "case.unknown"


def test_a_prescriber_never_reviews_the_own_prescription(hospital: Hospital, code_of: Code) -> None:
    assert code_of(take(hospital, hospital.issue(), reviewer(DOCTOR))) == "case.own_prescription"


def test_another_institutions_reviewer_is_refused(hospital: Hospital, code_of: Code) -> None:
    hospital.admit_person("HY330106000001", "周洁", "reviewer", organisation="H33010600001")
    stranger = reviewer("HY330106000001", "H33010600001")

    assert code_of(take(hospital, hospital.issue(), stranger)) == "case.not_yours"


def test_a_token_for_another_institution_than_the_registers_is_refused(hospital: Hospital, code_of: Code) -> None:
    assert code_of(take(hospital, hospital.issue(), reviewer(SUN, "H33010600001"))) == "case.institution_not_admitted"
    assert code_of(take(hospital, hospital.issue(), Actor(SUN, "reviewer"))) == "case.institution_not_admitted"


def test_who_is_in_no_register_cannot_review(hospital: Hospital, code_of: Code) -> None:
    assert code_of(take(hospital, hospital.issue(), reviewer("HY999999000001"))) == "case.reviewer_not_registered"


def test_a_suspended_reviewer_cannot_take_and_cannot_decide(hospital: Hospital, code_of: Code) -> None:
    case, other = taken(hospital), hospital.issue()

    hospital.admit_person(SUN, "孙丽", "reviewer", suspended=True)

    assert code_of(take(hospital, other)) == "case.reviewer_not_registered"
    assert code_of(return_(hospital, case)) == "case.reviewer_not_registered"


def test_a_person_without_the_profession_cannot_review(hospital: Hospital, code_of: Code) -> None:
    hospital.admit_person("HY330102000009", "钱伟", "preparer")

    assert code_of(take(hospital, hospital.issue(), reviewer("HY330102000009"))) == "case.not_a_reviewer"


def test_a_suspended_institution_does_not_review(hospital: Hospital, code_of: Code) -> None:
    content = {"name": "上城区示例医院", "region": "330102", "level": 3}
    hospital.admit("institution", HOSPITAL, content, suspended=True)

    assert code_of(take(hospital, hospital.issue())) == "case.institution_not_admitted"


def test_only_the_registers_that_review_obeys_are_copied_and_only_changes(hospital: Hospital) -> None:
    before = hospital.store.log_index

    hospital.admit("institution", HOSPITAL, {"name": "上城区示例医院", "region": "330102", "level": 3})
    hospital.admit("drug", "XA01", {"generic_name": "阿司匹林"})

    assert hospital.store.log_index == before
    copy = hospital.store.state(entry(licences.REFERENCE, "person", SUN))
    assert Person.model_validate(copy.content).name == "孙丽"


def test_the_clock_puts_a_case_back_when_the_lease_is_over(hospital: Hospital) -> None:
    case = taken(hospital)

    hospital.store.move_clock(LEASE_TIME)

    assert status(hospital, case) == "queued"
    assert take(hospital, case, reviewer(LI)).refusal is None


def test_a_timer_that_fires_too_early_changes_nothing(hospital: Hospital) -> None:
    case = taken(hospital)

    hospital.store.run(SERVICE.timers[CASE.name, LEASE](case))

    assert status(hospital, case) == "taken"


def test_a_case_can_be_taken_after_the_lease_before_the_clock_has_noticed(hospital: Hospital) -> None:
    case = taken(hospital)
    hospital.store.time += LEASE_TIME

    take(hospital, case, reviewer(LI))

    assert hospital.store.state(case_ref(case)).holder.person == LI


def test_the_lease_holds_for_decisions_whether_the_clock_has_noticed_or_not(hospital: Hospital, code_of: Code) -> None:
    case = taken(hospital)
    hospital.store.time += LEASE_TIME

    assert code_of(pass_(hospital, case)) == "case.lease_expired"
    assert code_of(put_back(hospital, case)) == "case.lease_expired"


def test_only_the_holder_puts_back_and_decides(hospital: Hospital, code_of: Code) -> None:
    case = taken(hospital)
    li = reviewer(LI)

    assert code_of(put_back(hospital, case, li)) == "case.taken_by_another"
    assert code_of(pass_(hospital, case, actor=li)) == "case.taken_by_another"
    assert code_of(return_(hospital, case, actor=li)) == "case.taken_by_another"
    assert code_of(refuse(hospital, case, actor=li)) == "case.taken_by_another"


def test_a_case_that_was_put_back_waits_for_anybody(hospital: Hospital, code_of: Code) -> None:
    case = taken(hospital)

    put_back(hospital, case)

    assert status(hospital, case) == "queued"
    assert code_of(put_back(hospital, case)) == "case.wrong_state"
    assert take(hospital, case, reviewer(LI)).refusal is None


def test_a_pass_is_told_with_the_reviewers_name_and_the_digest_of_the_signature(hospital: Hospital) -> None:
    case = taken(hospital)
    jws = hospital.signed(case)

    outcome = pass_(hospital, case, jws)

    assert outcome.body["state"] == "passed"
    (passed,) = hospital.store.told_of(CasePassed)
    (who,) = passed.reviewers
    assert (who.person, who.name, who.organisation) == (SUN, "孙丽", HOSPITAL)
    assert who.signed_sha256 == hashlib.sha256(jws.encode()).hexdigest()
    assert passed.signed_sha256 == digest(1)
    assert passed.comment is None


def test_the_signature_is_kept_as_it_was_received(hospital: Hospital) -> None:
    case = taken(hospital)
    jws = hospital.signed(case)

    pass_(hospital, case, jws)

    assert hospital.store.streams[case][-1].signature == jws  # type: ignore[attr-defined]


def test_a_serious_finding_needs_a_comment(hospital: Hospital, code_of: Code) -> None:
    case = taken(hospital, lines=[line(days=14)])

    assert code_of(pass_(hospital, case)) == "case.comment_missing"

    jws = hospital.signed(case, comments=[{"finding": 1, "comment": "已电话确认, 患者长期外出"}])
    assert pass_(hospital, case, jws).refusal is None
    assert hospital.store.told_of(CasePassed)[0].comment == "1: 已电话确认, 患者长期外出"


def test_a_blocking_finding_is_never_passed(hospital: Hospital, code_of: Code) -> None:
    case = taken(hospital, validity_days=4)
    jws = hospital.signed(case, comments=[{"finding": 1, "comment": "没有问题"}])

    assert code_of(pass_(hospital, case, jws)) == "case.blocking_finding"


def test_a_comment_on_a_finding_that_is_not_there_is_refused(hospital: Hospital, code_of: Code) -> None:
    case = taken(hospital)
    jws = hospital.signed(case, comments=[{"finding": 3, "comment": "?"}])

    assert code_of(pass_(hospital, case, jws)) == "case.unknown_finding"


@pytest.mark.parametrize("changes", [{"revision": 2}, {"signed_sha256": digest(2)}, {"case_id": str(UUID(int=5))}])
def test_a_signature_over_something_else_passes_nothing(
    hospital: Hospital, code_of: Code, changes: dict[str, Any]
) -> None:
    case = taken(hospital)

    assert code_of(pass_(hospital, case, hospital.signed(case, **changes))) == "case.signed_something_else"
    assert status(hospital, case) == "taken"


def test_a_key_of_somebody_else_passes_nothing(hospital: Hospital, code_of: Code) -> None:
    case = taken(hospital)

    assert code_of(pass_(hospital, case, hospital.signed(case, person=LI))) == "signature.unknown_key"
    assert code_of(pass_(hospital, case, hospital.signed(case)[:-4] + "AAAA")) == "signature.invalid"


def test_without_a_register_entry_there_is_no_key_to_check_by(hospital: Hospital, code_of: Code) -> None:
    case = taken(hospital)
    nobody = reviewer("HY999999000001")

    assert code_of(pass_(hospital, case, hospital.signed(case), nobody)) == "signature.unknown_key"


def test_a_signed_payload_that_is_no_pass_is_invalid(hospital: Hospital, code_of: Code) -> None:
    case = taken(hospital)

    outcome = pass_(hospital, case, hospital.signed(case, signed_sha256="short", extra=1))

    assert code_of(outcome) == "request.invalid"
    assert outcome.refusal is not None
    assert {error["at"] for error in outcome.refusal.facts["errors"]} == {"signed_sha256", "extra"}


def test_a_degraded_case_can_be_passed_by_a_pharmacist(hospital: Hospital) -> None:
    case = taken(hospital, facts=None, diagnoses=None)

    assert pass_(hospital, case).refusal is None


def test_a_return_tells_the_findings_of_the_rules_and_of_the_pharmacist(hospital: Hospital) -> None:
    case = taken(hospital, lines=[line(days=14)])

    return_(hospital, case, CodedFinding(code="1-12", lines=(1,), confirmable=True), CodedFinding(code="2-5"))

    (returned,) = hospital.store.told_of(CaseReturned)
    assert [(f.number, f.rule, f.result_code) for f in returned.findings] == [
        (1, "N3.6.longer_supply", "1-12"),
        (2, "pharmacist", "1-12"),
        (3, "pharmacist", "2-5"),
    ]
    assert returned.codes == ("1-12", "2-5")
    assert returned.comment == "请核对剂量"
    assert returned.reviewers[0].signed_sha256 is None


def test_a_return_needs_official_codes_and_lines_that_exist(hospital: Hospital, code_of: Code) -> None:
    case = taken(hospital)

    assert code_of(return_(hospital, case, CodedFinding(code="9-9"))) == "case.unknown_code"
    assert code_of(return_(hospital, case, CodedFinding(code="2-5", lines=(2,)))) == "case.unknown_line"


def test_a_refusal_is_told_with_its_codes_and_reason(hospital: Hospital) -> None:
    case = taken(hospital)

    assert refuse(hospital, case, "3-1", "2-8").body["state"] == "refused"

    (refused,) = hospital.store.told_of(CaseRefused)
    assert (refused.codes, refused.reason) == (("3-1", "2-8"), "诊断不支持用药")


def test_only_serious_codes_refuse(hospital: Hospital, code_of: Code) -> None:
    assert code_of(refuse(hospital, taken(hospital), "3-1", "1-12")) == "case.code_not_serious"


@pytest.mark.parametrize("end", [pass_, return_, refuse])
def test_a_decided_case_answers_to_nothing(hospital: Hospital, code_of: Code, end: Any) -> None:
    case = taken(hospital)
    end(hospital, case)

    assert code_of(take(hospital, case)) == "case.wrong_state"
    assert code_of(put_back(hospital, case)) == "case.wrong_state"
    assert code_of(pass_(hospital, case)) == "case.wrong_state"
    assert code_of(return_(hospital, case)) == "case.wrong_state"
    assert code_of(refuse(hospital, case)) == "case.wrong_state"


def test_every_step_of_the_table_starts_from_a_state_that_some_step_reaches() -> None:
    reached = {row.next.split(" ")[0] for row in CASE_TRANSITIONS.rows}

    assert {row.state for row in CASE_TRANSITIONS.rows} - {"-"} <= reached
