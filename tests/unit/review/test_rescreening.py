"""Later instalments are screened again, with what is known and taken on their day."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from contracts.events.prescribe import InstalmentOpened, PrescriptionIssued
from contracts.events.review import RescreenFound, Severity
from services.review.domain.case import case_id, case_ref
from services.review.domain.events import CasePassed, CaseRescreened, CaseScreened
from services.review.domain.values import Reviewer
from services.review.domain.values import Severity as Own
from tests.unit.review.conftest import HOSPITAL, NOW, SUN, Hospital, issued, line

PATIENT = UUID(int=7)


def opens(hospital: Hospital, event: PrescriptionIssued, instalment: int) -> None:
    fields = {
        "prescription_id": event.prescription_id,
        "patient_ref": event.patient_ref,
        "instalment": instalment,
        "of": 3,
        "opens_at": NOW,
        "closes_at": NOW + timedelta(days=14),
        "lines": [],
    }
    hospital.store.react(InstalmentOpened.model_validate(fields))


def passed(hospital: Hospital, screened: bool = False, **changes: Any) -> PrescriptionIssued:
    """A prescription that passed; `screened`: with what is found today, else when nothing of it was known yet."""
    event = issued(**changes)
    hospital.store.react(event)
    events = hospital.store.streams[case_id(event.prescription_id, 1, 0)]
    reviewer = Reviewer(person=SUN, name="孙丽", organisation=HOSPITAL)
    pass_ = CasePassed(patient_ref=PATIENT, reviewer=reviewer, comment=None, signature=None)
    before = events[1] if screened else CaseScreened(findings=(), degraded=False)
    events[1:] = [before, pass_]
    return event


SIX = [line(number) for number in range(1, 7)]
"""Too many drugs on one prescription: a blocking finding."""


def test_a_new_blocking_finding_is_told_with_its_instalment_and_lines(hospital: Hospital) -> None:
    event = passed(hospital, lines=SIX)

    opens(hospital, event, 2)

    (told,) = hospital.store.told_of(RescreenFound)
    assert (told.prescription_id, told.patient_ref, told.instalment) == (event.prescription_id, PATIENT, 2)
    assert [(f.rule, f.severity, f.number) for f in told.findings] == [("N3.3.lines_max", Severity.BLOCKING, 1)]
    assert told.lines == (1, 2, 3, 4, 5, 6)


def test_what_was_known_when_it_passed_is_not_found_again(hospital: Hospital) -> None:
    event = passed(hospital, screened=True, lines=SIX)

    opens(hospital, event, 2)

    assert hospital.store.told_of(RescreenFound) == []


def test_what_was_found_at_the_second_is_not_told_again_at_the_third(hospital: Hospital) -> None:
    event = passed(hospital, lines=SIX)
    for instalment in (2, 3):
        opens(hospital, event, instalment)

    assert [told.instalment for told in hospital.store.told_of(RescreenFound)] == [2]


def test_what_was_passed_with_a_word_and_blocks_today_is_told(hospital: Hospital) -> None:
    """The same finding, graver by what is known today: nobody has passed that."""
    event = passed(hospital, screened=True, lines=SIX)
    events = hospital.store.streams[case_id(event.prescription_id, 1, 0)]
    (blocking,) = (each for each in events[1].findings if each.severity is Own.BLOCKING)
    events[1] = CaseScreened(findings=(blocking.model_copy(update={"severity": Own.SERIOUS}),), degraded=False)

    opens(hospital, event, 2)

    (told,) = hospital.store.told_of(RescreenFound)
    assert [(f.rule, f.severity) for f in told.findings] == [("N3.3.lines_max", Severity.BLOCKING)]


def test_what_does_not_block_is_not_told(hospital: Hospital) -> None:
    opens(hospital, passed(hospital, lines=[line(days=84)]), 2)

    assert hospital.store.told_of(RescreenFound) == []


def test_the_first_instalment_and_repeats_are_not_screened(hospital: Hospital) -> None:
    event = passed(hospital, lines=SIX)
    opens(hospital, event, 1)
    assert hospital.store.told_of(RescreenFound) == []
    for _ in range(2):
        opens(hospital, event, 2)

    assert len(hospital.store.told_of(RescreenFound)) == 1


def test_what_has_not_passed_or_is_not_known_is_not_screened(hospital: Hospital) -> None:
    event = issued(lines=SIX)
    hospital.store.react(event)
    opens(hospital, event, 2)
    opens(hospital, issued(), 2)

    assert hospital.store.told_of(RescreenFound) == []


def test_without_readable_content_the_case_says_that_it_was_not_screened(hospital: Hospital) -> None:
    event = passed(hospital, facts=None, diagnoses=None)

    opens(hospital, event, 2)

    last = hospital.store.streams[case_id(event.prescription_id, 1, 0)][-1]
    assert isinstance(last, CaseRescreened)
    assert last.degraded
    assert hospital.store.told_of(RescreenFound) == []
    assert hospital.store.state(case_ref(case_id(event.prescription_id, 1, 0))).status == "passed"
