"""Which drug here a register means by its own words: name, strength, form and ATC code.

Only one answer is an answer. Words that fit none of the known drugs, or several, name none: a shortage counted for the
wrong drug would be worse than a row refused, and the mapping of the import can say what is meant.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from contracts.supply_reports import RegisterRow
from services.seedwork.usecase import Find
from services.shortage.application.nodes import Loading
from services.shortage.domain.known_drugs import same_words

FORMS: Mapping[str, tuple[str, ...]] = {
    "tablet": ("片",),
    "capsule": ("胶囊",),
    "injection": ("注射",),
    "solution": ("溶液", "口服液", "注射液"),
    "suspension": ("混悬",),
    "syrup": ("糖浆",),
    "granule": ("颗粒",),
    "powder": ("粉", "散"),
    "cream": ("乳膏",),
    "ointment": ("软膏",),
    "inhal": ("吸入",),
    "aerosol": ("气雾",),
    "spray": ("喷雾",),
    "patch": ("贴",),
    "suppositor": ("栓",),
    "drop": ("滴",),
}
"""What an English word for a form is in the names of Chinese forms (中国药典 制剂通则): the beginnings of both."""
_WORD = re.compile(r"[a-z]+")


def named_drugs(rows: Iterable[Any]) -> Loading[dict[str, str]]:
    """By the key of a row that names no drug key: the drug that its words fit."""
    found: dict[str, str] = {}
    candidates: dict[str, Sequence[Mapping[str, Any]]] = {}
    for row in rows:
        if not isinstance(row, RegisterRow) or row.drug_key is not None or not row.name:
            continue
        for name in _names(row):
            if name not in candidates:
                candidates[name] = yield Find("known_drugs_named", {"name": name})  # type: ignore[misc]
        drug_key = _only(row, [each for name in _names(row) for each in candidates[name]])
        if drug_key is not None:
            found[row.key] = drug_key
    return found


def _names(row: RegisterRow) -> list[str]:
    """The name as it stands, and without the form that some registers write behind it."""
    name = row.name.split("(")[0].strip()
    words = name.split()
    shorter = [" ".join(words[:n]) for n in range(len(words) - 1, 0, -1) if _form_words(" ".join(words[n:]))]
    return list(dict.fromkeys(map(same_words, [name, *shorter])))


def _only(row: RegisterRow, candidates: Sequence[Mapping[str, Any]]) -> str | None:
    fitting = {each["drug_key"] for each in candidates if _fits(row, each)}
    return fitting.pop() if len(fitting) == 1 else None


def _fits(row: RegisterRow, drug: Mapping[str, Any]) -> bool:
    if row.strength and same_words(row.strength) != drug["strength"]:
        return False
    if row.atc and drug["atc"] and not drug["atc"].startswith(row.atc):
        return False
    forms = [part for word in _form_words(f"{row.form} {row.name}") for part in FORMS[word]]
    return not forms or any(part in drug["form"] for part in forms)


def _form_words(text: str) -> list[str]:
    return [begin for word in _WORD.findall(text.casefold()) for begin in FORMS if word.startswith(begin)]
