"""Problems of the prescribe service with what comes after a prescription is written."""

from contracts.errors.catalogue import Problem

_CONFIRMATION = (
    Problem(
        "prescription.other_content",
        409,
        "Signed over other content",
        "`signed_sha256` names another content than the prescription's `current` one.",
    ),
    Problem(
        "confirmation.number",
        409,
        "Wrong confirmation number",
        "A confirmation names the current revision and the confirmation it is to become: the current one + 1.",
    ),
    Problem(
        "confirmation.not_confirmable",
        422,
        "Cannot be confirmed",
        "A second signature (双签名) does not carry past these findings; amend the prescription.",
    ),
    Problem(
        "confirmation.unknown_finding",
        422,
        "Unknown finding",
        "Reasons name findings of the returned case, each once.",
    ),
    Problem(
        "confirmation.reason_missing",
        422,
        "Reason missing",
        "Every serious or blocking finding of the returned case needs a reason of the prescriber.",
    ),
)

_QUERY = (
    Problem("query.unknown", 404, "Unknown query", "The prescription has no block with this id."),
    Problem("query.unknown_line", 422, "Unknown line", "A block names lines of this prescription."),
    Problem(
        "query.other_stop",
        409,
        "Another block has this id",
        "Lines, reason code or who asks differ from what is blocked under this `block_id`: a new intent has a new id.",
    ),
    Problem("query.answered", 409, "Already answered", "This query has its answer."),
)

_PLAN = (
    Problem(
        "plan.not_admitted", 422, "No supply in instalments", "The policy of the jurisdiction has no long-term supply."
    ),
    Problem(
        "plan.emergency",
        422,
        "No supply in instalments in an emergency",
        "An emergency prescription is for its few days (处方管理办法 第19条); long-term supply is for stable illness.",
    ),
    Problem(
        "plan.instalment_too_long",
        422,
        "Instalment too long",
        "One instalment is for at most 4 weeks (长期处方管理规范).",
    ),
    Problem("plan.too_long", 422, "Plan too long", "A long-term supply is for at most 12 weeks (长期处方管理规范)."),
    Problem(
        "plan.assessment_missing",
        422,
        "Assessment missing",
        "More than 4 weeks need a written assessment and the patient's signature (长期处方管理规范).",
    ),
    Problem(
        "plan.excluded",
        422,
        "Excluded from long-term supply",
        "No controlled class, no anti-infective, nothing of special storage (长期处方管理规范).",
    ),
    Problem("plan.days", 422, "Days do not follow", "Each line is for the days of all instalments together."),
    Problem(
        "plan.uneven", 422, "Quantity cannot be divided", "Each instalment has the same whole number of base units."
    ),
    Problem(
        "instalment.unknown", 404, "Unknown instalment", "Dispatch tells of an instalment that was not opened here."
    ),
)

_PROPOSAL = (
    Problem("proposal.unknown", 404, "Unknown proposal", "No pharmacy has proposed this for the prescription."),
    Problem(
        "proposal.not_asked",
        409,
        "Not asked",
        "The protocol asks no prescriber: the pharmacist answers for the substitute, once it is checked and screened.",
    ),
    Problem("proposal.answered", 409, "Already answered", "This proposal is signed or declined."),
    Problem("proposal.over", 409, "Too late", "The pharmacy does not wait any more; it may propose again."),
    Problem(
        "proposal.protocol_over",
        409,
        "No protocol in force",
        "The substitution protocol has ended, or is not known here yet.",
        final=False,
    ),
    Problem(
        "proposal.not_screened",
        409,
        "Not screened yet",
        "The review has not told yet what the substitute's screening for this patient found; the same signature may be "
        "sent again once the proposal shows it.",
        final=False,
    ),
    Problem(
        "proposal.not_confirmable",
        422,
        "Cannot be confirmed",
        "The screening of the substitute found what no signature may insist on; another may be proposed.",
    ),
    Problem("proposal.other_substitute", 422, "Another substitute", "Line and product are signed exactly as proposed."),
)

_LINK = (
    Problem("link.more_than_one", 422, "More than one link", "A prescription renews, extends or replaces one other."),
    Problem("link.unknown", 422, "Unknown earlier prescription", "The patient has no such prescription."),
    Problem("link.not_yours", 403, "Not your prescription", "Only its own prescriber renews or replaces it."),
    Problem("link.never_released", 409, "Never released", "What was never in circulation cannot be continued."),
    Problem("link.nothing_to_replace", 409, "Nothing to replace", "The earlier prescription has ended."),
    Problem(
        "link.no_contract",
        403,
        "No family doctor's contract",
        "Another institution's regimen is continued by the patient's contracted family doctor (延伸处方).",
    ),
    Problem("link.contract_not_in_force", 403, "Contract not in force", "The contract has ended or is suspended."),
    Problem("link.same_institution", 422, "Same institution", "Within one institution a prescription is renewed."),
    Problem(
        "link.other_regimen",
        422,
        "Another regimen",
        "An extension continues drug, dose and frequency of the earlier prescription; write a new one otherwise.",
    ),
)

_ENDING = (
    Problem(
        "cancellation.only_on_death",
        403,
        "Only on the patient's death",
        "The medical office cancels with the reason `patient_died`; otherwise the prescriber or a delegate does.",
    ),
    Problem(
        "feedback.unknown",
        404,
        "No such entry",
        "The inbox has no entry of this number about this prescription; `entry` names the first one.",
    ),
    Problem("stop_use.unknown", 404, "No such notice", "No notice to stop using came of this request."),
)

PROBLEMS: tuple[Problem, ...] = (*_CONFIRMATION, *_QUERY, *_PLAN, *_PROPOSAL, *_LINK, *_ENDING)
