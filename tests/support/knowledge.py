"""A small set of knowledge for tests, and how to change it. Invented where it need not be true."""

from __future__ import annotations

import copy
from typing import Any

from services.review.domain.knowledge.reading import KnowledgeSet, read_set

BOOK = {"source": "BOOK", "section": "1"}


def entry(entry_id: str, **fields: Any) -> dict[str, Any]:
    return {"id": entry_id, **BOOK, **fields}


def drug(drug_id: str, *names: str, atc: str, **more: Any) -> dict[str, Any]:
    return entry(drug_id, names=[drug_id, *names], atc=[atc], **{"routes": ["oral"], **more})


SMALL: dict[str, Any] = {
    "name": "small",
    "version": "small-1",
    "valid_from": "2026-01-01",
    "notice": "For tests.",
    "sources": {"BOOK": {"title": "A book", "publisher": "Us", "year": 2026}},
    "drugs": [
        drug("amlodipine", "苯磺酸氨氯地平", atc="C08CA01"),
        drug("valsartan", "缬沙坦", atc="C09CA03"),
        drug("amlodipine-valsartan", "缬沙坦氨氯地平", atc="C09DB01", ingredients=["amlodipine", "valsartan"]),
        drug("warfarin", "华法林钠", atc="B01AA03"),
        drug("ibuprofen", "布洛芬", atc="M01AE01"),
        drug("ceftriaxone", "头孢曲松钠", atc="J01DD04", routes=["iv", "im"]),
    ],
    "groups": [
        entry("nsaids", name="NSAIDs", members=[{"atc": "M01A"}]),
        entry("bleeding", name="raise bleeding", members=[{"group": "nsaids"}, {"drug": "warfarin"}]),
    ],
    "doses": [
        entry("ibuprofen-oral", drug="ibuprofen", route="oral", unit="mg", age_days_min=4383, daily_max="2400"),
        entry(
            "ibuprofen-child", drug="ibuprofen", route="oral", unit="mg", age_days_max=4382, per_kg=True, daily_max="40"
        ),
    ],
    "interactions": [
        entry("warfarin-nsaids", a={"drug": "warfarin"}, b={"group": "nsaids"}, severity="serious", effect="bleeding"),
    ],
}


def document(**sections: Any) -> dict[str, Any]:
    """The small set with some of its parts replaced."""
    return copy.deepcopy(SMALL) | sections


def knowledge_set(**sections: Any) -> KnowledgeSet:
    read = read_set(document(**sections))
    assert isinstance(read, KnowledgeSet), read
    return read
