"""What the shipped sets say of diseases is said in codes that a prescription can hold."""

from collections.abc import Iterator

from services.prescribe.domain.icd10 import FOURTH, is_code, nearest
from services.review.domain.knowledge.files import shipped_sets


def test_every_code_of_a_disease_has_a_place_in_the_classification_of_the_who() -> None:
    """A code of a national modification alone (I16, E31.2) would never be met by a diagnosis, which is checked."""
    strange = sorted(f"{where}: {code}" for where, code in _written() if not _has_a_place(code))

    assert strange == []


def _written() -> Iterator[tuple[str, str]]:
    for each in shipped_sets():
        for section, entries in each.entries.items():
            for entry in entries:
                for code in (*(getattr(entry, "icd10", None) or ()), *(getattr(entry, "indication", None) or ())):
                    yield f"{section}/{entry.id}", code


def _has_a_place(prefix: str) -> bool:
    """Of a prefix shorter than a category (T5): whether any category begins with it."""
    if len(prefix) >= FOURTH - 1:
        return is_code(f"{prefix}.x" if len(prefix) < FOURTH else prefix)
    return any(is_code(f"{prefix}{digit}.x") for digit in "0123456789")


def test_a_code_without_a_place_is_seen() -> None:
    assert not _has_a_place("I16")
    assert not _has_a_place("E31.2")
    assert _has_a_place("T5")
    assert nearest("I16")
