"""Problems of what stands on a prescription: diagnoses, lines, amounts, insurance intent."""

from contracts.errors.catalogue import Problem

WRITTEN = (
    Problem(
        "diagnosis.missing",
        422,
        "No diagnosis",
        "A prescription states at least one clinical diagnosis (处方管理办法 §5).",
    ),
    Problem("diagnosis.code", 422, "Not a diagnosis code", "Codes have the shape of ICD-10, 医保版, e.g. I10.x00x002."),
    Problem(
        "line.count", 422, "Wrong number of lines", "N3.3: one to five drugs on one prescription (处方管理办法 §6)."
    ),
    Problem("line.numbering", 422, "Lines not numbered", "Lines are numbered 1, 2, 3 in order."),
    Problem("line.drug_twice", 422, "Drug twice", "N3.3: one line per drug."),
    Problem(
        "line.as_directed",
        422,
        "No clear directions",
        "N3.5: dose and use are stated; 遵医嘱 and 自用 are forbidden (处方管理办法 §6).",
    ),
    Problem(
        "line.mixed_with", 422, "Mixed into nothing", "A8: a line is mixed into another line of the same prescription."
    ),
    Problem("line.solvent", 422, "Solvent incomplete", "A8: a solvent is stated by name and volume in ml."),
    Problem(
        "line.dose_unit",
        422,
        "Unknown dose unit",
        "The dose is written in the unit of the drug's register entry.",
    ),
    Problem(
        "line.quantity",
        422,
        "Quantity does not follow",
        "dose x frequency x days must be exactly the quantity in base units; nothing is rounded.",
    ),
    Problem(
        "drug.unknown",
        422,
        "Unknown drug",
        "The register of drugs has no such code; `nearest` names those that look like it.",
    ),
    Problem("drug.not_in_force", 422, "Drug not in force", "The drug is suspended, withdrawn or not yet valid today."),
    Problem(
        "drug.never_circulates",
        422,
        "Class may not circulate",
        "Narcotics and first-class psychotropics are never sold in retail (处方管理办法; 药品管理法 §61).",
    ),
    Problem(
        "supply.reason_missing",
        422,
        "Reason for a longer supply missing",
        "N3.6: 7 days, 3 in an emergency; longer needs a written reason (处方管理办法 §19).",
    ),
    Problem(
        "supply.too_long",
        422,
        "Supply too long",
        "Longer than the policy admits even with a reason: 4 weeks (长期处方管理规范).",
    ),
    Problem(
        "supply.class_limit",
        422,
        "Supply too long for this class",
        "The limit of the class, its form and the disease, which the facts name (处方管理办法 §23-26).",
    ),
    Problem(
        "validity.reason_missing",
        422,
        "Reason for a longer validity missing",
        "Valid on the day of issue; longer needs a written reason (处方管理办法 §18).",
    ),
    Problem("validity.too_long", 422, "Validity too long", "At most 3 days (处方管理办法 §18)."),
    Problem(
        "insurance_intent.disease_code",
        422,
        "Disease code missing",
        "门诊慢特病 names the disease it was recognised for.",
    ),
    Problem("insurance_intent.line", 422, "Unknown line", "A restricted use names a line of this prescription."),
    Problem("insurance_intent.reason", 422, "Reason missing", "A restricted use (限制使用) that is not met says why."),
    Problem(
        "diagnosis.unknown",
        422,
        "Unknown diagnosis",
        "ICD-10 has no such category or subcategory; `nearest` names what could have been meant.",
    ),
    Problem(
        "diagnosis.tcm_missing",
        422,
        "Diagnosis of Chinese medicine missing",
        "T1: herbal pieces are prescribed by disease and pattern (中医病名, 证型).",
    ),
    Problem(
        "line.medicine_kind",
        422,
        "Another kind of medicine",
        "N3.2: herbal pieces and other medicines stand on prescriptions of their own (处方管理办法 §6).",
    ),
    Problem(
        "line.written_alone",
        422,
        "Not alone",
        "N3.2: injections of herbs stand on a prescription of their own (医疗机构处方审核规范 §13).",
    ),
    Problem(
        "line.frequency_missing",
        422,
        "Frequency missing",
        "N3.5: doses in a day, or a code of the frequency table.",
    ),
    Problem(
        "line.frequency",
        422,
        "Unknown frequency",
        "The policy's table has no such code; `nearest` names those that look like it.",
    ),
    Problem(
        "line.frequency_unclear",
        422,
        "Frequency unclear",
        "As needed states the most in a day; other codes contradict no number; a single dose is for one day.",
    ),
    Problem(
        "line.pack",
        422,
        "Pack does not fit",
        "The quantity is no number of whole packs, and this pack is not opened here (拆零); nothing is rounded up.",
    ),
    Problem(
        "supply.class_reason_missing",
        422,
        "Reason for a longer supply of this class missing",
        "The class, which the facts name, needs a written reason beyond its usual days (处方管理办法 §23).",
    ),
    Problem(
        "supply.single_dose",
        422,
        "More than a single dose",
        "Of this class and form one usual dose is prescribed at once (处方管理办法 §23, §26).",
    ),
    Problem(
        "supply.largest_dose",
        422,
        "More than the largest dose",
        "Toxic drugs: at most the largest dose of 2 days (医疗用毒性药品管理办法 §9).",
    ),
    Problem(
        "insurance_intent.kind",
        422,
        "Kind of payment unknown here",
        "The jurisdiction has no such kind; the facts name those it has.",
    ),
    Problem(
        "insurance_intent.line_twice",
        422,
        "Line twice",
        "The intent names each line at most once.",
    ),
    Problem(
        "insurance_intent.disease_code_form",
        422,
        "Not a disease code",
        "Codes of 门诊慢特病 have the shape M and five digits.",
    ),
    Problem(
        "insurance_intent.self_pay_reason",
        422,
        "Reason for self-pay missing",
        "A line the patient pays alone says why, by one of the reasons in the facts (selfPayRea).",
    ),
    Problem(
        "insurance_intent.self_pay_note",
        422,
        "Reason not in words",
        "The reason `other` is explained in words (realDscr).",
    ),
    Problem(
        "insurance_intent.restricted_use",
        422,
        "Restricted use not stated",
        "Insurance pays this drug for some uses only (限制使用): state whether this is one (hospApprFlag).",
    ),
)
