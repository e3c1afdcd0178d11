"""Who may do what: the one table of roles and rights. Rendered into `docs/roles.md`."""

from __future__ import annotations

from enum import StrEnum


class Role(StrEnum):
    """The role of a token. One token has one role; nobody holds two of the three administrator roles."""

    PRESCRIBER = "prescriber"
    DELEGATE = "delegate"
    """Of the prescriber's institution: may cancel when the prescriber cannot, nothing else."""
    MEDICAL_OFFICE = "medical_office"
    """Of an institution (医务部门): stops its prescriptions for safety, and cancels them when the patient has died."""
    REVIEWER = "reviewer"
    """Reviewing pharmacist of the issuing institution, or of one that reviews for it."""
    PHARMACIST = "pharmacist"
    """Licensed pharmacist of a retail pharmacy."""
    PREPARER = "preparer"
    CHECKER = "checker"
    QUALITY_MANAGER = "quality_manager"
    """Of a pharmacy (质量负责人): decides what becomes of goods that were set apart."""
    MAKER = "maker"
    """Holds the marketing authorisation (上市许可持有人): calls its own products back."""
    WHOLESALER = "wholesaler"
    """Supplies pharmacies: says what comes of the orders it has."""
    COURIER = "courier"
    PATIENT = "patient"
    INSURANCE_OFFICER = "insurance_officer"
    REGULATOR = "regulator"
    SYSTEM_ADMIN = "system_admin"
    SERVICE = "service"
    """One service of rxflow to another: catch-up feeds only."""


