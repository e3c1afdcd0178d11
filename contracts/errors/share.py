"""What stands in the way of a smaller share for the patient: told beside the amounts of a preview, refusing nothing."""

from contracts.errors.catalogue import Problem

_BESIDE = " Told beside the amounts of a preview, never a refusal."

PROBLEMS: tuple[Problem, ...] = (
    Problem(
        "share.not_designated",
        409,
        "No agreement for this way of insurance",
        "The pharmacy has no agreement in force with the member's insurer for the intent (定点, 门诊统筹, 双通道)."
        + _BESIDE,
    ),
    Problem("share.not_a_member", 409, "Not insured today", "No insurer answers for this person today." + _BESIDE),
    Problem(
        "share.insurer_not_in_force", 409, "Insurer not in force", "The register has it in force no more." + _BESIDE
    ),
    Problem(
        "share.no_filing",
        409,
        "No filing for this place",
        "Care out of area is paid for by the insurer only with a filing (异地就医备案) in force that day." + _BESIDE,
    ),
    Problem(
        "share.no_policy", 409, "No policy", "No row of the policy is for this scheme, person and visit." + _BESIDE
    ),
    Problem("share.not_listed", 409, "Not in the catalogue", "The patient pays the line (医保目录外)." + _BESIDE),
    Problem("share.class_c", 409, "Class 丙", "The patient pays the line (医保目录丙类)." + _BESIDE),
    Problem(
        "share.above_standard",
        409,
        "Above the payment standard",
        "What the price exceeds the payment standard (医保支付标准) by is the patient's." + _BESIDE,
    ),
    Problem(
        "share.price_unknown",
        409,
        "Price unknown",
        "Nobody named a price and the catalogue has no payment standard: the line is not in the sums." + _BESIDE,
    ),
)
