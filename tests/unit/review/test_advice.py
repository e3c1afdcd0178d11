"""Advice on the record: consultations that somebody asks for, and reviews of all that a patient takes."""

from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from pydantic import ValidationError

from contracts.events.prescribe import PatientForgotten, PrescriptionIssued
from contracts.events.review import AdviceGiven
from contracts.roles import Role
from services.review.api import router
from services.review.api.advice import SuggestionBody
from services.review.domain.advice import duplicates_in
from services.review.domain.advice_transitions import CONSULTATION_TRANSITIONS, MEDICATION_REVIEW_TRANSITIONS
from services.review.domain.commands import SuggestChanges
from services.review.domain.values import Medicine
from tests.support.http_caller import Caller
from tests.unit.review.conftest import DOCTOR, HOSPITAL, NOW, SUN, Hospital, issued, line, released
from tests.unit.review.test_delegated_review import CENTRE, ZHAO, agree

PATIENT = UUID(int=7)
Send = Callable[..., Any]
CANDIDATE = {"drug_key": "药品2|片剂|0.2g", "action": "stop", "reason": "重复"}
SUGGESTION = {"candidates": [CANDIDATE], "advice": "建议停用"}


@pytest.fixture
def hospital(hospital: Hospital) -> Hospital:
    hospital.admit("institution", CENTRE, {"name": "市审方中心", "region": "330100", "level": 3})
    hospital.admit_person(ZHAO, "赵云", "reviewer", organisation=CENTRE)
    return hospital


@pytest.fixture
def send(hospital: Hospital, tmp_path: Path) -> Send:
    """Who says what: `send("patient", "POST", ...)`."""
    caller = Caller(hospital.store, router, tmp_path)
    tokens = {
        "patient": caller.token("p7", Role.PATIENT, patient_ref=PATIENT),
        "stranger": caller.token("p8", Role.PATIENT, patient_ref=UUID(int=8)),
        "doctor": caller.token(DOCTOR, Role.PRESCRIBER, organisation=HOSPITAL),
        "other doctor": caller.token("D330102000002", Role.PRESCRIBER, organisation=HOSPITAL),
        "sun": caller.token(SUN, Role.REVIEWER, organisation=HOSPITAL),
        "doctor as reviewer": caller.token(DOCTOR, Role.REVIEWER, organisation=HOSPITAL),
        "nobody": caller.token("HY999999000001", Role.REVIEWER, organisation=HOSPITAL),
        "zhao": caller.token(ZHAO, Role.REVIEWER, organisation=CENTRE),
    }

    def send_(who: str, method: str, path: str, **body: Any) -> Any:
        return caller(tokens[who], method, path, **({"json": body} if body else {})).json()

    return send_


def prescription(hospital: Hospital, **changes: Any) -> PrescriptionIssued:
    event = issued(**changes)
    hospital.store.react(event)
    return event


def ask(send: Send, *events: PrescriptionIssued, who: str = "patient", **more: Any) -> Any:
    ids = [str(event.prescription_id) for event in events]
    return send(who, "POST", "/consultations", prescriptions=ids, question="可以一起吃吗", **more)


def test_a_patient_asks_and_a_pharmacist_answers_by_name_to_all_concerned(hospital: Hospital, send: Send) -> None:
    first, second = prescription(hospital), prescription(hospital)
    asked = ask(send, first, second)
    path = f"/consultations/{asked['advice_id']}"

    assert asked["state"] == "asked"
    assert send("sun", "POST", f"{path}/answer", answer="可以, 间隔两小时")["state"] == "answered"

    told = hospital.store.told_of(AdviceGiven)
    assert [each.prescription_id for each in told] == [first.prescription_id, second.prescription_id]
    assert {(each.kind, each.text, each.pharmacist.person, each.candidates) for each in told} == {
        ("consultation", "可以, 间隔两小时", SUN, ())
    }
    shown = send("patient", "GET", f"/advice/{asked['advice_id']}")
    assert (shown["question"], shown["words"]) == ("可以一起吃吗", "可以, 间隔两小时")


