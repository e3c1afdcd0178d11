"""Blocked lines: raised by a pharmacy, the rescreen, an authority or the register; freed by the prescriber's answer."""

from __future__ import annotations

from datetime import datetime

from services.prescribe.domain.block_events import LinesBlocked, QueryAnswered, QueryRaised
from services.prescribe.domain.commands import AnswerQuery, SafetyStop
from services.prescribe.domain.prescription import PrescriptionState
from services.prescribe.domain.signing_again import Signer, may_not_sign, other_content
from services.prescribe.domain.values import Line
from services.seedwork.model import Outcome, Refusal


def block(state: PrescriptionState, trigger: str, raised: QueryRaised) -> Outcome:
    """Takes over what blocks lines, once per block, whoever found it. Lines are told by number; none: all of them."""
    if state.current is None:
        return Refusal("prescription.unknown")
    if state.block(raised.block_id):
        return []
    if refusal := state.refuses(trigger):
        return refusal
    known = tuple(line.line for line in state.signed.lines)
    lines = raised.lines or known
    if strange := sorted(set(lines) - set(known)):
        return Refusal("query.unknown_line", {"lines": strange})
    return [raised.model_copy(update={"lines": lines})]


def safety_stop(state: PrescriptionState, command: SafetyStop, by: str, *, covers_region: str | None) -> Outcome:
    """`by`: the institution or the authority; `covers_region`: leading digits of the authority's region, None for the
    institution, which stops only what it issued."""
    if state.current is None:
        return Refusal("prescription.unknown")
    signed = state.signed
    own = signed.institution == by if covers_region is None else signed.region.startswith(covers_region)
    if not own:
        return Refusal("prescription.not_yours")
    stopped = LinesBlocked(
        block_id=command.block_id,
        patient_ref=signed.patient_ref,
        lines=command.lines or (),
        source="safety_stop",
        codes=(command.reason_code,),
        asked_by=by,
        reason=command.reason,
    )
    if known := state.block(command.block_id):
        return [] if _same(known.raised, stopped, signed.lines) else Refusal("query.other_stop")
    return block(state, "SafetyStop", stopped)


def _same(raised: QueryRaised, again: QueryRaised, lines: tuple[Line, ...]) -> bool:
    """Whether what goes by one id is one block."""
    wanted = again.lines or tuple(line.line for line in lines)
    told = (raised.source, raised.asked_by, raised.codes, raised.lines)
    return told == (again.source, again.asked_by, again.codes, wanted)


def answer_query(state: PrescriptionState, command: AnswerQuery, signer: Signer, *, now: datetime) -> Outcome:
    """By the prescriber, registered today. The same bytes again change nothing."""
    signature = may_not_sign(state, command, signer)
    if isinstance(signature, Refusal):
        return signature
    asked = state.block(command.block_id)
    if asked is None:
        return Refusal("query.unknown", {"block_id": str(command.block_id)})
    if asked.answered_by is not None:
        same = asked.answered_by == signature.sha256
        return [] if same else Refusal("query.answered", {"block_id": str(command.block_id)})
    if refusal := state.refuses("AnswerQuery") or other_content(state, command):
        return refusal
    return [
        QueryAnswered(
            block_id=command.block_id,
            patient_ref=state.signed.patient_ref,
            lines=asked.lines,
            answer=command.answer,
            signature=signature,
            jws=signer.compact,
            answered_at=now,
        )
    ]