RIGHTS: dict[str, frozenset[Role]] = {
    # every service
    "internal.feed": frozenset({Role.SERVICE}),
    "register.load": frozenset({Role.SYSTEM_ADMIN}),
    "register.read": frozenset(Role) - {Role.SERVICE, Role.COURIER, Role.PATIENT},
    # prescribe
    "patient.register": frozenset({Role.PRESCRIBER, Role.SYSTEM_ADMIN}),
    "patient.read": frozenset({Role.PRESCRIBER, Role.PATIENT}),
    "patient.forget": frozenset({Role.PATIENT, Role.SYSTEM_ADMIN}),
    "prescription.issue": frozenset({Role.PRESCRIBER}),
    "pharmacy.nominate": frozenset({Role.PATIENT}),
    "prescription.cancel": frozenset({Role.PRESCRIBER, Role.DELEGATE, Role.MEDICAL_OFFICE}),
    "stop_use.acknowledge": frozenset({Role.PATIENT}),
    "prescription.stop": frozenset({Role.MEDICAL_OFFICE, Role.REGULATOR}),
    "prescription.read": frozenset({Role.PRESCRIBER, Role.PATIENT}),
    "prescription.trace": frozenset({Role.PRESCRIBER, Role.PATIENT, Role.REGULATOR}),
    "feedback.read": frozenset({Role.PRESCRIBER}),
    "feedback.acknowledge": frozenset({Role.PRESCRIBER}),
    # review
    "case.read": frozenset({Role.REVIEWER}),
    "case.review": frozenset({Role.REVIEWER}),
    "advice.ask": frozenset({Role.PATIENT, Role.PRESCRIBER}),
    "advice.give": frozenset({Role.REVIEWER}),
    "advice.read": frozenset({Role.PATIENT, Role.PRESCRIBER, Role.REVIEWER}),
    "comment.statistics": frozenset({Role.REVIEWER, Role.REGULATOR}),
    "knowledge.read": frozenset(Role) - {Role.SERVICE, Role.COURIER},
    "knowledge.load": frozenset({Role.SYSTEM_ADMIN}),
    # dispatch
    "fulfilment.token": frozenset({Role.PATIENT}),
    "fulfilment.read": frozenset({Role.PATIENT, Role.PHARMACIST, Role.PREPARER, Role.CHECKER}),
    "fulfilment.hold": frozenset({Role.PHARMACIST}),
    "fulfilment.give_up": frozenset({Role.PATIENT}),
    "hold.review": frozenset({Role.PHARMACIST}),
    "supply.prepare": frozenset({Role.PREPARER, Role.PHARMACIST}),
    "supply.check": frozenset({Role.CHECKER, Role.PHARMACIST}),
    "supply.hand_out": frozenset({Role.PHARMACIST, Role.CHECKER}),
    "supply.take_back": frozenset({Role.PHARMACIST}),
    "irregularity.read": frozenset({Role.PHARMACIST, Role.CHECKER, Role.QUALITY_MANAGER, Role.COURIER}),
    "stock.read": frozenset({Role.PHARMACIST, Role.PREPARER, Role.CHECKER, Role.QUALITY_MANAGER}),
    "stock.receive": frozenset({Role.PHARMACIST, Role.SYSTEM_ADMIN}),
    "stock.import": frozenset({Role.PHARMACIST, Role.SYSTEM_ADMIN}),
    "stock.adjust": frozenset({Role.PHARMACIST}),
    "stock.set_apart": frozenset({Role.PHARMACIST, Role.QUALITY_MANAGER}),
    "stock.quarantine": frozenset({Role.QUALITY_MANAGER}),
    "recall.load": frozenset({Role.REGULATOR, Role.MAKER}),
    "recall.read": frozenset({Role.REGULATOR, Role.MAKER, Role.PHARMACIST, Role.QUALITY_MANAGER}),
    "recall_notice.read": frozenset({Role.PATIENT}),
    "recall_notice.acknowledge": frozenset({Role.PATIENT}),
    "order.place": frozenset({Role.PHARMACIST}),
    "order.confirm": frozenset({Role.PHARMACIST, Role.WHOLESALER}),
    "order.read": frozenset({Role.PHARMACIST, Role.WHOLESALER}),
    "notice.ask": frozenset({Role.PATIENT, Role.PHARMACIST, Role.CHECKER}),
    "notice.read": frozenset({Role.PATIENT, Role.PHARMACIST, Role.PREPARER, Role.CHECKER}),
    "trace_code.check": frozenset({Role.INSURANCE_OFFICER, Role.REGULATOR, Role.PHARMACIST}),
    "trace_code.return": frozenset({Role.PHARMACIST, Role.CHECKER}),
    "pharmacy.feed": frozenset({Role.PHARMACIST, Role.PREPARER, Role.CHECKER}),
    "pharmacy.near": frozenset({Role.PATIENT, Role.PRESCRIBER, Role.PHARMACIST}),
    "delivery.arrange": frozenset({Role.PHARMACIST}),
    "delivery.carry": frozenset({Role.COURIER}),
    "delivery.read": frozenset({Role.PHARMACIST, Role.CHECKER, Role.QUALITY_MANAGER, Role.COURIER, Role.PATIENT}),
    "delivery.label": frozenset({Role.PHARMACIST, Role.CHECKER, Role.COURIER}),
    "delivery.measure": frozenset({Role.PHARMACIST, Role.CHECKER, Role.QUALITY_MANAGER, Role.COURIER}),
    "delivery.report_lost": frozenset({Role.PHARMACIST, Role.COURIER}),
    "delivery.receive_return": frozenset({Role.PHARMACIST, Role.CHECKER}),
    "delivery.inspect": frozenset({Role.PHARMACIST, Role.QUALITY_MANAGER}),
    "delivery.decide_quality": frozenset({Role.QUALITY_MANAGER}),
    "courier.secret": frozenset({Role.SYSTEM_ADMIN}),
    "supply.movements": frozenset({Role.PHARMACIST, Role.QUALITY_MANAGER, Role.REGULATOR}),
    # insurance
    "member.load": frozenset({Role.SYSTEM_ADMIN}),
    "claim.read": frozenset({Role.INSURANCE_OFFICER, Role.PHARMACIST, Role.PATIENT}),
    "claim.authorise": frozenset({Role.PATIENT, Role.PHARMACIST}),
    "claim.credit": frozenset({Role.PHARMACIST}),
    "claim.decide": frozenset({Role.INSURANCE_OFFICER}),
    "authorisation.give": frozenset({Role.PATIENT}),
    "share.preview": frozenset({Role.PRESCRIBER, Role.PATIENT}),
    "payment.read": frozenset({Role.PATIENT}),
    "payment.pay": frozenset({Role.PATIENT}),
    "ledger.read": frozenset({Role.INSURANCE_OFFICER, Role.PHARMACIST}),
    "insurance_register.read": frozenset(set(Role) - {Role.SERVICE}),
    "trace_alarm.read": frozenset({Role.INSURANCE_OFFICER}),
    "settlement.feed": frozenset({Role.INSURANCE_OFFICER}),
    # shortage
    "shortage.read": frozenset({Role.PRESCRIBER, Role.PHARMACIST, Role.REGULATOR}),
    "integrity.read": frozenset({Role.REGULATOR}),
    "shortage.decide": frozenset({Role.REGULATOR}),
    "shortage.report": frozenset({Role.REGULATOR, Role.SYSTEM_ADMIN}),
}
"""right -> the roles that have it. Whose records a role sees (own patients, pharmacy) is decided with the record."""
