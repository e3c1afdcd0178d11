"""What others decide or find about a pharmacy beside its holds.

What an insurer decides about a claim whose supply the patient has already: the pharmacy may have to bear it. Until then
the claim's course shows at the pharmacy's hold. What the daily close with an insurer finds, which it may have to bear
as well. And what shortage makes of its reports.
"""

from __future__ import annotations

from typing import Any

from contracts.events import insurance, insurance_audit, insurance_reconciliation
from contracts.events.shortage_reporters import ReporterAlert
from services.dispatch.application.money import note_refusal
from services.dispatch.application.registers import pharmacy_ref
from services.dispatch.domain.pharmacy_notice import PharmacyNoticeState, PharmacyTold, notice_about, tell
from services.seedwork.model import Loaded
from services.seedwork.reference import EntryState
from services.seedwork.usecase import Decision, Moment, UseCase

SUMS = ("total", "fund", "account", "patient_share")
HEARD, LEFT = "heard_again", "left"


def claim_refused(event: insurance.ClaimRefused) -> UseCase:
    """At the counter the supply waits for the patient; later it is a dispute that an officer decides."""
    if event.stage == "authorise":
        return note_refusal(event)
    return _told(event, "disputed", facts={"stage": event.stage, "reasons": list(event.reasons)})


def claim_settled(event: insurance.ClaimSettled) -> UseCase:
    """How a dispute was decided. A claim that simply settles is no news to whoever handed it out."""
    if event.decided is None:
        return UseCase((), lambda _moment: Decision.nothing())
    return _told(event, "decided", event.decided, _sums(event))


def claim_reversed(event: insurance.ClaimReversed) -> UseCase:
    """Settled money is taken back; `replaced_by`: the attempt that bills what stays the patient's."""
    return _told(event, "reversed", event.reason, {**_sums(event), "replaced_by": event.replaced_by})


def audit_flagged(event: insurance_audit.AuditFlagged) -> UseCase:
    """What the audit asks about a supply, and how it was decided; the pharmacy may appeal in time."""
    shown = {"claim_id", "insurer", "stage", "grade", "findings", "appeal_until"}
    news = PharmacyTold(
        kind="audit",
        pharmacy=event.pharmacy,
        status=event.status,
        fulfilment_id=event.fulfilment_id,
        supply_id=event.supply_id,
        facts=event.model_dump(mode="json", include=shown),
    )
    return _telling(news, event.audit_id)


def difference_found(event: insurance_reconciliation.DifferenceFound) -> UseCase:
    """An insurer's day does not agree with ours about a claim of the pharmacy; somebody has to answer it."""
    shown = {"insurer", "day", "message_id", "claim_id", "kind", "ours", "theirs", "owner"}
    return _difference(event, "open", None, shown)


def difference_closed(event: insurance_reconciliation.DifferenceClosed) -> UseCase:
    """What became of it, and what the pharmacy bears of it."""
    return _difference(event, "closed", event.answer, {"insurer", "day", "message_id", "claim_id", "borne"})


def _difference(
    event: insurance_reconciliation.DifferenceEvent, status: str, reason: str | None, shown: set[str]
) -> UseCase:
    if event.pharmacy is None:
        return UseCase((), lambda _moment: Decision.nothing())
    facts = event.model_dump(mode="json", include=shown)
    news = PharmacyTold(kind="difference", pharmacy=event.pharmacy, status=status, reason=reason, facts=facts)
    return _telling(news, event.insurer, event.day, event.message_id)


def reporter_alert(event: ReporterAlert) -> UseCase:
    """Makers, wholesalers and institutions report as well; they have no feed here."""
    brought = () if event.source is None else (event.source,)
    facts = event.model_dump(mode="json", include={"since", "against"})
    news = PharmacyTold(
        kind="reporter",
        pharmacy=event.reporter,
        status=event.kind if event.raised else LEFT if event.left else HEARD,
        facts={**facts, **({"source": event.source} if brought else {})},
    )

    def decide(_moment: Moment, place: Loaded[EntryState], notice: Loaded[PharmacyNoticeState]) -> Decision:
        return Decision.on(notice, tell(notice.state, news)) if place.exists else Decision.nothing()

    about = notice_about(news.kind, event.reporter, event.kind, *brought)
    return UseCase((pharmacy_ref(event.reporter), about), decide)


def _sums(event: insurance.ClaimAmountsEvent) -> dict[str, Any]:
    return event.model_dump(mode="json", include=set(SUMS))


def _told(
    event: insurance.ClaimEvent, status: str, reason: str | None = None, facts: dict[str, Any] | None = None
) -> UseCase:
    news = PharmacyTold(
        kind="claim",
        pharmacy=event.pharmacy,
        status=status,
        reason=reason,
        fulfilment_id=event.fulfilment_id,
        supply_id=event.supply_id,
        facts={"attempt": event.attempt, "insurer": event.insurer, **(facts or {})},
    )
    return _telling(news, event.claim_id)


def _telling(news: PharmacyTold, *subject: object) -> UseCase:
    def decide(_moment: Moment, notice: Loaded[PharmacyNoticeState]) -> Decision:
        return Decision.on(notice, tell(notice.state, news))

    return UseCase((notice_about(news.kind, *subject),), decide)
