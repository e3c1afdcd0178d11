"""What the demo world's people sign about a prescription that exists: the payloads of ConfirmFindings, AnswerQuery and
PassCase, as compact JWS."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from rxflow.world.model import Person

STAND_IN_THE_WAY = frozenset({"serious", "blocking"})


def confirmation(doctor: Person, shown: Mapping[str, Any], reason: str) -> str:
    """The second signature (双签名) under a returned prescription: every finding in the way, with the same reason.

    `shown`: the prescription as its doctor reads it.
    """
    open_findings = [each["number"] for each in shown["findings"] if each["severity"] in STAND_IN_THE_WAY]
    said = {
        "revision": shown["revision"],
        "confirmation_no": shown["confirmation_no"] + 1,
        "findings": [{"finding": number, "reason": reason} for number in open_findings],
    }
    return doctor.key.sign(orjson.dumps({**_about(doctor, shown), **said}))


def answer(doctor: Person, shown: Mapping[str, Any], block_id: str, words: str) -> str:
    """The signed answer (重新签字) to why lines were blocked."""
    return doctor.key.sign(orjson.dumps({**_about(doctor, shown), "block_id": block_id, "answer": words}))


def passed(pharmacist: Person, case: Mapping[str, Any], comment: str) -> str:
    """A pharmacist's pass of a case as they read it, with a word on every serious finding."""
    serious = [finding["number"] for finding in case["findings"] if finding["severity"] == "serious"]
    signed = {
        "case_id": case["case_id"],
        "revision": case["revision"],
        "signed_sha256": case["signed_sha256"],
        "comments": [{"finding": number, "comment": comment} for number in serious],
    }
    return pharmacist.key.sign(orjson.dumps(signed))


def _about(doctor: Person, shown: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "prescription_id": shown["prescription_id"],
        "prescriber": doctor.code,
        "signed_sha256": shown["signature"]["sha256"],
    }
