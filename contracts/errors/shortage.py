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
)
