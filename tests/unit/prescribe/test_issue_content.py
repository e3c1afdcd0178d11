"""What may be written: diagnoses, kinds of medicine, frequencies, packs, amounts by class, deliveries, insurance."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from contracts.events.prescribe import PrescriptionIssued, PrescriptionReleased
from services.prescribe.application.known import known
from services.prescribe.domain.commands import IssuePrescription
from services.prescribe.domain.issue_checks import Written
from services.prescribe.domain.issue_checks.supply import class_amounts
from services.prescribe.domain.patient_record import PatientState
from services.prescribe.domain.policy import CN, POLICIES, DoseFrequency
from services.prescribe.domain.registers import Known
from services.seedwork.model import Refusal
from services.seedwork.reference import EntryState
from tests.unit.prescribe.conftest import AMLODIPINE, ARSENIC, DOCTOR, ESTAZOLAM, METFORMIN, Clinic, drug, line

TODAY = date(2026, 3, 2)
DANSHEN, SALVIA, GINGER = "ZA04CAD111B001010100001", "ZA04CAD222A001010100001", "T000000001"
OTHER = "XC08CAB800A001010100001"
HEADACHE = {"code": "A17.07", "name": "眩晕病", "syndrome": "肝阳上亢证"}


def code_of(clinic: Clinic, **changes: Any) -> str | None:
    refusal = clinic.issue(**changes).refusal
    return refusal.code if refusal else None


def facts_of(clinic: Clinic, **changes: Any) -> dict[str, Any]:
    refusal = clinic.issue(**changes).refusal
    assert refusal is not None
    return dict(refusal.facts)


# Diagnoses


@pytest.mark.parametrize("code", ["I10.x00x002", "B15.900", "Z99.900", "U07.100", "C97.x00"])
def test_a_diagnosis_has_a_place_in_the_classification(clinic: Clinic, code: str) -> None:
    assert code_of(clinic, diagnoses=[{"code": code, "name": "诊断"}]) is None


def test_an_unknown_diagnosis_is_told_with_its_nearest_blocks(clinic: Clinic) -> None:
    written = [{"code": "A12.900", "name": "x"}, {"code": "I10.x00x002", "name": "高血压"}]

    refusal = clinic.issue(diagnoses=written).refusal

    assert refusal is not None
    assert refusal.code == "diagnosis.unknown"
    assert refusal.facts == {"codes": ["A12.900"], "nearest": {"A12.900": ["A00-A09", "A15-A19", "A20-A28"]}}


def test_a_standing_disease_is_stated_by_a_code_that_the_screening_can_meet(clinic: Clinic) -> None:
    assert code_of(clinic, facts={"conditions": ["K74.600", "N18.x00"]}) is None
    assert code_of(clinic, facts={"conditions": ["k74.600"]}) == "diagnosis.code"
    assert code_of(clinic, facts={"conditions": ["肝硬化失代偿期"]}) == "diagnosis.code"
    assert code_of(clinic, facts={"conditions": ["I16"]}) == "diagnosis.unknown"


def test_what_the_record_says_in_words_is_stated_anew_by_its_code(clinic: Clinic) -> None:
    somebody = {"identity_number": "33010220200303002X", "birth_date": "2020-03-03", "sex": "female"}
    in_words = str(clinic.register(**somebody, facts={"conditions": ["liver cirrhosis"]}))

    assert code_of(clinic, patient_ref=in_words) == "diagnosis.code"
    assert code_of(clinic, patient_ref=in_words, facts={"conditions": ["K74.600"]}) is None


def test_an_unknown_subcategory_is_told_with_the_nearest_of_its_category(clinic: Clinic) -> None:
    refusal = clinic.issue(diagnoses=[{"code": "J44.200", "name": "x"}]).refusal

    assert refusal is not None
    assert refusal.code == "diagnosis.unknown"
    assert refusal.facts["nearest"] == {"J44.200": ["J44.1", "J44.0", "J44.8"]}


# Kinds of medicine


@pytest.fixture
def herbs(clinic: Clinic) -> Clinic:
    clinic.load("drug", DANSHEN, drug("丹参注射液", form="注射液", medicine_type="patent"))
    clinic.load("drug", SALVIA, drug("复方丹参片", medicine_type="patent"))
    clinic.load("drug", GINGER, drug("生姜", form="饮片", unit="g", dose=1000, medicine_type="herbal"))
    return clinic


def herb(**changes: Any) -> dict[str, Any]:
    return line(product=GINGER, dose="9", dose_unit="g", quantity=63) | changes


def test_herbal_pieces_stand_on_a_prescription_of_their_own(herbs: Clinic) -> None:
    kind = {"medicine_kind": "herbal", "tcm_diagnoses": [HEADACHE]}

    assert code_of(herbs, lines=[herb(herb_note="后下")], **kind) is None
    assert code_of(herbs, lines=[herb()]) == "line.medicine_kind"
    assert code_of(herbs, lines=[herb(), line(2)], **kind) == "line.medicine_kind"
    assert code_of(herbs, lines=[line(product=SALVIA), line(2)]) is None


@pytest.mark.parametrize("tcm", [[], [{"code": "A17.07", "name": "眩晕病"}]])
def test_herbal_pieces_are_prescribed_by_disease_and_pattern(herbs: Clinic, tcm: list[dict[str, str]]) -> None:
    assert code_of(herbs, medicine_kind="herbal", lines=[herb()], tcm_diagnoses=tcm) == "diagnosis.tcm_missing"


def test_a_recipe_of_herbs_has_more_than_five_lines(herbs: Clinic) -> None:
    codes = [f"T00000000{n}" for n in range(1, 8)]
    for code in codes:
        herbs.load("drug", code, drug(code, form="饮片", unit="g", dose=1000, medicine_type="herbal"))
    lines = [herb() | {"line": n, "product": code} for n, code in enumerate(codes, start=1)]

    assert code_of(herbs, medicine_kind="herbal", lines=lines, tcm_diagnoses=[HEADACHE]) is None


def test_an_injection_of_herbs_stands_alone(herbs: Clinic) -> None:
    assert code_of(herbs, lines=[line(product=DANSHEN)]) is None
    assert facts_of(herbs, lines=[line(), line(2, DANSHEN)]) == {"lines": [2], "group": "中药注射剂"}


# Frequencies and quantities


@pytest.mark.parametrize(
    ("frequency", "days", "doses"),
    [
        ("qd", 7, 7),
        ("tid", 7, 21),
        ("qod", 7, 4),
        ("qod", 6, 3),
        ("qw", 7, 1),
        ("qw", 8, 2),
        ("biw", 7, 2),
        ("biw", 10, 4),
        ("tiw", 14, 6),
        ("st", 1, 1),
    ],
)
def test_a_coded_frequency_gives_the_number_of_doses(clinic: Clinic, frequency: str, days: int, doses: int) -> None:
    said = {"frequency": frequency, "frequency_per_day": None, "days": days, "long_supply_reason": None}
    lines = [{k: v for k, v in (line(quantity=doses) | said).items() if k != "long_supply_reason"}]

    prescription_id = clinic.issued(lines=lines, long_supply_reason="慢性病")

    (kept,) = clinic.state(prescription_id).signed.lines
    (told,) = clinic.store.told_of(PrescriptionIssued)
    assert told.lines[0].frequency == frequency
    assert (told.lines[0].per_days, told.lines[0].frequency_per_day) == (kept.per_days, kept.frequency_per_day)


def test_every_other_day_reads_so(clinic: Clinic) -> None:
    prescription_id = clinic.issued(lines=[line(frequency="qod", frequency_per_day=None, quantity=4)])

    assert clinic.state(prescription_id).signed.lines[0].dose_text == "5 mg × 1/2 d × 7 d, 口服"


@pytest.mark.parametrize(("quantity", "code"), [(0, None), (1, None), (21, None), (22, "line.quantity")])
def test_as_needed_is_at_least_a_dose_and_at_most_the_most_of_each_day(
    clinic: Clinic, quantity: int, code: str | None
) -> None:
    lines = [line(frequency="prn", frequency_per_day=3, quantity=max(quantity, 1), dose="5" if quantity else "2.5")]

    assert code_of(clinic, lines=lines) == code


def test_as_needed_reads_so(clinic: Clinic) -> None:
    prescription_id = clinic.issued(lines=[line(frequency="prn", frequency_per_day=3, quantity=10)])

    kept = clinic.state(prescription_id).signed.lines[0]
    assert kept.as_needed
    assert kept.dose_text == "5 mg × ≤ 3/d as needed × 7 d, 口服"


def test_less_than_one_dose_is_no_quantity(clinic: Clinic) -> None:
    lines = [line(frequency="prn", frequency_per_day=3, quantity=1, dose="10")]

    assert code_of(clinic, lines=lines) == "line.quantity"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"frequency_per_day": None}, "line.frequency_missing"),
        ({"frequency": "bidd"}, "line.frequency"),
        ({"frequency": "prn", "frequency_per_day": None}, "line.frequency_unclear"),
        ({"frequency": "bid", "frequency_per_day": 3}, "line.frequency_unclear"),
        ({"frequency": "st", "frequency_per_day": None, "days": 2}, "line.frequency_unclear"),
        ({"frequency": "qd", "frequency_per_day": 1}, None),
    ],
)
def test_a_frequency_is_clear(clinic: Clinic, changes: dict[str, Any], code: str | None) -> None:
    assert code_of(clinic, lines=[line(**changes)]) == code


def test_a_misspelt_frequency_is_told_with_those_that_look_like_it(clinic: Clinic) -> None:
    assert facts_of(clinic, lines=[line(frequency="bidd")])["nearest"][0] == "bid"


def test_a_pack_that_does_not_fit_is_split_and_marked(clinic: Clinic) -> None:
    prescription_id = clinic.released(lines=[line(days=5, quantity=5), line(2, METFORMIN)])

    assert [each.split_pack for each in clinic.state(prescription_id).signed.lines] == [True, False]
    (told,) = clinic.store.told_of(PrescriptionReleased)
    assert [each.split_pack for each in told.lines] == [True, False]


def test_a_pack_that_may_not_be_opened_is_refused_and_never_rounded_up(clinic: Clinic) -> None:
    clinic.load("drug", AMLODIPINE, drug("苯磺酸氨氯地平", splittable=False))

    assert code_of(clinic) is None
    assert facts_of(clinic, lines=[line(days=5, quantity=5)]) == {"line": 1, "quantity": 5, "pack_size": 7}


@pytest.mark.parametrize("drug_class", ["narcotic", "psychotropic_1", "radioactive", "precursor"])
def test_some_classes_never_circulate(clinic: Clinic, drug_class: str) -> None:
    clinic.load("drug", AMLODIPINE, drug("x", drug_class=drug_class))
    clinic.load_person(DOCTOR, prescribing_rights=[drug_class])

    assert code_of(clinic, lines=[line(days=1, quantity=1)]) == "drug.never_circulates"


# Amounts by class, form and disease: every row of the policy


CANCER, FRACTURE, ADHD = "C34.900", "S82.200", "F90.000"
AMOUNTS: list[tuple[str, str, str, str, int, str | None]] = [
    ("psychotropic_1", "片剂", ADHD, "N06BA04", 15, None),
    ("psychotropic_1", "片剂", ADHD, "N06BA04", 16, "supply.class_limit"),
    ("psychotropic_1", "片剂", FRACTURE, "N06BA04", 4, "supply.class_limit"),
    ("narcotic", "注射液", CANCER, "N02AA01", 3, None),
    ("narcotic", "注射液", CANCER, "N02AA01", 4, "supply.class_limit"),
    ("narcotic", "缓释片", CANCER, "N02AA01", 15, None),
    ("narcotic", "缓释片", CANCER, "N02AA01", 16, "supply.class_limit"),
    ("narcotic", "片剂", CANCER, "N02AA01", 7, None),
    ("narcotic", "片剂", CANCER, "N02AA01", 8, "supply.class_limit"),
    ("narcotic", "注射液", FRACTURE, "N02AA01", 1, None),
    ("narcotic", "注射液", FRACTURE, "N02AA01", 2, "supply.single_dose"),
    ("narcotic", "控释片", FRACTURE, "N02AA01", 7, None),
    ("narcotic", "控释片", FRACTURE, "N02AA01", 8, "supply.class_limit"),
    ("psychotropic_1", "片剂", FRACTURE, "N05CM02", 3, None),
    ("narcotic", "片剂", FRACTURE, "N02AA01", 4, "supply.class_limit"),
    ("psychotropic_2", "片剂", FRACTURE, "N05CD04", 7, None),
    ("psychotropic_2", "片剂", FRACTURE, "N05CD04", 8, "supply.class_reason_missing"),
    ("toxic", "片剂", FRACTURE, "L01XX27", 2, None),
    ("toxic", "片剂", FRACTURE, "L01XX27", 3, "supply.class_limit"),
    ("ordinary", "片剂", FRACTURE, "C08CA01", 60, None),
]


def amount(drug_class: str, form: str, diagnosis: str, atc: str, days: int, **more: Any) -> Refusal | None:
    """What the amounts of China say, whether or not the class circulates."""
    entry = EntryState(content=drug("x", drug_class=drug_class, form=form, atc=atc) | more, code=AMLODIPINE)
    nobody = EntryState()
    found = known(PatientState(), nobody, nobody, [entry], TODAY)
    content = IssuePrescription.model_validate(
        Clinic().written(lines=[line(days=days, quantity=days)], diagnoses=[{"code": diagnosis, "name": "x"}])
    )
    return class_amounts(Written(content, Known(None, None, None, found.drugs), CN.on(TODAY), TODAY))


@pytest.mark.parametrize(("drug_class", "form", "diagnosis", "atc", "days", "code"), AMOUNTS)
def test_the_amount_follows_class_form_and_disease(
    drug_class: str, form: str, diagnosis: str, atc: str, days: int, code: str | None
) -> None:
    refusal = amount(drug_class, form, diagnosis, atc, days)

    assert (refusal.code if refusal else None) == code


def test_pethidine_is_prescribed_by_the_single_dose_even_in_cancer() -> None:
    refusal = amount("narcotic", "注射液", CANCER, "N02AB02", 2, generic_name="盐酸哌替啶")

    assert refusal is not None
    assert refusal.code == "supply.single_dose"


def test_a_longer_supply_of_second_class_psychotropics_has_a_reason(clinic: Clinic) -> None:
    clinic.load_person(DOCTOR, prescribing_rights=["psychotropic_2"])
    lines = [line(product=ESTAZOLAM, days=14, quantity=14)]

    assert code_of(clinic, lines=lines) == "supply.class_reason_missing"
    assert code_of(clinic, lines=lines, long_supply_reason="慢性失眠, 病情稳定") is None


@pytest.mark.parametrize(("largest", "code"), [(7500, None), (7499, "supply.largest_dose"), (None, None)])
def test_a_toxic_drug_is_at_most_the_largest_dose_of_two_days(
    clinic: Clinic, largest: int | None, code: str | None
) -> None:
    clinic.load("drug", ARSENIC, drug("三氧化二砷", drug_class="toxic", daily_dose_max=largest))

    assert code_of(clinic, lines=[line(product=ARSENIC, dose="7.5", days=2, quantity=3)]) == code


# Deliveries


@pytest.mark.parametrize(
    ("changes", "counter_only"),
    [
        ({}, False),
        ({"form": "注射液"}, True),
        ({"form": "注射剂", "atc": "A10AE04"}, False),
        ({"atc": "R05DA09", "generic_name": "氢溴酸右美沙芬"}, True),
        ({"generic_name": "复方盐酸伪麻黄碱缓释胶囊", "form": "缓释胶囊"}, True),
        ({"generic_name": "麻黄碱苯海拉明片", "medicine_type": "patent"}, False),
        ({"generic_name": "氨酚曲马多片"}, True),
        ({"generic_name": "米非司酮片", "atc": "G03XB01"}, True),
        ({"atc": "J07BB02", "form": "预灌封"}, True),
        ({"generic_name": "白芍配方颗粒", "form": "配方颗粒", "medicine_type": "patent"}, True),
        ({"generic_name": "华法林钠片", "atc": "B01AA03"}, True),
        ({"generic_name": "复方奎宁片"}, False),
        ({"generic_name": "戊酸雌二醇片", "atc": "G03CA03"}, False),
        ({"generic_name": "夫西地酸钠片", "atc": "J01XC01"}, True),
        ({"generic_name": "夫西地酸乳膏", "atc": "D06AX01", "form": "乳膏剂"}, False),
    ],
)
def test_what_may_not_be_sold_online_goes_over_the_counter_only(
    clinic: Clinic, changes: dict[str, Any], counter_only: bool
) -> None:
    clinic.load("drug", AMLODIPINE, drug("苯磺酸氨氯地平") | changes)

    assert clinic.state(clinic.issued()).signed.lines[0].counter_only is counter_only


def test_the_ban_began_on_its_day(clinic: Clinic) -> None:
    entry = EntryState(content=drug("x", form="注射液"), code=AMLODIPINE)
    (injection,) = known(PatientState(), EntryState(), EntryState(), [entry], TODAY).drugs.values()

    assert CN.on(date(2022, 11, 30)).may_be_delivered(injection)
    assert not CN.on(date(2022, 12, 1)).may_be_delivered(injection)


# Insurance


def intent(kind: str = "pooled_outpatient", **more: Any) -> dict[str, Any]:
    return {"insurance_intent": {"kind": kind, **more}}


@pytest.mark.parametrize(
    ("code", "changes"),
    [
        (None, intent("chronic_disease") | {"insurance_disease_code": "M03900"}),
        ("insurance_intent.disease_code", intent("chronic_disease")),
        ("insurance_intent.disease_code", intent(lines=[{"line": 1, "kind": "chronic_disease"}])),
        (None, intent("chronic_disease", lines=[{"line": 1, "kind": "general"}])),
        ("insurance_intent.disease_code_form", intent("chronic_disease") | {"insurance_disease_code": "I10"}),
        ("insurance_intent.line", intent(lines=[{"line": 2, "kind": "general"}])),
        ("insurance_intent.line_twice", intent(lines=[{"line": 1, "kind": "general"}, {"line": 1, "kind": "general"}])),
        (
            "insurance_intent.line_twice",
            intent(restricted_use=[{"line": 1, "met": False, "reason": "x"}, {"line": 1, "met": True}]),
        ),
        ("insurance_intent.self_pay_reason", intent(lines=[{"line": 1, "kind": "self_pay"}])),
        (
            "insurance_intent.self_pay_reason",
            intent(lines=[{"line": 1, "kind": "self_pay", "self_pay_reason": "because"}]),
        ),
        ("insurance_intent.self_pay_note", intent(lines=[{"line": 1, "kind": "self_pay", "self_pay_reason": "other"}])),
        (None, intent(lines=[{"line": 1, "kind": "self_pay", "self_pay_reason": "patient_asks"}])),
        (
            None,
            intent(lines=[{"line": 1, "kind": "self_pay", "self_pay_reason": "other", "self_pay_note": "进口药"}]),
        ),
    ],
)
def test_each_line_says_how_it_is_paid(clinic: Clinic, code: str | None, changes: dict[str, Any]) -> None:
    assert code_of(clinic, **changes) == code


def test_a_drug_paid_for_some_uses_only_says_whether_this_is_one(clinic: Clinic) -> None:
    clinic.load("drug", AMLODIPINE, drug("苯磺酸氨氯地平", restricted_use=True))

    assert code_of(clinic) == "insurance_intent.restricted_use"
    assert code_of(clinic, **intent(restricted_use=[{"line": 1, "met": True}])) is None
    assert code_of(clinic, **intent("self_pay")) is None


def test_how_a_line_is_paid_is_told(clinic: Clinic) -> None:
    clinic.issued(**intent(lines=[{"line": 1, "kind": "self_pay", "self_pay_reason": "patient_asks"}]))

    (told,) = clinic.store.told_of(PrescriptionIssued)
    assert told.insurance_intent.lines[0].self_pay_reason == "patient_asks"


# Another jurisdiction


@pytest.fixture
def practice() -> Clinic:
    clinic = Clinic("demo-eu")
    clinic.load("drug", AMLODIPINE, drug("amlodipine", form="tablet"))
    clinic.load("drug", OTHER, drug("enoxaparin", form="solution for injection"))
    clinic.load("drug", METFORMIN, drug("morphine", form="tablet", drug_class="narcotic"))
    clinic.load_person(DOCTOR, prescribing_rights=["ordinary", "narcotic"])
    return clinic


EU = {"diagnoses": [{"code": "I10", "name": "hypertension"}], "insurance_intent": {"kind": "general"}}


@pytest.mark.parametrize(
    ("code", "changes"),
    [
        (None, {}),
        (None, {"lines": [line(days=28, quantity=28)], "validity_days": 28}),
        (None, {"lines": [line(instructions="自用")]}),
        (None, {"lines": [line(product=METFORMIN)]}),
        (None, {"lines": [line(frequency="tds", frequency_per_day=None, quantity=21)]}),
        ("line.as_directed", {"lines": [line(instructions="Use as directed")]}),
        ("line.frequency", {"lines": [line(frequency="tid", frequency_per_day=None, quantity=21)]}),
        ("line.pack", {"lines": [line(days=5, quantity=5)]}),
        ("diagnosis.code", {"diagnoses": [{"code": "I10.x00x002", "name": "高血压"}]}),
        ("supply.class_limit", {"lines": [line(product=METFORMIN, days=35, quantity=35)], "long_supply_reason": "x"}),
        ("insurance_intent.kind", {"insurance_intent": {"kind": "dual_channel"}}),
        ("validity.reason_missing", {"validity_days": 29}),
    ],
)
def test_the_same_checks_hold_by_the_figures_of_another_jurisdiction(
    practice: Clinic, code: str | None, changes: dict[str, Any]
) -> None:
    assert code_of(practice, **(EU | changes)) == code


def test_ten_lines_are_lawful_there_and_six_are_not_here(practice: Clinic, clinic: Clinic) -> None:
    codes = [f"XC08CAB8{n:02}A001010100001" for n in range(10)]
    for code in codes:
        for each in (practice, clinic):
            each.load("drug", code, drug(code, form="tablet"))
    lines = [line(n, code) for n, code in enumerate(codes, start=1)]

    assert code_of(practice, **EU, lines=lines) is None
    assert code_of(clinic, lines=lines[:6]) == "line.count"


def test_an_injection_is_delivered_there(practice: Clinic) -> None:
    assert not practice.state(practice.issued(**EU, lines=[line(product=OTHER)])).signed.lines[0].counter_only


def test_every_jurisdiction_states_where_its_rules_come_from() -> None:
    assert POLICIES.names >= {"cn", "demo-eu"}
    for name in POLICIES.names:
        assert all(version.source and version.version.startswith(name) for version in POLICIES.of(name).versions)


def test_doses_of_a_period_are_taken_on_days_of_their_own() -> None:
    assert DoseFrequency(times=2, per_days=7).doses(1) == 1
    assert DoseFrequency(once=True).doses(7) == 1
    assert Decimal(DoseFrequency(times=3).doses(7)) == Decimal(21)


@pytest.mark.parametrize(
    "how",
    [
        {"instructions": "遵 医 嘱"},
        {"instructions": "遵\u200b医\u00ad嘱"},
        {"instructions": "遵\u3000医嘱"},
        {"instructions": "take as  directed"},
        {"instructions": "ＡＳ ＤＩＲＥＣＴＥＤ"},
        {"herb_note": "遵医嘱"},
    ],
)
def test_no_spacing_width_or_footnote_makes_as_directed_clear(clinic: Clinic, how: dict[str, Any]) -> None:
    assert code_of(clinic, lines=[line(**how)]) == "line.as_directed"


@pytest.mark.parametrize(
    "blank",
    [
        {"validity_days": 3, "validity_reason": "  "},
        {"validity_days": 3, "validity_reason": "\u200b\ufeff"},
        {"lines": [line(days=14, quantity=14)], "long_supply_reason": "\u3000"},
        {"visit_kind": "emergency", "lines": [line(days=3, quantity=3)], "beyond_level_reason": " "},
        {"lines": [line(route=" ")]},
        {"lines": [line(route="\u2060")]},
        {"diagnoses": [{"code": "I10.x00", "name": " "}]},
        {"tcm_diagnoses": [{"code": "A04.01", "name": "感冒", "syndrome": "\u3000"}]},
        {"online_visit": True, "online": {"first_visit": False, "guardian": {"name": "王芳", "relation": " "}}},
        {
            "lines": [line(days=84, quantity=84)],
            "plan": {"instalments": 3, "days": 28, "assessment": " ", "patient_agreed": True},
        },
    ],
)
def test_blanks_are_no_reason_and_no_route(clinic: Clinic, blank: dict[str, Any]) -> None:
    assert code_of(clinic, **blank) == "prescription.payload"


@pytest.mark.parametrize(
    ("code", "intent"),
    [
        (
            "insurance_intent.self_pay_note",
            {"lines": [{"line": 1, "kind": "self_pay", "self_pay_reason": "other", "self_pay_note": " "}]},
        ),
        ("insurance_intent.reason", {"restricted_use": [{"line": 1, "met": False, "reason": " "}]}),
    ],
)
def test_blanks_are_no_word_to_the_insurer(clinic: Clinic, code: str, intent: dict[str, Any]) -> None:
    assert code_of(clinic, insurance_intent={"kind": "pooled_outpatient", **intent}) == code