def test_a_prescriber_asks_about_what_they_issued(hospital: Hospital, send: Send) -> None:
    event = prescription(hospital)

    assert ask(send, event, who="doctor")["state"] == "asked"
    assert ask(send, event, who="other doctor")["code"] == "advice.not_yours"


def test_a_patient_asks_about_own_prescriptions_that_review_knows(hospital: Hospital, send: Send) -> None:
    event = prescription(hospital)

    assert ask(send, event, who="stranger")["code"] == "advice.not_yours"
    assert ask(send, issued())["code"] == "advice.prescription_unknown"
    assert ask(send, event, issued())["code"] == "advice.prescription_unknown"


def test_a_consultation_is_about_one_patient(hospital: Hospital, send: Send) -> None:
    two = prescription(hospital), prescription(hospital, patient_ref=UUID(int=8))

    assert ask(send, *two, who="doctor")["code"] == "advice.several_patients"


def test_a_clinic_asks_another_institution_by_an_agreement(hospital: Hospital, send: Send) -> None:
    event = prescription(hospital)
    assert ask(send, event, who="doctor", institution=CENTRE)["code"] == "advice.no_agreement"
    agree(hospital)

    asked = ask(send, event, who="doctor", institution=CENTRE)

    path = f"/consultations/{asked['advice_id']}/answer"
    assert send("sun", "POST", path, answer="x")["code"] == "case.not_yours"
    assert [item["advice_id"] for item in send("zhao", "GET", "/advice")["items"]] == [asked["advice_id"]]
    assert send("zhao", "POST", path, answer="可以")["state"] == "answered"


def test_asking_the_own_institution_by_name_needs_no_agreement(hospital: Hospital, send: Send) -> None:
    assert ask(send, prescription(hospital), institution=HOSPITAL)["state"] == "asked"


def test_who_answers_is_licensed_and_not_the_asker(hospital: Hospital, send: Send) -> None:
    path = f"/consultations/{ask(send, prescription(hospital), who='doctor')['advice_id']}/answer"

    assert send("nobody", "POST", path, answer="x")["code"] == "case.reviewer_not_registered"
    assert send("doctor as reviewer", "POST", path, answer="x")["code"] == "advice.own_question"
    assert send("zhao", "POST", path, answer="x")["code"] == "case.not_yours"
    assert hospital.store.told_of(AdviceGiven) == []


def test_a_consultation_is_answered_or_withdrawn_once(hospital: Hospital, send: Send) -> None:
    event = prescription(hospital)
    answered, withdrawn = (f"/consultations/{ask(send, event)['advice_id']}" for _ in range(2))

    assert send("stranger", "POST", f"{withdrawn}/withdraw")["code"] == "advice.not_yours"
    assert send("patient", "POST", f"{withdrawn}/withdraw")["state"] == "withdrawn"
    assert send("sun", "POST", f"{withdrawn}/answer", answer="x")["code"] == "advice.wrong_state"
    send("sun", "POST", f"{answered}/answer", answer="x")
    assert send("patient", "POST", f"{answered}/withdraw")["code"] == "advice.wrong_state"
    assert send("sun", "POST", f"/medication-reviews/{answered.rpartition('/')[2]}/close")["code"] == "advice.unknown"


def test_unknown_advice_is_unknown(hospital: Hospital, send: Send) -> None:
    nothing = uuid4()

    for who, path, body in (
        ("sun", f"/consultations/{nothing}/answer", {"answer": "x"}),
        ("patient", f"/consultations/{nothing}/withdraw", {}),
        ("sun", f"/medication-reviews/{nothing}/suggest", SUGGESTION),
        ("sun", f"/medication-reviews/{nothing}/close", {}),
    ):
        assert send(who, "POST", path, **body)["code"] == "advice.unknown"
    assert send("sun", "GET", f"/advice/{nothing}")["code"] == "advice.unknown"


def taking(hospital: Hospital, *drugs: str) -> PrescriptionIssued:
    """A patient with one prescription in circulation per drug; the last of them."""
    for number, drug in enumerate(drugs):
        fields = {"drug_key": drug} | {"generic_name": drug.partition("|")[0]}
        event = prescription(hospital, lines=[line(days=7) | fields], prescription_id=UUID(int=number + 1))
        hospital.store.react(released(event))
    return event


