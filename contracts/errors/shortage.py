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
    Problem("stop_notice.unknown", 404, "No such notice", "No stop notice has this id."),
    Problem(
        "stop_notice.dates",
        422,
        "Dates that cannot be",
        "A stop lies at most three years ahead, and deliveries are restored after it.",
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
    Problem("report.too_many", 429, "Too many reports", "One reporter tells a limited number of records about a day."),
)
