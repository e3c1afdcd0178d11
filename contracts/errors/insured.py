"""What is wrong with one row about an insured person: told in the report of the rows, never for the whole request."""

from contracts.errors.catalogue import Problem

PROBLEMS: tuple[Problem, ...] = (
    Problem(
        "member.unknown",
        404,
        "Not a member",
        "Nobody said that this person is insured: load the members first.",
    ),
    Problem(
        "member.periods_overlap",
        409,
        "Two of them would hold on one day",
        "End or withdraw the one that begins on `other_from` first; a change of it keeps its `valid_from`.",
    ),
)