def review(send: Send, event: PrescriptionIssued, who: str = "sun") -> Any:
    return send(who, "POST", "/medication-reviews", prescription_id=str(event.prescription_id))


def test_a_medication_review_shows_the_list_its_duplicates_and_the_findings(hospital: Hospital, send: Send) -> None:
    event = taking(hospital, "药品2|片剂|0.2g", "药品3|片剂|5mg", "药品2|缓释胶囊|0.3g")

    shown = send("sun", "GET", f"/advice/{review(send, event)['advice_id']}")

    assert [medicine["generic_name"] for medicine in shown["medicines"]] == ["药品2", "药品2", "药品3"]
    assert shown["duplicates"] == [["药品2|片剂|0.2g", "药品2|缓释胶囊|0.3g"]]
    assert [finding["rule"] for finding in shown["findings"]] == ["A5.duplicate_ingredient"]
    assert shown["state"] == "opened"


def test_a_suggestion_reaches_the_prescriber_of_the_prescription(hospital: Hospital, send: Send) -> None:
    event = taking(hospital, "药品2|片剂|0.2g", "药品2|缓释胶囊|0.3g")
    path = f"/medication-reviews/{review(send, event)['advice_id']}"

    assert send("sun", "POST", f"{path}/suggest", **SUGGESTION)["state"] == "suggested"

    (told,) = hospital.store.told_of(AdviceGiven)
    assert (told.kind, told.prescription_id, told.text) == ("medication_review", event.prescription_id, "建议停用")
    assert [(each.drug_key, each.action) for each in told.candidates] == [("药品2|片剂|0.2g", "stop")]
    assert send("sun", "POST", f"{path}/close")["code"] == "advice.wrong_state"


def test_only_what_the_patient_takes_is_a_candidate(hospital: Hospital, send: Send) -> None:
    event = taking(hospital, "药品3|片剂|5mg")
    path = f"/medication-reviews/{review(send, event)['advice_id']}/suggest"

    assert send("sun", "POST", path, **SUGGESTION)["code"] == "advice.not_taken"
    assert hospital.store.told_of(AdviceGiven) == []


def test_nothing_to_suggest_is_told_to_nobody(hospital: Hospital, send: Send) -> None:
    path = f"/medication-reviews/{review(send, taking(hospital, '药品3|片剂|5mg'))['advice_id']}"

    assert send("sun", "POST", f"{path}/close")["state"] == "closed"
    assert hospital.store.told_of(AdviceGiven) == []
    assert send("sun", "POST", f"{path}/suggest", **SUGGESTION)["code"] == "advice.wrong_state"


def test_a_medication_review_is_for_licensed_pharmacists_of_the_institution(hospital: Hospital, send: Send) -> None:
    event = taking(hospital, "药品2|片剂|0.2g")
    opened = review(send, event)["advice_id"]

    assert review(send, event, "nobody")["code"] == "case.reviewer_not_registered"
    assert review(send, event, "zhao")["code"] == "case.not_yours"
    assert review(send, event, "doctor as reviewer")["code"] == "case.own_prescription"
    assert review(send, issued())["code"] == "advice.prescription_unknown"
    assert send("zhao", "POST", f"/medication-reviews/{opened}/suggest", **SUGGESTION)["code"] == "case.not_yours"
    assert send("nobody", "POST", f"/medication-reviews/{opened}/close")["code"] == "case.reviewer_not_registered"
    agree(hospital)
    assert review(send, event, "zhao")["state"] == "opened"


def test_an_unreadable_prescription_can_be_reviewed_without_findings(hospital: Hospital, send: Send) -> None:
    event = prescription(hospital, facts=None, diagnoses=None)

    assert send("sun", "GET", f"/advice/{review(send, event)['advice_id']}")["findings"] == []


