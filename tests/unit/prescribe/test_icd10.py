"""The blocks of ICD-10."""

import pytest

from services.prescribe.domain.icd10 import is_category, nearest_blocks


@pytest.mark.parametrize("code", ["A00", "A09.900", "D48.900", "D50", "I10.x00x002", "U07.100", "Y98", "Z99.900"])
def test_what_lies_in_a_block_is_a_category(code: str) -> None:
    assert is_category(code)


@pytest.mark.parametrize("code", ["A10", "A14", "D49", "O93", "U50", "Y99", "Z14", "I1"])
def test_what_lies_between_blocks_is_none(code: str) -> None:
    assert not is_category(code)


def test_the_nearest_blocks_are_of_the_same_letter() -> None:
    assert nearest_blocks("Z14.000") == ("Z00-Z13", "Z20-Z29", "Z30-Z39")
    assert nearest_blocks("O93") == ("O85-O92", "O94-O99", "O80-O84")
