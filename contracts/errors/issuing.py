"""The rules of an issue, one problem each: who may prescribe, how a visit is held, and what is written."""

from contracts.errors.catalogue import Problem
from contracts.errors.written import WRITTEN

_WHO = (
    Problem(
        "prescriber.not_registered",
        422,
        "Prescriber not registered",
        "L1 (医疗机构处方审核规范): the register of people has no such prescriber.",
    ),
    Problem(
        "prescriber.not_in_force",
        422,
        "Prescriber not in force",
        "L1: the registration is suspended, ended or not yet valid today.",
    ),
    Problem(
        "prescriber.practice_site",
        422,
        "Wrong place of practice",
        "L2: the right to prescribe holds at the institution of the register entry.",
    ),
    Problem(
        "prescriber.no_right",
        422,
        "No right for this class",
        "L3: controlled classes need a prescribing right of their own.",
    ),
    Problem(
        "institution.not_admitted",
        422,
        "Institution not admitted",
        "The institution is not in the register, or not in force today (准入, 退出).",
    ),
    Problem(
        "prescriber.site_not_in_force",
        422,
        "Practice site not in force",
        "L2: the registration for this further place of practice (多点执业) has ended or not begun.",
    ),
    Problem(
        "prescriber.right_not_in_force",
        422,
        "Right not in force",
        "L3: the right for this class (处方权) has ended or not begun.",
    ),
    Problem(
        "prescriber.title",
        422,
        "Title too low",
        "The level of this antibacterial asks for a higher title (抗菌药物临床应用管理办法 §24).",
    ),
    Problem(
        "antibacterial.no_right",
        422,
        "No right for this level",
        "Antibacterials are prescribed by rights of their own, by level (抗菌药物临床应用管理办法 §24).",
    ),
    Problem(
        "antibacterial.not_outpatient",
        422,
        "Not for outpatients",
        "Antibacterials of the special level are not used in outpatients (抗菌药物临床应用管理办法 §27).",
    ),
    Problem(
        "antibacterial.reason_missing",
        422,
        "Reason missing",
        "Beyond the own level, in an emergency, needs its indication written down (抗菌药物临床应用管理办法 §28).",
    ),
    Problem(
        "antibacterial.too_long",
        422,
        "Too long beyond the own level",
        "Beyond the own level, in an emergency, for one day only (越级使用).",
    ),
    Problem(
        "institution.kind",
        422,
        "Institution holds no such visits",
        "An internet hospital holds online visits only; others need a licence for them (互联网诊疗管理办法).",
    ),
    Problem(
        "patient.weight_missing",
        422,
        "Weight missing",
        "N3.1: for infants the weight is stated (处方管理办法 §6): in the record or in the facts of the visit.",
    ),
)

_ONLINE = (
    Problem(
        "prescription.online_visit",
        422,
        "Online visits not admitted",
        "The policy of the jurisdiction does not admit prescriptions from online visits (互联网诊疗管理办法).",
    ),
    Problem(
        "online.details_missing",
        422,
        "Details of the online visit missing",
        "An online visit states its earlier record, its number and, for a child, the guardian (互联网诊疗监管细则).",
    ),
    Problem(
        "online.not_online",
        422,
        "Not an online visit",
        "Details of an online visit stand on a prescription of one only.",
    ),
    Problem(
        "online.first_visit",
        422,
        "First visit",
        "Only return visits of common and chronic diseases are held online (互联网诊疗管理办法 §16).",
    ),
    Problem(
        "online.prior_record",
        422,
        "Earlier record missing",
        "A return visit refers to the record with the definite diagnosis (互联网诊疗监管细则).",
    ),
    Problem(
        "online.authorisation_no",
        422,
        "Number of the visit missing",
        "The online visit has an authorisation number (authNo).",
    ),
    Problem(
        "online.excluded_class",
        422,
        "Class not prescribed online",
        "Specially controlled drugs are not prescribed online (互联网诊疗管理办法 §19).",
    ),
    Problem(
        "online.practice_years",
        422,
        "Too little practice",
        "Three years of independent clinical practice are needed for online visits (互联网诊疗管理办法 §25).",
    ),
    Problem(
        "online.guardian",
        422,
        "Guardian missing",
        "A young child has a guardian with it at an online visit (互联网诊疗管理办法 §19).",
    ),
    Problem(
        "online.specialty",
        422,
        "Specialty does not fit",
        "A young child is seen online by a doctor of a fitting specialty (互联网诊疗管理办法 §19).",
    ),
    Problem(
        "prescription.machine_written",
        422,
        "Written by a machine",
        "A prescription is written by the prescriber, never by a machine (互联网诊疗监管细则).",
    ),
    Problem(
        "prescription.author_not_stated",
        422,
        "Author not stated",
        "Out of an online visit it is stated that a person wrote the prescription (`written_by`).",
    ),
    Problem(
        "prescription.names_a_pharmacy",
        422,
        "Names a pharmacy",
        "The patient chooses the pharmacy; a prescriber names none.",
    ),
)

ISSUE_RULES: tuple[Problem, ...] = (*_WHO, *_ONLINE, *WRITTEN)