def test_advice_is_read_by_those_it_concerns_only(hospital: Hospital, send: Send) -> None:
    event = taking(hospital, "药品2|片剂|0.2g")
    consultation, opened = ask(send, event)["advice_id"], review(send, event)["advice_id"]

    def may(who: str, advice: str) -> str:
        return str(send(who, "GET", f"/advice/{advice}").get("code", "yes"))

    assert [may(who, consultation) for who in ("patient", "sun")] == ["yes", "yes"]
    assert [may(who, opened) for who in ("patient", "sun", "doctor")] == ["yes", "yes", "yes"]
    assert may("zhao", consultation) == "case.not_yours"
    for who in ("stranger", "other doctor"):
        assert [may(who, each) for each in (consultation, opened)] == ["advice.not_yours"] * 2


def test_lists_show_what_waits_and_what_was_asked(hospital: Hospital, send: Send) -> None:
    event = taking(hospital, "药品2|片剂|0.2g")
    first, second = ask(send, event)["advice_id"], ask(send, event)["advice_id"]
    opened = review(send, event)["advice_id"]

    def listed(who: str) -> set[str]:
        return {item["advice_id"] for item in send(who, "GET", "/advice")["items"]}

    assert (listed("sun"), listed("patient"), listed("stranger")) == ({first, second, opened}, {first, second}, set())
    send("sun", "POST", f"/consultations/{first}/answer", answer="x")
    send("patient", "POST", f"/consultations/{second}/withdraw")
    send("sun", "POST", f"/medication-reviews/{opened}/close")
    assert listed("sun") == set()
    assert {item["state"] for item in send("patient", "GET", "/advice")["items"]} == {"answered", "withdrawn"}
    other = review(send, event)["advice_id"]
    send("sun", "POST", f"/medication-reviews/{other}/suggest", **SUGGESTION)
    assert listed("sun") == set()
    page = send("patient", "GET", "/advice?limit=1")
    (last,) = send("patient", "GET", f"/advice?limit=1&cursor={page['next']}")["items"]
    assert {page["items"][0]["advice_id"], last["advice_id"]} == {first, second}


def test_who_is_forgotten_is_in_no_list(hospital: Hospital, send: Send) -> None:
    ask(send, prescription(hospital))

    hospital.store.react(PatientForgotten(patient_ref=PATIENT))

    assert send("sun", "GET", "/advice")["items"] == []


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/consultations", {"prescriptions": [], "question": "x"}),
        ("/consultations", {"prescriptions": [str(uuid4())] * 11, "question": "x"}),
        ("/consultations", {"prescriptions": [str(uuid4())], "question": ""}),
    ],
)
def test_a_question_of_the_wrong_form_is_invalid(send: Send, path: str, body: Any) -> None:
    assert send("patient", "POST", path, **body)["code"] == "request.invalid"


def test_one_name_and_one_chemical_subgroup_are_duplicates_and_nothing_else_is() -> None:
    def medicine(key: str, atc: str | None) -> Medicine:
        return Medicine(generic_name=key.partition("|")[0], atc=atc, drug_key=key, until=NOW.date())

    simvastatin, atorvastatin = medicine("辛伐他汀|片剂", "C10AA01"), medicine("阿托伐他汀|片剂", "C10AA05")
    ezetimibe, unknown = medicine("依折麦布|片剂", "C10AX09"), medicine("甘草|片剂", None)
    short = medicine("某药|片剂", "C10")

    assert duplicates_in([atorvastatin, ezetimibe, simvastatin, unknown, short]) == (
        tuple(sorted(("辛伐他汀|片剂", "阿托伐他汀|片剂"))),
    )


@pytest.mark.parametrize("table", [CONSULTATION_TRANSITIONS, MEDICATION_REVIEW_TRANSITIONS])
def test_every_step_starts_from_a_state_that_some_step_reaches(table: Any) -> None:
    assert {row.state for row in table.rows} - {"-"} <= {row.next for row in table.rows}


@pytest.mark.parametrize("reason", [" ", "\u3000\n"])
def test_a_candidate_has_a_reason(reason: str) -> None:
    for kind in (SuggestChanges, SuggestionBody):
        with pytest.raises(ValidationError):
            kind.model_validate({"candidates": [CANDIDATE | {"reason": reason}], "advice": "建议停用"})
