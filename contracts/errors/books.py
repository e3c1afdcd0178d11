"""Problems of the insurers' books: reconciliation, clearing, what insurers are told."""

from contracts.errors.catalogue import Problem

PROBLEMS: tuple[Problem, ...] = (
    Problem(
        "reconciliation.unknown",
        404,
        "Nothing is known of this day",
        "A day begins with the payer's totals: POST /reconciliations/{day}/totals.",
    ),
    Problem(
        "reconciliation.wrong_state",
        409,
        "The day's state does not allow this",
        "`state` and `trigger` say what was asked of it; the transition table of the day lists what is allowed.",
    ),
    Problem(
        "reconciliation.day_not_over",
        409,
        "The day is not over",
        "A day is compared once it has ended in Asia/Shanghai.",
    ),
    Problem(
        "reconciliation.by_file",
        409,
        "This day is compared by its file",
        "`why`: no_way, where the payer is not reached by messages; too_large, where the day has more than `max` "
        "items. Tell its totals and items (`rxflow reconcile FILE`).",
    ),
    Problem(
        "reconciliation.payer_silent",
        503,
        "The payer gave no answer that can be trusted",
        "Nothing was compared; ask again in a while, or compare by its file.",
        final=False,
    ),
    Problem(
        "reconciliation.part_size",
        422,
        "Too many items, or none",
        "A part has at most `max` items; only the last may have none.",
    ),
    Problem(
        "reconciliation.not_in_order",
        422,
        "The items do not ascend",
        "Items ascend by message id, within a part and from part to part; repetitions of one id stand together. Ids "
        "that are no UUIDs stand where their derived UUID stands (`msgid` names the first that is out of order).",
    ),
    Problem(
        "reconciliation.too_many_differences",
        422,
        "The file is of another day or payer",
        "More than `max` items differ. Nothing of this part is kept; tell the day's totals again to start anew.",
    ),
    Problem(
        "reconciliation.items_not_totals",
        422,
        "The items do not come to the totals",
        "`items` is what the items of `side` sum to. Where it is the payer's, its two files contradict each other; "
        "where it is ours, tell the totals again.",
    ),
    Problem(
        "reconciliation.difference_unknown",
        404,
        "No such difference",
        "GET /reconciliations/{day} lists the day's differences by message id.",
    ),
    Problem(
        "reconciliation.answered",
        409,
        "It has its answer",
        "An answer is booked and stays; what comes to light later is the difference of a later day.",
    ),
    Problem(
        "reconciliation.answer_not_possible",
        422,
        "This is no answer to such a difference",
        "`allowed` lists the answers to a difference of this `kind`.",
    ),
    Problem(
        "reconciliation.not_agreed",
        409,
        "The two sides do not agree yet",
        "The booking here is not there, or has other amounts than the payer's (`theirs`): ask the payer first.",
    ),
    Problem(
        "payment_task.not_yours",
        403,
        "Not your provider's",
        "What a payment provider leaves open is ended by its own officers: GET /payment-tasks lists it.",
    ),
    Problem(
        "payment_task.not_open",
        409,
        "Nothing is open under this number",
        "It was ended, or the provider has answered meanwhile. What it leaves open after that has a number of its own.",
    ),
    Problem(
        "payment_task.answer_not_possible",
        422,
        "This is no way to end it",
        "`allowed` lists the answers to what is left open (`kind`, by the provider's last word). The pharmacy can have "
        "given back only what the provider has refused to, whole.",
    ),
    Problem(
        "payment_task.reference_missing",
        422,
        "Under which reference was it given back?",
        "`reference` names the receipt or the transfer by which the pharmacy gave the money back.",
    ),
    Problem(
        "batch.unknown",
        404,
        "No such batch",
        "Batches of one payer to one pharmacy are numbered from 1: GET /settlement-batches lists them.",
    ),
    Problem(
        "batch.not_yours",
        403,
        "Not your batch",
        "An officer sees and pays the own insurer's or payment provider's batches, a pharmacy those it is paid by.",
    ),
    Problem(
        "batch.wrong_state",
        409,
        "The batch's state does not allow this",
        "One batch at a time is prepared for a pharmacy; it is withdrawn or paid before the next one.",
    ),
    Problem(
        "batch.nothing_to_clear",
        409,
        "Nothing was settled since",
        "Up to the end of `until` nothing was settled, paid, taken back or recovered that is in no batch paid yet.",
    ),
    Problem(
        "batch.day_not_over",
        409,
        "The day is not over",
        "A batch takes whole days; `until` must have ended in Asia/Shanghai.",
    ),
    Problem(
        "batch.other_amount",
        409,
        "Not the batch's amount",
        "`transferred` is what the batch comes to. A transfer of another amount is another batch's, or a mistake.",
    ),
)
