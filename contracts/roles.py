"""Who may do what: the one table of roles and rights. Rendered into `docs/roles.md`."""

from __future__ import annotations

from enum import StrEnum

from services.seedwork.representation import Scope


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
    REPRESENTATIVE = "representative"
    """Acts for the patient whom the token names (代理人, 监护人): in what the appointment's scope says, on its days."""
    INSURANCE_OFFICER = "insurance_officer"
    REGULATOR = "regulator"
    SYSTEM_ADMIN = "system_admin"
    SERVICE = "service"
    """One service of rxflow to another: catch-up feeds, and trace codes between regional stores, only."""


SCOPES: dict[Scope, frozenset[str]] = {
    Scope.READ: frozenset({"prescription.read", "prescription.trace", "fulfilment.read", "delivery.read"}),
    Scope.NOMINATE: frozenset({"pharmacy.nominate", "pharmacy.near"}),
    Scope.SUPPLY_WAY: frozenset({"online_order.confirm"}),
    Scope.TOKEN: frozenset({"fulfilment.token"}),
    Scope.GIVE_UP: frozenset({"fulfilment.give_up"}),
    Scope.NOTICES: frozenset(
        {
            "stop_use.read",
            "stop_use.acknowledge",
            "recall_notice.read",
            "recall_notice.acknowledge",
            "notice.ask",
            "notice.read",
        }
    ),
    Scope.PAY: frozenset({"claim.read", "share.preview", "payment.read", "payment.pay"}),
}
"""scope of a representative -> the patient's rights that belong to it (民法典 §165: 代理事项, 权限)."""

PATIENTS_ALONE: dict[str, str] = {
    "patient.read": "holds the identity document, telephone and address, of which a representative needs nothing",
    "patient.forget": "cannot be undone (个人信息保护法 §47)",
    "representative.appoint": "a representative appoints no other (民法典 §169)",
    "representative.withdraw": "whoever gave it takes it back",
    "representative.read": "names the other representatives",
    "advice.ask": "review is told no identity, so it does not know who represents whom",
    "advice.read": "as before",
    "claim.authorise": "takes the patient's own credential (医保电子凭证)",
    "authorisation.give": "as before, beforehand",
    "audit.read": "about the patient's conduct towards the insurer",
    "audit.appeal": "as before",
    "knowledge.read": "concerns no patient",
    "insurance_register.read": "as before",
}
"""Rights of patients that no scope gives to a representative, and why."""

