"""What holds for every prescription and every set: no order shows, no rule raises, the patient is not told of."""

import random
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from services.review.domain.knowledge.files import shipped_sets
from services.review.domain.knowledge.index import Knowledge
from services.review.domain.knowledge.reading import KnowledgeSet
from services.review.domain.policy import CN
from services.review.domain.screening import Subject, screen
from services.review.domain.values import (
    Diagnosis,
    Finding,
    Line,
    Medicine,
    PatientFacts,
    Prescriber,
    SignatureChecked,
    TcmDiagnosis,
)

DAY = date(2026, 3, 2)
NEWEST = shipped_sets()[-1]
POLICY = CN.on(DAY)
NAMES = sorted({name for drug in NEWEST.entries["drugs"] for name in drug.names})[::7]
HERBS = sorted({name for herb in NEWEST.entries["herbs"] for name in herb.names})[::3]
CODES = sorted({code for entry in NEWEST.entries["contraindications"] for code in entry.icd10 or ()})
ALLERGIES = sorted({name for group in NEWEST.entries["allergy_groups"] for name in group.names})
STRENGTHS = [None, "5mg", "100ml:2g", "5ml:24.4mg", "0ml:2g", "160μg/4.5μg×60吸", "x"]
maybe = st.none() | st.booleans()
names = st.sampled_from(NAMES) | st.sampled_from(HERBS) | st.text(max_size=8)
text = st.none() | st.text(max_size=8)


@st.composite
def lines(draw: st.DrawFn) -> tuple[Line, ...]:
    found = []
    for number in range(1, draw(st.integers(1, 7)) + 1):
        name = draw(names)
        form = draw(st.sampled_from(["片剂", "注射剂", "饮片", "缓释片", ""]))
        found.append(
            Line(
                line=number,
                product=draw(st.sampled_from(["XC09CAX744E001009293145", "ZC01XXA001B001010199001", "T000900001"])),
                drug_key=f"{name}|{form}",
                quantity=draw(st.integers(1, 100)),
                base_unit="片",
                dose=draw(st.sampled_from(["0.5", "5", "100", "3000", "abc", "NaN", "-1", ""])),
                dose_unit=draw(st.sampled_from(["mg", "g", "ml", "片", "单位", "吸", "?"])),
                frequency_per_day=draw(st.integers(1, 8)),
                per_days=draw(st.integers(1, 7)),
                as_needed=draw(st.booleans()),
                route=draw(st.sampled_from(["口服", "静脉滴注", "外用", "oral", "随便"])),
                days=draw(st.integers(1, 90)),
                instructions=draw(st.sampled_from([None, "遵医嘱", "饭后"])),
                generic_name=name,
                drug_class=draw(st.sampled_from([None, "ordinary", "narcotic", "psychotropic_2", "toxic"])),
                form=form,
                strength=draw(st.sampled_from(STRENGTHS)),
                english_name=draw(text),
                atc=draw(st.none() | st.sampled_from(["J01CA04", "C09AA02", "", "N02"])),
                skin_test=draw(st.sampled_from([None, "negative", "positive", "exempt"])),
                mixed_with=draw(st.none() | st.integers(0, 9)),
                solvent=draw(st.sampled_from([None, "0.9%氯化钠", "5% glucose", "茶"])),
                solvent_ml=draw(st.sampled_from([None, 0, 100, -1])),
                drip_minutes=draw(st.sampled_from([None, 0, 30])),
                herb_note=draw(st.sampled_from([None, "先煎"])),
            )
        )
    return tuple(found)


