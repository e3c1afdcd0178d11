"""What prescribe is made of."""

from __future__ import annotations

from services.prescribe.application.forgetting import forget_due_patient
from services.prescribe.application.reactions import REACTIONS
from services.prescribe.application.registers import FAMILY_CONTRACTS, REGISTER
from services.prescribe.application.stops import stop_for_registration
from services.prescribe.application.translation import TRANSLATE
from services.prescribe.application.use_cases import close_instalments, end_validity, open_instalment, tell_undecided
from services.prescribe.domain.allocation import ALLOCATIONS
from services.prescribe.domain.document import DOCUMENT
from services.prescribe.domain.inbox import INBOX
from services.prescribe.domain.patient_record import FORGETTING, PATIENT
from services.prescribe.domain.policy import POLICIES
from services.prescribe.domain.prescription import PRESCRIPTION
from services.prescribe.domain.protocol import PROTOCOL
from services.prescribe.domain.registration import REGISTRATION
from services.prescribe.domain.trace import TRACE
from services.prescribe.domain.windows import CLOSES, OPENS
from services.prescribe.projections import METADATA
from services.prescribe.projections.prescriptions import PRESCRIPTIONS
from services.prescribe.projections.registers import REGISTERS
from services.prescribe.projections.stop_use import STOP_USE
from services.prescribe.projections.traces import TRACES
from services.seedwork.composition import Service
from services.seedwork.model import PersonalClass

SERVICE = Service(
    name="prescribe",
    port=8101,
    aggregates=(PATIENT, PRESCRIPTION, DOCUMENT, INBOX, TRACE, REGISTER, FAMILY_CONTRACTS, PROTOCOL, ALLOCATIONS),
    translate=TRANSLATE,
    react=REACTIONS,
    timers={
        ("patient", FORGETTING): forget_due_patient,
        ("register", REGISTRATION): stop_for_registration,
        ("prescription", "validity"): end_validity,
        ("prescription", OPENS): open_instalment,
        ("prescription", CLOSES): close_instalments,
        ("prescription", "answer_due"): tell_undecided,
    },
    projections=(PRESCRIPTIONS, STOP_USE, TRACES, REGISTERS),
    rights=frozenset(PersonalClass),
    jurisdictions=POLICIES.names,
    represented=PATIENT.ref,
    metadata=METADATA,
)
