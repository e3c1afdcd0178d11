"""Problems of the shortage service."""

from contracts.errors.catalogue import Problem

PROBLEMS: tuple[Problem, ...] = (
    Problem(
        "shortage.unknown",
        404,
        "No such case",
        "No shortage case has this id, or it is not public: a suspicion is shown to authorities only (hoarding).",
    ),
    Problem(
        "shortage.wrong_state",
        409,
        "Not in this state",
        "The case's transition table has no such step in `state`; read the case again.",
    ),
    Problem(
        "shortage.not_your_region",
        403,
        "Another region's case",
        "A case is decided by the authority of its region or one above it (国家–省–市–县四级应对).",
    ),
    Problem("shortage.task_unknown", 404, "No such task", "The case has no task of this number; read the case."),
    Problem(
        "shortage.due_in_the_past",
        422,
        "Due in the past",
        "A task is due in the future; nobody can be in time otherwise.",
    ),
    Problem(
        "shortage.too_many_tasks",
        409,
        "Too many open tasks",
        "Complete some first; a case keeps a limited number of them.",
    ),
    Problem(
        "response.level",
        403,
        "Level too low",
        "Responses are decided by the level that owns the case or one above it; protocols by a province or the nation.",
    ),
    Problem(
        "response.too_many",
        409,
        "Too many open responses",
        "End some first; a case keeps a limited number of them, because its end ends them all.",
    ),
    Problem(
        "response.nothing_to_move",
        409,
        "Nothing to move",
        "No pharmacy of the region can spare what another needs, near enough and lawfully (one chain, or an order). "
        "`unknown` pharmacies have told neither stock nor demand.",
        final=False,
    ),
    Problem(
        "response.too_large",
        409,
        "Too many proposals",
        "A plan has a limited number of transfers; use a smaller region.",
    ),
    Problem(
        "response.region", 422, "Outside the case", "A reserve is released for the region of the case or a part of it."
    ),
    Problem(
        "response.expected_before", 422, "Expected at no such time", "`expected_on` is today or later, within a year."
    ),
    Problem("report.days", 422, "No such week", "An ISO week is written 2026-W10 and exists in its year."),
    Problem(
        "report.too_recent",
        409,
        "Too recent",
        "What was known at an instant is said once it lies a few seconds back (`latest`), never of the future.",
        final=False,
    ),
    Problem(
        "report.not_ready",
        503,
        "Not ready",
        "The history has not come to this instant yet (it is being made anew, or is behind); ask again in a while.",
        final=False,
    ),
    Problem("report.too_old", 410, "Too old", "What it would be made from has served its time; ask for later days."),
    Problem("report.too_large", 413, "Too large", "Ask for a smaller region."),
    Problem("protocol.unknown", 404, "No such protocol", "No substitution protocol has this id."),
    Problem(
        "protocol.wrong_state",
        409,
        "Not in this state",
        "Drafts are signed; drafts and protocols in force are withdrawn.",
    ),
    Problem(
        "protocol.own_draft",
        403,
        "Own draft",
        "A protocol is put in force by another person than the one who drafted it.",
    ),
    Problem(
        "protocol.another_text",
        409,
        "Another text",
        "The digest is not that of this draft; read it again and sign what you have read.",
    ),
    Problem(
        "protocol.signed_something_else",
        409,
        "Another protocol was signed",
        "The payload names another protocol than the address; sign the one that is to be put in force.",
    ),
    Problem(
        "protocol.drugs",
        422,
        "Drugs do not fit",
        "A protocol replaces the drug of its case by another one.",
    ),
    Problem(
        "protocol.ratio", 422, "Ratio not in lowest terms", "Write 2:1 for 4:2, so that the same ratio is one text."
    ),
    Problem(
        "protocol.mode",
        422,
        "Mode does not count here",
        "Who must agree to a substitute is the jurisdiction's to say (cn: 经处方医师更正或重新签字).",
    ),
    Problem(
        "protocol.days",
        422,
        "Days that cannot be",
        "It begins today or later; its last day, if any, is not before its first and not later than policy allows.",
    ),
    Problem("allocation.unknown", 404, "No such allocation", "No allocation has this id."),
    Problem("allocation.wrong_state", 409, "Ended already", "This allocation has ended."),
    Problem(
        "allocation.open", 409, "One is set", "One limit holds for a region at a time; end it before setting another."
    ),
    Problem(
        "allocation.region", 422, "Outside the case", "An allocation holds in the region of its case or a part of it."
    ),
    Problem("allocation.too_tight", 422, "Too tight", "Policy says how many days a supply may cover at least."),
    Problem("stop_notice.unknown", 404, "No such notice", "No stop notice has this id."),
    Problem(
        "stop_notice.dates",
        422,
        "Dates that cannot be",
        "A stop lies at most three years ahead or thirty behind, and deliveries are restored after it.",
    ),
    Problem(
        "stop_notice.ended",
        409,
        "Notice ended",
        "This notice was withdrawn or fulfilled; a new stop has a new reference.",
    ),
    Problem(
        "stop_notice.another_drug", 409, "Another drug", "The maker gave this reference to a notice about another drug."
    ),
    Problem(
        "report.in_the_future", 422, "In the future", "A report tells what has happened; check its time and its zone."
    ),
    Problem(
        "report.drug_unknown",
        422,
        "Unknown drug",
        "No drug of the register has this key, or the register's words fit none or several: name it in the mapping.",
    ),
    Problem(
        "report.region_unknown", 422, "Unknown region", "GB/T 2260 has no such division; empty stands for the nation."
    ),
    Problem(
        "report.not_yours",
        403,
        "Somebody else's report",
        "Makers, wholesalers and institutions report of their own; authorities bring what others have told.",
    ),
    Problem(
        "drug_list.too_many",
        409,
        "Too many changes of one drug",
        "What the lists say of one drug begins on a limited number of days.",
    ),
    Problem(
        "report.too_many",
        429,
        "Too many reports",
        "One reporter tells a limited number of records about one drug and day.",
    ),
)