_PEOPLE = frozenset(Role) - {Role.SERVICE, Role.REPRESENTATIVE}
_WRITTEN: dict[str, frozenset[Role]] = {
    # every service
    "internal.feed": frozenset({Role.SERVICE}),
    "internal.trace_code": frozenset({Role.SERVICE}),
    "register.load": frozenset({Role.SYSTEM_ADMIN}),
    "register.read": _PEOPLE - {Role.COURIER, Role.PATIENT},
    # prescribe
    "patient.register": frozenset({Role.PRESCRIBER, Role.SYSTEM_ADMIN}),
    "patient.read": frozenset({Role.PRESCRIBER, Role.PATIENT}),
    "patient.forget": frozenset({Role.PATIENT, Role.SYSTEM_ADMIN}),
    "representative.appoint": frozenset({Role.PATIENT, Role.MEDICAL_OFFICE}),
    "representative.withdraw": frozenset({Role.PATIENT, Role.MEDICAL_OFFICE}),
    "representative.read": frozenset({Role.PATIENT}),
    "prescription.issue": frozenset({Role.PRESCRIBER}),
    "pharmacy.nominate": frozenset({Role.PATIENT}),
    "prescription.cancel": frozenset({Role.PRESCRIBER, Role.DELEGATE, Role.MEDICAL_OFFICE}),
    "stop_use.read": frozenset({Role.PATIENT}),
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
    "knowledge.read": _PEOPLE - {Role.COURIER},
    "knowledge.load": frozenset({Role.SYSTEM_ADMIN}),
    # dispatch
    "online_order.confirm": frozenset({Role.PATIENT}),
    "fulfilment.token": frozenset({Role.PATIENT}),
    "fulfilment.read": frozenset({Role.PATIENT, Role.PHARMACIST, Role.PREPARER, Role.CHECKER}),
    "fulfilment.hold": frozenset({Role.PHARMACIST}),
    "fulfilment.give_up": frozenset({Role.PATIENT}),
    "hold.review": frozenset({Role.PHARMACIST}),
    "supply.prepare": frozenset({Role.PREPARER, Role.PHARMACIST}),
    "supply.check": frozenset({Role.CHECKER, Role.PHARMACIST}),
    "supply.fill_many": frozenset({Role.PREPARER, Role.CHECKER, Role.PHARMACIST}),
    "supply.hand_out": frozenset({Role.PHARMACIST, Role.CHECKER}),
    "supply.take_back": frozenset({Role.PHARMACIST}),
    "irregularity.read": frozenset({Role.PHARMACIST, Role.CHECKER, Role.QUALITY_MANAGER, Role.COURIER}),
    "irregularity.explain": frozenset({Role.PHARMACIST, Role.QUALITY_MANAGER, Role.COURIER}),
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
    "transfer.read": frozenset({Role.PHARMACIST, Role.PREPARER, Role.CHECKER}),
    "transfer.decide": frozenset({Role.PHARMACIST}),
    "notice.ask": frozenset({Role.PATIENT, Role.PHARMACIST, Role.CHECKER}),
    "notice.read": frozenset({Role.PATIENT, Role.PHARMACIST, Role.PREPARER, Role.CHECKER}),
    "trace_code.check": frozenset({Role.INSURANCE_OFFICER, Role.REGULATOR, Role.PHARMACIST}),
    "trace_code.return": frozenset({Role.PHARMACIST, Role.CHECKER}),
    "pharmacy.feed": frozenset({Role.PHARMACIST, Role.PREPARER, Role.CHECKER, Role.QUALITY_MANAGER}),
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
    "insurance_register.read": _PEOPLE,
    "audit.list": frozenset({Role.INSURANCE_OFFICER, Role.PHARMACIST}),
    "audit.read": frozenset({Role.INSURANCE_OFFICER, Role.PHARMACIST, Role.PATIENT}),
    "audit.decide": frozenset({Role.INSURANCE_OFFICER}),
    "audit.appeal": frozenset({Role.PHARMACIST, Role.PATIENT}),
    "trace_alarm.read": frozenset({Role.INSURANCE_OFFICER}),
    "settlement.feed": frozenset({Role.INSURANCE_OFFICER}),
    "settlement.webhooks": frozenset({Role.INSURANCE_OFFICER}),
    "reconciliation.run": frozenset({Role.INSURANCE_OFFICER}),
    "reconciliation.read": frozenset({Role.INSURANCE_OFFICER}),
    "batch.run": frozenset({Role.INSURANCE_OFFICER}),
    "batch.read": frozenset({Role.INSURANCE_OFFICER, Role.PHARMACIST}),
    "reconciliation.answer": frozenset({Role.INSURANCE_OFFICER}),
    "payment_task.read": frozenset({Role.INSURANCE_OFFICER}),
    "payment_task.answer": frozenset({Role.INSURANCE_OFFICER}),
    # shortage
    "shortage.read": frozenset({Role.PRESCRIBER, Role.PHARMACIST, Role.REGULATOR}),
    "integrity.read": frozenset({Role.REGULATOR}),
    "reporter.read": frozenset(
        {
            Role.REGULATOR,
            Role.PHARMACIST,
            Role.QUALITY_MANAGER,
            Role.MAKER,
            Role.WHOLESALER,
            Role.MEDICAL_OFFICE,
        }
    ),
    "shortage.reports": frozenset({Role.REGULATOR}),
    "shortage.webhooks": frozenset({Role.REGULATOR}),
    "shortage.decide": frozenset({Role.REGULATOR}),
    "drug_list.load": frozenset({Role.REGULATOR, Role.SYSTEM_ADMIN}),
    "shortage.report": frozenset({Role.REGULATOR, Role.SYSTEM_ADMIN, Role.MAKER, Role.WHOLESALER, Role.MEDICAL_OFFICE}),
}

SCOPES_OF: dict[str, frozenset[Scope]] = {
    right: frozenset(scope for scope, rights in SCOPES.items() if right in rights)
    for right in sorted(frozenset().union(*SCOPES.values()))
}
"""right -> the scopes that give it to a representative"""

RIGHTS: dict[str, frozenset[Role]] = {
    right: roles | {Role.REPRESENTATIVE} if right in SCOPES_OF else roles for right, roles in _WRITTEN.items()
}
"""right -> the roles that have it. Whose records a role sees (own patients, pharmacy) is decided with the record."""