@st.composite
def subjects(draw: st.DrawFn) -> Subject:
    return Subject(
        on=DAY,
        emergency=draw(st.booleans()),
        herbal=draw(st.booleans()),
        validity_days=draw(st.integers(1, 9)),
        validity_reason=draw(text),
        long_supply_reason=draw(st.sampled_from([None, "慢性病", "旅游"])),
        facts=PatientFacts(
            age_days=draw(st.integers(0, 40_000)),
            sex=draw(st.sampled_from(["female", "male"])),
            weight_grams=draw(st.none() | st.integers(0, 150_000)),
            pregnant=draw(maybe),
            gestation_weeks=draw(st.none() | st.integers(0, 45)),
            lactating=draw(maybe),
            renal_impairment=draw(maybe),
            hepatic_impairment=draw(maybe),
            creatinine_clearance_ml_min=draw(st.none() | st.integers(0, 150)),
            child_pugh=draw(st.sampled_from([None, "A", "B", "C"])),
            allergies=draw(st.none() | st.lists(st.sampled_from(ALLERGIES) | names, max_size=3).map(tuple)),
            conditions=draw(st.none() | st.lists(st.sampled_from(CODES), max_size=3).map(tuple)),
            other_medicines=draw(st.none() | st.lists(names, max_size=3).map(tuple)),
        ),
        lines=draw(lines()),
        diagnoses=draw(st.lists(st.sampled_from(CODES), max_size=3).map(_diagnoses)),
        tcm_diagnoses=draw(st.sampled_from([(), (TcmDiagnosis(code="A", name="a", syndrome="b"),)])),
        prescriber=draw(st.none() | st.builds(_prescriber, st.booleans(), st.booleans(), st.booleans())),
        signature=SignatureChecked(degraded=draw(st.booleans())),
        current_medicines=draw(st.lists(st.builds(_medicine, names, st.integers(-5, 60)), max_size=4).map(tuple)),
    )


def _diagnoses(codes: list[str]) -> tuple[Diagnosis, ...]:
    return tuple(Diagnosis(code=f"{code}.0x01", name="诊断名称") for code in codes)


def _prescriber(registered: bool, in_force: bool, at_site: bool) -> Prescriber:
    return Prescriber(registered=registered, in_force=in_force, at_site=at_site, rights=("ordinary",))


def _medicine(name: str, days: int) -> Medicine:
    return Medicine(generic_name=name, atc=None, drug_key=name, until=DAY + timedelta(days=days))


def shown(findings: tuple[Finding, ...]) -> set[tuple[Any, ...]]:
    return {(each.rule, each.severity, each.result_code, each.lines, each.evidence, each.entries) for each in findings}


@given(subject=subjects())
@settings(deadline=None)
def test_no_rule_raises_and_findings_are_numbered_and_explained(subject: Subject) -> None:
    findings = screen(subject, NEWEST.on(DAY), POLICY)

    assert [finding.number for finding in findings] == list(range(1, len(findings) + 1))
    for finding in findings:
        assert finding.knowledge_version == NEWEST.header.version
        assert set(finding.lines) <= {line.line for line in subject.lines}
        for place in finding.entries:
            section, _, entry_id = place.partition("/")
            assert NEWEST.entry(section, entry_id) is not None, "a finding leads to what it rests on"
        assert not any(each.code in finding.evidence for each in subject.diagnoses)
        assert "诊断名称" not in finding.evidence


def _turned_round(read: KnowledgeSet, seed: int) -> Knowledge:
    chance = random.Random(seed)
    mixed = {section: tuple(chance.sample(list(each), len(each))) for section, each in read.entries.items()}
    return Knowledge(read.header, read.digest, mixed, DAY)


OTHERS = [_turned_round(NEWEST, seed) for seed in range(3)]


@given(subject=subjects(), chance=st.randoms(use_true_random=False), other=st.sampled_from(OTHERS))
@settings(deadline=None)
def test_no_order_of_lines_or_entries_shows(subject: Subject, chance: random.Random, other: Knowledge) -> None:
    facts = subject.facts
    mixed = replace(
        subject,
        lines=tuple(chance.sample(subject.lines, len(subject.lines))),
        current_medicines=tuple(chance.sample(subject.current_medicines, len(subject.current_medicines))),
        diagnoses=tuple(chance.sample(subject.diagnoses, len(subject.diagnoses))),
        facts=facts.model_copy(update={"allergies": facts.allergies and tuple(reversed(facts.allergies))}),
    )

    assert shown(screen(mixed, other, POLICY)) == shown(screen(subject, NEWEST.on(DAY), POLICY))
