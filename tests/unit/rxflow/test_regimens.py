"""What the demo world's doctors usually write is what the labels say: the shipped knowledge has no word against it."""

from __future__ import annotations

import pytest

from rxflow.world import build_world, line_for
from rxflow.world.catalogue import Product
from services.review.domain.knowledge.files import shipped_sets
from services.review.domain.policy import CN
from services.review.domain.screening import Subject, screen
from services.review.domain.values import Diagnosis, Line, PatientFacts, Prescriber, Severity

WORLD = build_world()
OF_WOMEN = ("N7", "N8", "N9", "O")
ADULT = {"age_days": 15_000, "weight_grams": 68_000, "allergies": (), "pregnant": False, "lactating": False}


def written(product: Product) -> Line:
    """The usual line, as review hears of it."""
    line, drug = line_for(1, product), product.drug
    about = {name: line[name] for name in ("quantity", "dose", "dose_unit", "frequency_per_day", "days", "route")}
    named = {name: getattr(drug, name) for name in ("generic_name", "english_name", "atc", "form", "strength")}
    more = {"drug_key": drug.drug_key, "base_unit": drug.base_unit, "skin_test": line.get("skin_test")}
    return Line(line=1, product=product.code, drug_class=str(drug.drug_class), **about, **named, **more)


def said_against(product: Product) -> list[str]:
    regimen = product.regimen
    sex = "female" if regimen.indication_code.startswith(OF_WOMEN) else "male"
    line = written(product)
    subject = Subject(
        on=WORLD.as_of,
        emergency=False,
        herbal=False,
        validity_days=1,
        facts=PatientFacts(sex=sex, **ADULT),
        lines=(line,),
        diagnoses=(Diagnosis(code=regimen.indication_code, name=regimen.indication_name),),
        long_supply_reason="慢性病, 病情稳定" if line.days > 7 else None,
        prescriber=Prescriber(registered=True, in_force=True, at_site=True, rights=(line.drug_class,)),
    )
    findings = screen(subject, shipped_sets()[-1].on(WORLD.as_of), CN.on(WORLD.as_of))
    clinical = [
        each for each in findings if each.severity >= Severity.CAUTION and each.rule.startswith(("A1.", "A3.", "A4."))
    ]
    return [f"{each.rule}: {each.evidence}" for each in clinical]


@pytest.mark.parametrize("product", WORLD.products, ids=lambda product: product.code)
def test_a_usual_regimen_is_what_the_label_says(product: Product) -> None:
    assert said_against(product) == []


@pytest.mark.parametrize(
    ("code", "regimen"),
    [
        ("XC01DAD563A010009193576", "40 mg x 1 x 7"),
        ("XJ05ABA112A001021190414", "0.8 g x 5 x 7"),
        ("XM01AEB825E010009294950", "0.3 g x 2 x 5"),
        ("XM01AEB825D004002296349", "5 ml x 4 x 3"),
        ("XD07ACM504H001012396472", "2 g x 1 x 5"),
    ],
    ids=[
        "isosorbide mononitrate, once a day",
        "aciclovir in zoster",
        "ibuprofen, pain",
        "ibuprofen, fever",
        "mometasone",
    ],
)
def test_regimens_that_were_once_others(code: str, regimen: str) -> None:
    """By labels: 单硝酸异山梨酯缓释片; 阿昔洛韦片, 带状疱疹; 布洛芬, 止痛不超过5天, 解热不超过3天; 糠酸莫米松乳膏."""
    line = line_for(1, WORLD.product[code])

    assert f"{line['dose']} {line['dose_unit']} x {line['frequency_per_day']} x {line['days']}" == regimen
