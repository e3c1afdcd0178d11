"""What the review service is made of."""

from __future__ import annotations

from services.review.application.licences import REFERENCE
from services.review.application.reactions import REACTIONS
from services.review.application.translation import TRANSLATE
from services.review.application.use_cases import escalate, expire_lease
from services.review.domain.case import CASE, DEADLINE, LEASE
from services.review.domain.dossier import DOSSIER
from services.review.domain.library import SHELF, VOLUME
from services.review.domain.medication import MEDICATION
from services.review.domain.policy import POLICIES
from services.review.projections import METADATA
from services.review.projections.agreements import REVIEW_AGREEMENTS
from services.review.projections.queue import REVIEW_QUEUE
from services.seedwork.composition import Service
from services.seedwork.forgotten import FORGOTTEN
from services.seedwork.model import PersonalClass

SERVICE = Service(
    name="review",
    port=8102,
    aggregates=(CASE, DOSSIER, MEDICATION, REFERENCE, FORGOTTEN, SHELF, VOLUME),
    translate=TRANSLATE,
    react=REACTIONS,
    timers={(CASE.name, LEASE): expire_lease, (CASE.name, DEADLINE): escalate},
    projections=(REVIEW_QUEUE, REVIEW_AGREEMENTS),
    rights=frozenset({PersonalClass.CLINICAL}),
    jurisdictions=POLICIES.names,
    metadata=METADATA,
)
