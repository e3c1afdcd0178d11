"""Problems of the review service."""

from contracts.errors.catalogue import Problem

PROBLEMS: tuple[Problem, ...] = (
    Problem("case.unknown", 404, "No such case", "No review case has this id."),
    Problem(
        "case.wrong_state",
        409,
        "Not in this state",
        "The case's transition table has no such step in `state`; read the case again.",
    ),
    Problem(
        "case.not_yours",
        403,
        "Another institution's case",
        "A case is reviewed by the institution that issued the prescription (处方审核规范: 医疗机构药师), "
        "or by one that has an agreement with it in force today (委托审方).",
    ),
    Problem(
        "case.reviewer_not_registered",
        403,
        "Not registered today",
        "The person register has no entry of yours that is in force today (准入, 退出).",
    ),
    Problem(
        "case.not_a_reviewer",
        403,
        "Not licensed to review",
        "The person register does not list you as a reviewing pharmacist (审方药师).",
    ),
    Problem(
        "case.institution_not_admitted",
        403,
        "Institution not admitted today",
        "The institution's register entry is suspended, ended or missing (准入, 退出).",
    ),
    Problem(
        "case.not_a_supervisor",
        403,
        "Not a supervisor",
        "Only who the person register lists as supervisor takes over what another pharmacist holds.",
    ),
    Problem(
        "case.second_must_be_another",
        409,
        "Another pharmacist must decide",
        "You passed this case first; the policy asks for a second pair of eyes.",
    ),
    Problem(
        "case.not_clean",
        409,
        "Not a clean case",
        "Only a screened case without a finding above `info` is passed in a batch; take this one and look at it.",
    ),
    Problem("case.twice_in_batch", 409, "Twice in one batch", "The batch names this case before."),
    Problem(
        "case.batch_too_large", 422, "Too many cases at once", "Send at most `max` signatures in one batch (policy)."
    ),
    Problem("case.not_sampled", 409, "Not drawn for comment", "Draw the case first; comments are on drawn cases only."),
    Problem("case.commented_already", 409, "Commented already", "A case has one comment (处方点评)."),
    Problem(
        "case.comment_on_own_review",
        403,
        "Own review",
        "You passed this case; its comment must come from another pharmacist.",
    ),
    Problem("comment.months", 422, "Not a span of months", "`month_from` is not after `month_to`."),
    Problem(
        "case.own_prescription",
        403,
        "Own prescription",
        "Nobody reviews what they prescribed; another pharmacist must take it.",
    ),
    Problem(
        "case.taken_by_another",
        409,
        "Held by another reviewer",
        "Somebody else has taken the case; it is free again when put back or when the lease is over.",
    ),
    Problem("case.lease_expired", 409, "Lease over", "Your time for this case is over; take it again."),
    Problem(
        "case.signed_something_else",
        422,
        "Signature over something else",
        "The signed payload names another case, revision or prescription digest than the case under review.",
    ),
    Problem(
        "case.blocking_finding",
        409,
        "Blocking finding",
        "A prescription with a blocking finding cannot be passed; return it (处方管理办法 §6, §18).",
    ),
    Problem(
        "case.comment_missing",
        422,
        "Comment missing",
        "Each serious finding needs the prescriber's confirmation or the pharmacist's comment to be passed; `findings` "
        "lists those without.",
    ),
    Problem("case.unknown_finding", 422, "No such finding", "A comment names a finding that the case does not have."),
    Problem(
        "case.unknown_code",
        422,
        "Unknown result code",
        "Use the codes of the prescription comment standard (医院处方点评管理规范): 1-1..1-15, 2-1..2-9, 3-1..3-5.",
    ),
    Problem("case.unknown_line", 422, "No such line", "A finding names a line that the prescription does not have."),
    Problem(
        "case.code_not_serious",
        422,
        "Not a serious code",
        "Only seriously unreasonable use or a medication error is refused (药品管理法 §73); return the case instead. "
        "`serious` lists the codes.",
    ),
    Problem(
        "knowledge.unreadable",
        422,
        "No set of knowledge",
        "A set is sent as `deflated`: one JSON object, deflated by zlib, in base64.",
    ),
    Problem(
        "knowledge.faulty",
        422,
        "Knowledge not taken",
        "Something in the set is wrong, so nothing of it was taken; `rows` says section, entry, what and why.",
    ),
    Problem(
        "knowledge.version_known",
        409,
        "Version already known",
        "Another content has this version. Findings refer to it: give the new content a version of its own.",
    ),
    Problem("knowledge.unknown", 404, "No such set", "No set of knowledge has this version."),
    Problem("knowledge.unknown_entry", 404, "No such entry", "The set has no entry of this id in this section."),
    Problem("advice.unknown", 404, "No such advice", "No consultation or medication review has this id."),
    Problem(
        "advice.wrong_state",
        409,
        "Not in this state",
        "The transition table has no such step in `state`; read the consultation or medication review again.",
    ),
    Problem(
        "advice.not_yours",
        403,
        "Not yours",
        "Patients ask about their own prescriptions, prescribers about those they issued; only the asker withdraws.",
    ),
    Problem(
        "advice.prescription_unknown", 404, "Unknown prescription", "Review has no case of one of these prescriptions."
    ),
    Problem(
        "advice.several_patients", 422, "Several patients", "A consultation is about prescriptions of one patient."
    ),
    Problem(
        "advice.no_agreement",
        403,
        "No agreement",
        "Another institution than the issuing one answers only by a review agreement in force today (委托审方).",
    ),
    Problem("advice.own_question", 403, "Own question", "Somebody else must answer what you asked."),
    Problem("advice.not_taken", 422, "Not on the list", "A candidate is no medicine the patient is known to take."),
)
