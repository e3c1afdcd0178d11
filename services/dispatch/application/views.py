"""How a fulfilment, a delivery and a prescription's content are shown: as JSON-able mappings, without secrets."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from services.dispatch.domain.delivery.state import DeliveryState, Excursion
from services.dispatch.domain.fulfilment.nomination import LINE_SHOWN_BEFORE_A_HOLD, SHOWN_BEFORE_A_HOLD
from services.dispatch.domain.fulfilment.proposal import Proposal
from services.dispatch.domain.fulfilment.state import FulfilmentState, Hold, Supply
from services.dispatch.domain.prescription_content import ContentState
from services.dispatch.domain.values import Bucket


def fulfilment_view(state: FulfilmentState, pharmacy: str | None = None) -> dict[str, Any]:
    """Where everything is: lines with their buckets, holds, supplies; of those, to a pharmacy, its own only."""
    holds = [hold for hold in state.holds.values() if pharmacy in {None, hold.pharmacy}]
    supplies = [supply for supply in state.supplies.values() if pharmacy in {None, supply.pharmacy}]
    return {
        "fulfilment_id": str(state.fulfilment_id),
        "prescription_id": str(state.prescription_id),
        "instalment": state.instalment,
        "instalments": state.instalments,
        "status": state.status,
        "outcome": state.outcome,
        "insurance_intent": state.insurance_intent,
        "opens_at": state.opens_at.isoformat(),
        "closes_at": state.closes_at.isoformat(),
        "online_notice": state.online_notice,
        "nominated_pharmacy": state.nominated_pharmacy if pharmacy in {None, state.nominated_pharmacy} else None,
        "lines": [
            {
                **row.content.model_dump(mode="json"),
                "blocked": row.content.line in state.blocked_lines,
                "buckets": {bucket.value: row.buckets.of(bucket) for bucket in Bucket},
            }
            for row in state.lines.values()
        ],
        "holds": [hold_view(hold, offers=pharmacy is None) for hold in holds],
        "supplies": [supply_view(supply) for supply in supplies],
        "replaceable": [
            {
                "supply_id": str(supply_id),
                "pharmacy": found.pharmacy,
                "replace_until": found.until.isoformat(),
                "lines": [{"line": line, "quantity": quantity} for line, quantity in sorted(found.rest.items())],
            }
            for supply_id, found in state.replaceables.items()
            if found.rest and pharmacy in {None, found.pharmacy}
        ],
        "proposals": [proposal_view(each) for each in state.proposals.values()],
    }


def nominated_view(state: FulfilmentState) -> dict[str, Any]:
    """What the nominated pharmacy is shown before it holds: what is free, nothing of the patient or of others."""
    shown = fulfilment_view(state)
    lines = [
        {**{name: row[name] for name in LINE_SHOWN_BEFORE_A_HOLD}, "remaining": row["buckets"]["remaining"]}
        for row in shown["lines"]
    ]
    return {**{name: shown[name] for name in SHOWN_BEFORE_A_HOLD}, "lines": lines}


def hold_view(hold: Hold, *, offers: bool = False) -> dict[str, Any]:
    """`offers`: to the patient, where they could go instead of a hold that has ended."""
    shown = {"offers": [row.model_dump(mode="json") for row in hold.offers]} if offers else {}
    return {
        **shown,
        "hold_id": str(hold.hold_id),
        "pharmacy": hold.pharmacy,
        "way": hold.way.value,
        "status": hold.status,
        "how": hold.how,
        "lines": [row.model_dump(mode="json") for row in hold.lines],
        "self_pay_only": hold.self_pay_only,
        "kind": hold.kind,
        "expires_at": hold.expires_at.isoformat(),
    }


def proposal_view(proposal: Proposal) -> dict[str, Any]:
    """A substitute that is asked about, and whether it was signed or declined; `checked`: what was said of it, where
    no prescriber is asked."""
    checked = proposal.checked.model_dump(mode="json", exclude={"proposal_id"}) if proposal.checked else None
    return {
        "proposal_id": str(proposal.proposal_id),
        "hold_id": str(proposal.hold_id),
        **proposal.line.model_dump(mode="json"),
        "answer_due_at": proposal.answer_due_at.isoformat(),
        "confirmed": proposal.signed,
        "declined": proposal.declined is not None,
        "declined_because": proposal.declined.reason if proposal.declined else None,
        "checked": checked,
    }


def supply_view(supply: Supply) -> dict[str, Any]:
    """`trace_codes`: how its codes of other regional stores stand, where that is not as it should be."""
    codes = {"undecided": list(supply.codes_undecided), "repeated": list(supply.codes_repeated)}
    return {
        **({"trace_codes": codes} if any(codes.values()) else {}),
        "supply_id": str(supply.supply_id),
        "hold_id": str(supply.hold_id),
        "pharmacy": supply.pharmacy,
        "fill_no": supply.fill_no,
        "status": supply.status,
        "lines": [row.model_dump(mode="json") for row in supply.lines or supply.picked],
        "claim": supply.claim,
        "cleared": supply.cleared,
        "patient_share": supply.patient_share,
        "payment": supply.payment,
        "delivery_fee_payment": supply.fee_payment,
        "decide_by": supply.decide_by.isoformat() if supply.decide_by else None,
        "taken_back": [{"line": line, "quantity": quantity} for line, quantity in sorted(supply.taken_back.items())],
        "delivery_id": str(supply.delivery_id) if supply.delivery_id else None,
        "irregularities": list(supply.irregularities),
    }


def content_view(state: ContentState) -> dict[str, Any]:
    """What the dispensing pharmacist reads; clinical facts are None once the patient is forgotten."""
    if state.content is None:
        return {}
    shown = state.content.model_dump(mode="json", exclude={"patient_ref"})
    notices = [each.model_dump(mode="json") for each in state.stop_use]
    serial = str(state.signature_serial)
    return {
        **shown,
        "signature_serial": serial,
        "ended_as": state.ended_as,
        "dialogue": _dialogue(state),
        "stop_use": notices,
    }


def _dialogue(state: ContentState) -> list[dict[str, Any]]:
    """What was asked of the prescriber, and the signed answers (经处方医师更正或重新签字)."""
    shown = []
    for block_id, asked in state.questions.items():
        answered = state.answers.get(block_id)
        question = asked.model_dump(mode="json", exclude={"patient_ref"})
        answer = answered.model_dump(mode="json", exclude={"patient_ref", "block_id"}) if answered else {}
        shown.append({**question, "answered": answered is not None, **answer})
    return shown


def delivery_view(state: DeliveryState, *, with_contact: bool) -> dict[str, Any]:
    """A parcel's label and where it is. Never a drug name; the telephone is masked."""
    created = state.created
    if created is None:
        return {}
    shown: dict[str, Any] = {
        "delivery_id": str(created.delivery_id),
        "fulfilment_id": str(created.fulfilment_id),
        "supply_id": str(created.supply_id),
        "pharmacy": created.pharmacy,
        "courier": created.courier,
        "cold_chain": created.cold_chain,
        "status": state.status,
        "seal_no": state.seal_no,
        "attempts": state.attempts,
        "may_retry": state.may_retry,
        "exception": state.exception,
        "storage": state.storage,
        "identity_required": created.identity_required,
        "booking": state.booking,
        "next_attempt_at": _moment(state.next_attempt_at),
        "return_reason": state.return_reason,
        "accepted": [row.model_dump() for row in state.accepted],
        "rejected": [row.model_dump() for row in state.rejected],
        "packs_back": list(state.counted),
        "verdicts": [each.model_dump() for _, each in sorted(state.verdicts.items())],
        "excursions": [_excursion(number, each) for number, each in sorted(state.excursions.items())],
    }
    if with_contact and created.contact:
        contact = created.contact
        shown["contact"] = {**contact.model_dump(), "phone": masked(contact.phone)}
    return shown


def _moment(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


def _excursion(number: int, excursion: Excursion) -> dict[str, Any]:
    assessed = {"decision": excursion.decision, "reason": excursion.reason, "mkt_hundredths": excursion.mkt_hundredths}
    return {"excursion": number, **excursion.breach.model_dump(mode="json"), **assessed}


def masked(phone: str) -> str:
    """The first three and the last four digits."""
    return f"{phone[:3]}{'*' * (len(phone) - 7)}{phone[-4:]}"
