"""A parcel tells who gets it where, and nothing of what is in it."""

import io

import pytest
from pypdf import PdfReader

from services.dispatch.adapters.label import render
from services.dispatch.application.labels import label_of
from tests.unit.dispatch.road import Road
from tests.unit.dispatch.town import DRUGS, Town

MEDICAL = [
    *(str(value) for facts in DRUGS.values() for value in facts.values() if isinstance(value, str)),
    *DRUGS,
    "原发性高血压",
    "I10",
    "处方",
    "示例大药房",
]


def text_of(content: bytes) -> str:
    return "".join(page.extract_text() for page in PdfReader(io.BytesIO(content)).pages)


@pytest.mark.parametrize("cold", [False, True], ids=["ambient", "cold"])
def test_a_label_says_who_and_how_and_nothing_medical(town: Town, cold: bool) -> None:
    road = Road(town, cold=cold).packed()
    label = label_of(road.state)
    assert label is not None

    content = render(label, str(road.delivery_id))

    text = text_of(content)
    for shown in ("测试患者", "138****0000", "长沙市示例路1号", "SEAL-1", label.parcel_no):
        assert shown in text
    assert ("冷藏" in text) == cold
    for secret in (*MEDICAL, "13800000000", *road.codes, str(road.fulfilment), str(road.supply_id)):
        assert secret not in text, secret
    assert len(PdfReader(io.BytesIO(content)).pages) == 1
    assert render(label, str(road.delivery_id)) == content


def test_before_it_is_packed_there_is_no_label(town: Town) -> None:
    assert label_of(Road(town).state) is None


def test_what_is_given_only_against_a_document_says_so(town: Town) -> None:
    from tests.unit.dispatch.town import TABLETS, drug  # noqa: PLC0415

    town.refer("drug", TABLETS, drug(**DRUGS[TABLETS], drug_class="psychotropic_2"))
    label = label_of(Road(town).packed().state)

    assert label is not None
    assert "须核对身份证件" in label.flags
