"""Problems of webhook endpoints, the same in every service that has them."""

from contracts.errors.catalogue import Problem

PROBLEMS: tuple[Problem, ...] = (
    Problem("webhook.unknown", 404, "No such endpoint", "It was never opened, or is removed."),
    Problem("webhook.not_yours", 403, "Endpoint of another party", "An endpoint is its own party's to see and change."),
    Problem(
        "webhook.url",
        422,
        "Not a URL that is called",
        "`wrong`: form, scheme (https; http in development mode), credentials, fragment, or address: only public ones.",
    ),
    Problem("webhook.too_many", 409, "Too many endpoints", "A party has `at_most` so many; remove one.", final=False),
    Problem(
        "webhook.wrong_state",
        409,
        "Not in this state",
        "`status`: what is active can be paused, what is paused can be resumed.",
        final=False,
    ),
    Problem(
        "webhook.no_letter",
        409,
        "No dead letter",
        "At this place there is none, or it is replayed or skipped already.",
        final=False,
    ),
    Problem("webhook.nobody", 403, "No party", "The token names no party that could be told anything."),
)
