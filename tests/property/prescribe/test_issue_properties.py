"""Whatever is written: the checks answer with a catalogued problem or pass something that adds up."""

from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from hypothesis import assume, event, given, settings
from hypothesis import strategies as st

from contracts.errors import CATALOGUE
from services.prescribe.domain.commands import IssuePrescription
from services.prescribe.domain.issue_checks import WHAT, WHO, Written, broken
from services.prescribe.domain.policy import POLICIES, DoseFrequency
from services.prescribe.domain.registers import Drug, Institution, Known, KnownPatient, Prescriber
from services.prescribe.domain.values import StandingFacts

TODAY = date(2026, 3, 2)
CLASSES = ("ordinary", "psychotropic_2", "toxic", "narcotic", "radioactive")
LEVELS = ("unrestricted", "restricted", "special")
INSTITUTION = "H33010200001"
some = st.booleans()


def mostly(usual: Any, *others: Any) -> st.SearchStrategy[Any]:
    """The usual, and sometimes one of the others."""
    return st.sampled_from((*[usual] * 30, *others))


@st.composite
def drugs(draw: st.DrawFn) -> Drug:
    return Drug(
        code="",
        in_force=draw(mostly(True, False)),
        generic_name=draw(st.sampled_from(("苯磺酸氨氯地平", "可待因桔梗片", "华法林钠"))),
        form=draw(st.sampled_from(("片剂", "注射液", "缓释片", "tablet", "饮片"))),
        strength="5mg",
        base_unit="片",
        pack_size=draw(mostly(1, 7, 10)),
        splittable=draw(mostly(True, False)),
        dose_unit="mg",
        dose_per_base_unit=draw(mostly(2500, 5000)),
        daily_dose_max=draw(st.none() | st.integers(1, 20_000)),
        drug_class=draw(mostly(*CLASSES)),
        medicine_type=draw(mostly("western", "patent", "herbal")),
        antibacterial_level=draw(mostly(None, *LEVELS)),
        restricted_use=draw(mostly(False, True)),
        deliverable=draw(some),
        cold_chain=False,
        atc=draw(st.sampled_from(("C08CA01", "N06BA04", "J01DD08", "A10AE04"))),
        english_name="x",
    )


@st.composite
def written_lines(draw: st.DrawFn, number: int, table: dict[str, DoseFrequency]) -> dict[str, Any]:
    days = draw(mostly(3, 1, 2, 7, 14, 28, 29))
    code = draw(st.none() | st.sampled_from(sorted(table)) | st.just("never"))
    coded = table.get(code) if code else None
    a_day = draw(st.integers(1, 4)) if coded is None or coded.as_needed else draw(mostly(None, 2))
    often = coded if coded and not coded.as_needed else DoseFrequency(times=a_day or 1)
    return {
        "line": number,
        "product": f"P{number}",
        "dose": draw(mostly("5", "2.5", "3")),
        "dose_unit": "mg",
        "frequency_per_day": a_day,
        "frequency": code,
        "days": days,
        "quantity": draw(mostly(2 * often.doses(days), often.doses(days), 1)),
        "route": draw(mostly("口服", "遵医嘱")),
    }


@st.composite
def written(draw: st.DrawFn) -> Written:
    jurisdiction = draw(st.sampled_from(sorted(POLICIES.names)))
    policy = draw(st.sampled_from(POLICIES.of(jurisdiction).versions))
    count = draw(st.integers(1, 3))
    register = {f"P{number}": draw(drugs()) for number in range(1, count + 1)}
    content = {
        "prescription_id": UUID(int=1),
        "patient_ref": UUID(int=2),
        "prescriber": "D1",
        "institution": INSTITUTION,
        "visit_kind": draw(mostly("outpatient", "emergency")),
        "medicine_kind": draw(mostly("western", "herbal")),
        "diagnoses": [{"code": draw(mostly("I10", "C34", "F90", "A12", "I10.x00x002")), "name": "x"}],
        "lines": [draw(written_lines(number, policy.frequencies)) for number in range(1, count + 1)],
        "long_supply_reason": draw(st.none() | st.just("慢性病")),
        "validity_days": draw(mostly(1, 4)),
        "online_visit": draw(mostly(False, True)),
        "online": draw(mostly(None, {"first_visit": True}, {"first_visit": False})),
        "written_by": draw(mostly("person", "machine", None)),
        "insurance_intent": {"kind": draw(mostly("general", "chronic_disease", "self_pay"))},
        "insurance_disease_code": draw(mostly(None, "M03900")),
    }
    prescriber = Prescriber(
        code="D1",
        in_force=True,
        professions=frozenset({"prescriber"}),
        sites={INSTITUTION: draw(mostly(True, False))},
        rights={name: draw(mostly(True, False)) for name in CLASSES},
        antibacterial_levels=draw(st.frozensets(st.sampled_from(LEVELS))),
        title=draw(st.none() | st.sampled_from(("resident", "chief"))),
        specialties=frozenset(),
        practising_since=draw(st.none() | st.just(date(2010, 1, 1))),
    )
    patient = KnownPatient("x", "male", draw(st.dates(date(1950, 1, 1), TODAY)), draw(mostly(FACTS, None)))
    institution = Institution(INSTITUTION, True, "330102", draw(mostly(None, "hospital_online")))
    known = Known(prescriber, institution, patient, register)
    return Written(IssuePrescription.model_validate(content), known, policy, TODAY)


FACTS = StandingFacts(weight_grams=60_000)


@settings(max_examples=600)
@given(written())
def test_the_checks_answer_with_a_catalogued_problem_or_pass_what_adds_up(one: Written) -> None:
    refusal = broken((*WHO, *WHAT), one)

    event(refusal.code if refusal else "passed")
    if refusal is not None:
        assert refusal.code in CATALOGUE
        return
    assert len(one.content.lines) <= one.policy.lines_max[one.content.medicine_kind]
    for line, drug in one.lines():
        often = one.frequency(line)
        given_out = Decimal(line.quantity * drug.dose_per_base_unit) / 1000
        needed = line.dose * often.doses(line.days)
        assert given_out <= needed
        assert often.as_needed or given_out == needed
        assert drug.drug_class not in one.policy.never_circulate
        assert line.days <= one.policy.days[one.content.visit_kind].with_reason


@given(st.integers(1, 7), st.integers(1, 14), st.integers(1, 90))
def test_doses_are_those_that_fall_on_the_days_of_the_supply(times: int, per_days: int, days: int) -> None:
    assume(times <= per_days)
    on_days = [day for day in range(days) if day % per_days < times]

    assert DoseFrequency(times=times, per_days=per_days).doses(days) == len(on_days)


@given(st.integers(1, 24), st.integers(1, 366))
def test_so_many_a_day_is_so_many_each_day(times: int, days: int) -> None:
    assert DoseFrequency(times=times).doses(days) == times * days
