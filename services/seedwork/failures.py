"""Why a use case could not be run or answered, apart from the business's own refusals.

The names end in no `Error` on purpose: they are answers that a client can act on, each with its entry in the catalogue.
"""

from __future__ import annotations

from typing import Any, ClassVar

from services.seedwork.model import Refusal


class ExecutionFailure(Exception):  # noqa: N818
    """The use case had no effect that is known. `code` is its entry in the error catalogue."""

    code: ClassVar[str]


class KeyReused(ExecutionFailure):
    """The Idempotency-Key stands for another request already."""

    code = "idempotency.reused"


class PersistentConflict(ExecutionFailure):
    """Others changed the same streams in every one of the tries."""

    code = "conflict.persistent"


class OutcomeUnknown(ExecutionFailure):
    """The connection broke during the save and the look-up afterwards gave no answer either."""

    code = "outcome.unknown"


class Overloaded(ExecutionFailure):
    """No connection to the store within the time a request may wait for one, or too much is unpublished."""

    code = "overload.shed"


class AnswerForgotten(ExecutionFailure):
    """The first answer was about a patient who is forgotten since, and with them what it said."""

    code = "patient.forgotten"


class StoreRestored(ExecutionFailure):
    """The store came back from a backup and has not been compared with its consumers yet."""

    code = "store.restored"


class Refused(Exception):  # noqa: N818
    """Raised by the rim (an endpoint, a dependency) to answer with a catalogued problem.

    `raise Refused("prescription.unknown", prescription_id=str(id))`; decide functions return a Refusal instead.
    """

    def __init__(self, code: str, /, **facts: Any) -> None:
        super().__init__(code)
        self.refusal = Refusal(code, facts)


class ConfigurationError(Exception):
    """The process cannot start as it is configured; the text says what to set."""
