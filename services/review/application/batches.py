"""Passing several clean cases at once: a signature for each, and each decided for itself."""

from __future__ import annotations

import base64
import binascii
from collections import Counter
from collections.abc import Generator, Iterable, Sequence
from typing import Any
from uuid import UUID

import orjson

from services.review.application.licences import (
    Entry,
    agreed,
    agreement_ref,
    licence_of,
    policy_on,
    registers_of,
    signed_pass,
)
from services.review.domain.case import CaseState, case_ref
from services.review.domain.events import CaseFirstPassed
from services.review.domain.policy import ReviewPolicy
from services.review.domain.values import Licence
from services.review.domain.verdicts import pass_batched
from services.seedwork.model import Loaded, Outcome, Refusal
from services.seedwork.usecase import Actor, Answer, Change, Decision, Load, Moment, UseCase

RESULTS = ("passed", "second_wanted", "refused")
"""What becomes of a row; `second_wanted`: the signature counts, another pharmacist's has to follow."""


def pass_batch(signatures: Sequence[str], actor: Actor) -> UseCase:
    """Pass clean cases of the queue. The answer says of each signature what became of it: a case that is not clean, not
    the signer's or signed wrongly is refused by itself and holds up no other."""
    claimed = [_claimed_case(compact) for compact in signatures]
    known = list(dict.fromkeys(case for case in claimed if case is not None))

    def decide(moment: Moment, *loaded: Loaded[Any]) -> Generator[Load, tuple[Entry, ...], Decision]:
        policy = policy_on(moment)
        if len(signatures) > policy.batch_cases_max:
            return Decision.refused(
                Refusal("case.batch_too_large", {"cases": len(signatures), "max": policy.batch_cases_max})
            )
        cases = dict(zip(known, loaded[: len(known)], strict=True))
        person, institution = loaded[len(known) :]
        licence = licence_of(moment, person, institution)
        delegating = yield from _delegating(cases.values(), licence, moment)
        changes: list[Change] = []
        rows: list[dict[str, Any]] = []
        for case_id, compact in zip(claimed, signatures, strict=True):
            outcome = _decided(case_id, compact, cases, delegating, licence, person, moment, policy)
            rows.append(_row(case_id, outcome))
            if case_id is not None and not isinstance(outcome, Refusal):
                changes.append(Change(cases.pop(case_id), tuple(outcome)))
        counted = Counter(row["result"] for row in rows)
        body = {result: counted[result] for result in RESULTS} | {"rows": rows}
        return Decision(tuple(changes), Answer(200, body))

    return UseCase(tuple(case_ref(case) for case in known), decide, relaxed=registers_of(actor))


def _decided(
    case_id: UUID | None,
    compact: str,
    cases: dict[UUID, Loaded[CaseState]],
    delegating: frozenset[str],
    licence: Licence,
    person: Entry,
    moment: Moment,
    policy: ReviewPolicy,
) -> Outcome:
    """One row. `cases` are those that no row before has passed."""
    if case_id is None:
        return Refusal("signature.malformed", {"reason": "form"})
    if case_id not in cases:
        return Refusal("case.twice_in_batch")
    signed = signed_pass(compact, case_id, moment, person)
    if isinstance(signed, Refusal):
        return signed
    command, signature = signed
    state = cases[case_id].state
    if state.opened is not None:
        licence = licence.model_copy(update={"agreement_in_force": state.opened.institution in delegating})
    return pass_batched(state, command, moment.now, licence, signature, policy, moment.ids)


def _delegating(
    cases: Iterable[Loaded[CaseState]], licence: Licence, moment: Moment
) -> Generator[Load, tuple[Entry, ...], frozenset[str]]:
    """Whose cases these are, of those that have an agreement with the signer's organisation."""
    institutions = {case.state.opened.institution for case in cases if case.state.opened}
    others = sorted(institutions - {licence.organisation})
    if not others:
        return frozenset()
    agreements = yield Load.of(*(agreement_ref(institution, licence.organisation) for institution in others))
    return frozenset(
        institution for institution, entry in zip(others, agreements, strict=True) if agreed(entry.state, moment.now)
    )


def _row(case_id: UUID | None, outcome: Outcome) -> dict[str, Any]:
    named = {"case_id": str(case_id) if case_id else None}
    if isinstance(outcome, Refusal):
        return named | {"result": "refused", "problem": outcome.code, "facts": dict(outcome.facts)}
    waits = any(isinstance(event, CaseFirstPassed) for event in outcome)
    return named | {"result": "second_wanted" if waits else "passed"}


def _claimed_case(compact: str) -> UUID | None:
    """Which case the payload names, before anybody knows whether the signature is good."""
    try:
        payload = compact.split(".")[1]
        named = orjson.loads(base64.b64decode(payload + "=" * (-len(payload) % 4), b"-_", validate=True))
        return UUID(named["case_id"])
    except (IndexError, KeyError, TypeError, ValueError, AttributeError, binascii.Error):
        return None
