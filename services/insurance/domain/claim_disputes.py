"""What a named person decides about a claim: to hand out on credit, and who bears what the insurer will not.

| about | decision | bearer | books |
|---|---|---|---|
| authorisation (refused late) | accepted_by_insurer | insurer | the quoted amounts, settled |
| authorisation | pharmacy_bears | pharmacy | the patient's quoted share; the rest is the pharmacy's |
| authorisation | patient_billed | patient | all the patient's; only with consent given before (attempts before count) |
| settlement (it will not book what it reserved) | accepted_by_insurer | insurer | settled as authorised |
| settlement | pharmacy_bears | pharmacy | the payers' parts are the pharmacy's, the patient's share stays |
| reversal (refused, or too late) | reversed | insurer or pharmacy | the exact negation |
| reversal | stands | pharmacy or insurer | nothing: the claim stays settled |
"""

from __future__ import annotations

from collections.abc import Mapping

from services.insurance.domain.adjudication import self_pay
from services.insurance.domain.amounts import Adjudication, LineAmounts, PayerAmount
from services.insurance.domain.claim import ClaimState, DecideDispute, GiveCredit
from services.insurance.domain.claim_decisions import wrong_state
from services.insurance.domain.claim_events import (
    ClaimDisputed,
    ClaimReversed,
    CreditGiven,
    DisputeDecided,
)
from services.insurance.domain.claim_transitions import AUTHORISING, CLAIM_TRANSITIONS, CREDIT, DECIDE
from services.insurance.domain.claim_values import Bearer, Decision, DisputeAbout
from services.insurance.domain.ledger import Posting, authorised_postings, booking, negated, settled_postings
from services.insurance.domain.receipt import receipt_sha256
from services.seedwork.model import DomainEvent, Outcome, Refusal

DECISIONS: Mapping[DisputeAbout, Mapping[Decision, frozenset[Bearer]]] = {
    "authorisation": {
        "accepted_by_insurer": frozenset({"insurer"}),
        "pharmacy_bears": frozenset({"pharmacy"}),
        "patient_billed": frozenset({"patient"}),
    },
    "settlement": {
        "accepted_by_insurer": frozenset({"insurer"}),
        "pharmacy_bears": frozenset({"pharmacy"}),
    },
    "reversal": {
        "reversed": frozenset({"insurer", "pharmacy"}),
        "stands": frozenset({"insurer", "pharmacy"}),
    },
}
"""What may be decided, and who may bear it."""


def patient_consent(state: ClaimState) -> str | None:
    """Which document says that the patient pays what no insurer does: of this attempt, or of one before it, whose place
    it took."""
    given = (
        state.credit and state.credit.patient_consent,
        state.self_pay_consent,
        state.void and state.void.consent,
        state.opened and state.opened.patient_consent,
    )
    return next((each for each in given if each), None)


def pays_alone(state: ClaimState) -> bool:
    """Whether the patient has chosen to pay alone, which holds for what takes the claim's place, too."""
    return state.self_pay_reason == "chosen" or (state.void is not None and state.void.reason == "self_pay_chosen")


def give_credit(state: ClaimState, command: GiveCredit, person: str, claim_max: int) -> Outcome:
    """Hand it out before the money is certain. `claim_max` in fen is the policy's limit for the whole claim."""
    unknown = state.state != AUTHORISING or state.outcome_unknown
    if not CLAIM_TRANSITIONS.allows(state.state, CREDIT) or state.credit or not unknown or state.adjudication is None:
        return wrong_state(state, CREDIT)
    if state.adjudication.total > claim_max:
        return Refusal("claim.credit_not_allowed", {"total": state.adjudication.total, "max": claim_max})
    return [CreditGiven(given_by=person, reason=command.reason, patient_consent=command.patient_consent)]


def decide_dispute(state: ClaimState, command: DecideDispute, person: str) -> Outcome:
    """Book what the officer decided, with the bearer by name."""
    if not CLAIM_TRANSITIONS.allows(state.state, DECIDE) or state.dispute is None or state.adjudication is None:
        return wrong_state(state, DECIDE)
    bearers = DECISIONS[state.dispute.about].get(command.decision)
    if bearers is None or command.bearer not in bearers:
        allowed = {name: sorted(by) for name, by in DECISIONS[state.dispute.about].items()}
        return Refusal("claim.decision_not_possible", {"about": state.dispute.about, "allowed": allowed})
    if command.decision == "patient_billed" and patient_consent(state) is None:
        return Refusal("claim.consent_missing")
    return [*_decided(state, state.dispute, command, person)]


def _decided(state: ClaimState, dispute: ClaimDisputed, command: DecideDispute, person: str) -> list[DomainEvent]:
    amounts = None if dispute.about == "reversal" else _amounts(state, command.decision)
    insurer = None if command.decision == "patient_billed" else state.insurer
    postings = () if amounts is None else _postings(state, amounts, insurer)
    decided = DisputeDecided(
        decision=command.decision,
        bearer=command.bearer,
        decided_by=person,
        reason=command.reason,
        insurer=insurer,
        adjudication=amounts,
        receipt_sha256=None if amounts is None else receipt_sha256(state, amounts, insurer),
        **booking(state.postings, postings),
    )
    if command.decision != "reversed":
        return [decided]
    booked = booking(state.postings, negated(state.postings))
    return [decided, ClaimReversed(insurer=insurer, reason="decided", replaced_by=None, **booked)]


def _postings(state: ClaimState, amounts: Adjudication, insurer: str | None) -> tuple[Posting, ...]:
    """Settled with these amounts, in the place of what the authorisation had booked."""
    pharmacy = state.opened.supply.pharmacy if state.opened else ""
    settled = settled_postings(amounts.total, pharmacy)
    if not state.postings:
        return authorised_postings(amounts, pharmacy, insurer) + settled
    if state.adjudication is None or amounts == state.adjudication:
        return settled
    before = authorised_postings(state.adjudication, pharmacy, state.insurer)
    return negated(before) + authorised_postings(amounts, pharmacy, insurer) + settled


def _amounts(state: ClaimState, decision: Decision) -> Adjudication:
    assert state.opened is not None and state.adjudication is not None  # noqa: S101, PT018 - its caller has seen them
    if decision == "patient_billed":
        return self_pay(state.opened.lines, "chosen")
    if decision == "accepted_by_insurer":
        return state.adjudication
    return state.adjudication.model_copy(
        update={"at_home": (), "lines": tuple(_borne_by_pharmacy(line) for line in state.adjudication.lines)}
    )


def _borne_by_pharmacy(line: LineAmounts) -> LineAmounts:
    """What the insurer would have paid is the pharmacy's; the patient's part stays."""
    patient = tuple(share for share in line.payers if share.payer == "patient")
    borne = line.total - sum(share.amount for share in patient)
    pharmacy = (PayerAmount(payer="hosp", amount=borne, rule="dispute/pharmacy-bears"),) if borne else ()
    return line.model_copy(update={"payers": pharmacy + patient})
