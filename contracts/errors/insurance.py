"""Problems of the insurance service."""

from contracts.errors.catalogue import Problem

PROBLEMS: tuple[Problem, ...] = (
    Problem(
        "claim.unknown",
        404,
        "No such claim",
        "A claim exists once a supply was dispensed; its id is derived from supply and attempt.",
    ),
    Problem(
        "claim.not_yours",
        403,
        "Not your claim",
        "A patient sees their own claims, a pharmacy those of its supplies, an insurance officer those of own members.",
    ),
    Problem(
        "claim.wrong_state",
        409,
        "The claim's state does not allow this",
        "`state` and `trigger` say what was asked of it; the claim's transition table lists what is allowed.",
    ),
    Problem(
        "claim.credential_missing",
        422,
        "No consent to ask the insurer",
        "Send the patient's credential (医保电子凭证), or let the patient give a standing "
        "authorisation first (医保基金监管条例 §15: 实名购药核验凭证).",
    ),
    Problem(
        "claim.audit_open",
        409,
        "The audit suspects something",
        "A person of the insurer decides about the case `audit_id` first; ask again then, or pay alone.",
    ),
    Problem(
        "audit.unknown",
        404,
        "No such case",
        "A case exists once the audit has found something in a supply.",
    ),
    Problem(
        "audit.not_yours",
        403,
        "Not your case",
        "The patient, the pharmacy and the officers of the insurer of the claim have to do with it.",
    ),
    Problem(
        "audit.wrong_state",
        409,
        "The case's state does not allow this",
        "`state` and `trigger` say what was asked of it; the case's transition table lists what is allowed.",
    ),
    Problem(
        "audit.appeal_too_late",
        409,
        "Too late for an appeal",
        "An appeal was possible `until` that day.",
    ),
    Problem(
        "audit.same_person",
        403,
        "Who decided first does not decide the appeal",
        "Another officer of the insurer decides about an appeal (回避).",
    ),
    Problem(
        "claim.credit_not_allowed",
        422,
        "Too much for a credit",
        "Without the money being certain the policy lets claims up to `max` fen be handed out; this one is `total`.",
    ),
    Problem(
        "claim.decision_not_possible",
        422,
        "This cannot be decided here",
        "`allowed` lists what may be decided of a dispute about this, and who may bear it.",
    ),
    Problem(
        "claim.consent_missing",
        422,
        "The patient has not agreed to pay",
        "Only a patient who agreed before the hand-out is billed for what the insurer will not bear.",
    ),
    Problem(
        "claim.not_settled",
        409,
        "There is no receipt yet",
        "A receipt exists once the claim is settled.",
    ),
    Problem(
        "authorisation.not_a_patient",
        403,
        "Not a patient",
        "Only a patient's own token gives or withdraws a standing authorisation.",
    ),
    Problem(
        "authorisation.wrong_state",
        409,
        "Nothing to change",
        "The standing authorisation is already given, or there is none to withdraw.",
    ),
    Problem(
        "payment.unknown",
        404,
        "No such payment",
        "A payment exists once a claim is authorised with a share above zero for the patient.",
    ),
    Problem(
        "payment.not_yours",
        403,
        "Not your payment",
        "Only the patient whose share it is sees it and pays it.",
    ),
    Problem(
        "payment.wrong_state",
        409,
        "The payment's state does not allow this",
        "It is paid under another reference, has failed or was refunded, or its claim is no longer authorised.",
    ),
    Problem(
        "payment.outcome_unknown",
        503,
        "The provider did not answer",
        "Nothing was changed; repeat with the same reference.",
        final=False,
    ),
    Problem(
        "share.not_yours",
        403,
        "Not your share",
        "A patient asks about their own share only.",
    ),
    Problem(
        "member.unknown_insurer",
        422,
        "Unknown insurer",
        "The member's insurer is not in the register of insurers: load it first.",
    ),
    Problem(
        "member.import_outdated",
        409,
        "Older than what is known",
        "An import never overwrites a newer one: `known_as_of` is the day of the insurer's last word.",
    ),
)
