"""The document of a prescription: what stands on it, on which form, and that the same content gives the same bytes."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from dataclasses import replace
from threading import Thread

import pypdf
import pytest
import segno

from services.prescribe.adapters.paper import render
from services.prescribe.adapters.paper.forms import FORMS
from services.prescribe.application.documents import Paper, PaperLine
from services.seedwork.paper import QrCode
from services.seedwork.paper_font import face

DIGEST = "ab" * 32


def paper(**changes: object) -> Paper:
    written = Paper(
        institution="上城区示例人民医院",
        prescription_id="0b0d1a52-6a55-4c8f-9a39-2b7a8d1f0c11",
        revision="2.0",
        drug_classes=frozenset({"ordinary"}),
        visit_kind="outpatient",
        age_years=52,
        fee="医保(门诊统筹)",
        patient="张示伟",
        sex="男",
        age="52 岁",
        diagnoses="高血压 (I10.x00x002)",
        issued_at="2026-03-02 09:00:00",
        valid_until="2026-03-02 23:59:59",
        lines=(PaperLine("苯磺酸氨氯地平 片 5mg", "7 片", "每次 5 mg, 每日 1 次, 口服, 共 7 日"),),
        reasons=("用量理由: 慢性病",),
        prescriber="王示芳 (D330102000001)",
        reviewers="孙示丽 (HY330102000001)",
        signature=("电子签名 SM2, 密钥 D330102000001-1, 2026-03-02 09:00:00",),
        signed_sha256=DIGEST,
    )
    return replace(written, **changes)  # type: ignore[arg-type]


def pages(content: bytes) -> list[str]:
    return [page.extract_text() for page in pypdf.PdfReader(io.BytesIO(content)).pages]


def test_head_body_and_foot_stand_on_one_page() -> None:
    written = paper()
    (text,) = pages(render(written))
    for expected in (
        written.institution,
        written.patient,
        written.age,
        written.diagnoses,
        written.issued_at,
        "Rp",
        written.lines[0].drug,
        "× 7 片",
        written.lines[0].directions,
        "以下空白",
        written.prescriber,
        written.reviewers,
        written.signature[0],
        written.valid_until,
        DIGEST,
        written.prescription_id,
    ):
        assert expected in text.replace("\n", ""), expected


def test_the_page_is_a5_and_its_chinese_is_embedded() -> None:
    (page,) = pypdf.PdfReader(io.BytesIO(render(paper()))).pages
    assert (round(float(page.mediabox.width) / 72 * 25.4), round(float(page.mediabox.height) / 72 * 25.4)) == (148, 210)
    fonts = [each.get_object() for each in page["/Resources"]["/Font"].values()]
    noto = [font for font in fonts if "NotoSansCJKsc" in font["/BaseFont"]]
    assert noto
    assert all("/FontFile2" in font["/FontDescriptor"].get_object() for font in noto)


def test_many_lines_go_on_on_further_pages_and_the_foot_comes_once() -> None:
    many = tuple(PaperLine(f"第{number}味药 片 5mg", "7 片", "每次 5 mg " * 12) for number in range(1, 31))
    text = pages(render(paper(lines=many)))
    assert len(text) >= 3
    assert all(f"第{number}味药" in "".join(text) for number in range(1, 31))
    assert ["审核药师" in page for page in text] == [False] * (len(text) - 1) + [True]
    assert "".join(text).count("以下空白") == 1
    assert all(paper().prescription_id in page for page in text)


def test_before_its_review_the_document_says_so() -> None:
    (text,) = pages(render(paper(reviewers="")))
    assert "待审核" in text


def test_the_same_content_gives_the_same_bytes_whatever_was_printed_between() -> None:
    first = render(paper())
    other = render(paper(patient="欧阳示鑫", lines=paper().lines * 4))
    assert first == render(paper())
    assert other != first
    assert "欧阳示鑫" in pages(other)[0]


def test_another_process_gives_the_same_bytes() -> None:
    code = (
        "import hashlib; from tests.unit.prescribe.test_paper import paper;"
        "from services.prescribe.adapters.paper import render; print(hashlib.sha256(render(paper())).hexdigest())"
    )
    digests = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(digests) == 1


def test_two_documents_at_once_do_not_take_each_others_characters() -> None:
    wanted = [paper(patient=name) for name in ("褚示鑫", "魏示淼", "濮示焱", "亓示垚")]
    made: dict[str, bytes] = {}
    threads = [Thread(target=lambda each=each: made.update({each.patient: render(each)})) for each in wanted]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(name in pages(content)[0] for name, content in made.items())
    assert all(made[each.patient] == render(each) for each in wanted)


@pytest.mark.parametrize(
    ("changes", "mark", "colour"),
    [
        ({}, "", "#ffffff"),
        ({"visit_kind": "emergency"}, "急诊", "#fdf8d8"),
        ({"age_years": 13}, "儿科", "#e4f3e2"),
        ({"age_years": 14}, "", "#ffffff"),
        ({"drug_classes": frozenset({"ordinary", "psychotropic_2"})}, "精二", "#ffffff"),
        ({"drug_classes": frozenset({"toxic"})}, "毒", "#ffffff"),
        ({"drug_classes": frozenset({"narcotic"}), "visit_kind": "emergency"}, "麻、精一", "#fbe3e3"),
        ({"drug_classes": frozenset({"psychotropic_1"}), "age_years": 5}, "麻、精一", "#fbe3e3"),
    ],
)
def test_class_visit_and_age_choose_the_form(changes: dict[str, object], mark: str, colour: str) -> None:
    written = paper(**changes)
    form = FORMS.of(written)
    assert (form.mark, form.paper) == (mark, colour)
    content = render(written)
    assert mark in pages(content)[0]
    red, green, blue = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    painted = pypdf.PdfReader(io.BytesIO(content)).pages[0].get_contents().get_data().decode("latin-1")
    numbers = [float(each) for each in painted.partition(" rg")[0].split()[-3:]]
    assert numbers == pytest.approx([red, green, blue], abs=0.01)


def test_a_character_that_the_font_lacks_is_named() -> None:
    assert ord("𠲞") not in face().glyph_of
    (text,) = pages(render(paper(patient="张𠲞")))
    assert "张〓(U+20C9E)" in text


def test_what_looks_like_markup_or_control_is_only_text() -> None:
    (text,) = pages(render(paper(lines=(PaperLine("A<b>&amp;</b>", "7 片", "餐后\x00<br/>\u202e服用"),))))
    assert "A<b>&amp;</b>" in text
    assert "餐后<br/>服用" in text


def test_the_code_says_id_revision_and_digest() -> None:
    written = paper()
    assert written.verification == f"urn:rxflow:prescription:{written.prescription_id}:2.0:sha256:{DIGEST}"
    drawn = [[bool(module) for module in row] for row in QrCode(written.verification, 76).rows]
    symbol = segno.make_qr(written.verification, error="m")
    assert drawn == [[bool(module) for module in row] for row in symbol.matrix_iter(border=2)]
