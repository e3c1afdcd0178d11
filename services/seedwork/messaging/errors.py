"""What can go wrong between a service and the broker, by what the caller should do about it."""

from __future__ import annotations

from collections.abc import Iterable


class FatalError(RuntimeError):
    """Trying again cannot help. Whoever meets it lets it end the process, with a status other than zero."""


class TopologyMismatchError(FatalError):
    """An exchange or queue exists with other arguments than `contracts.topology` says.

    A person has to decide: delete the queue, or give the new one a new name. Reconnecting would never end.
    """


class TryLaterError(Exception):
    """A handler could not decide because something it needs (its store) is away. Nothing is wrong with the events.

    The whole batch waits and is tried again in place: it costs no delivery and no attempt.
    """


class PublishFailedError(Exception):
    """Part of a batch did not reach a queue for certain.

    `unconfirmed` ids: the outcome is unknown or the broker refused them; publish them again with the same id.
    `returned` ids: no queue is bound for their routing key; nothing was stored. All other ids of the batch are safe.
    """

    def __init__(self, reason: str, *, unconfirmed: Iterable[str] = (), returned: Iterable[str] = ()) -> None:
        self.reason = reason
        self.unconfirmed = frozenset(unconfirmed)
        self.returned = frozenset(returned)
        super().__init__(f"{reason}: {len(self.unconfirmed)} unconfirmed, {len(self.returned)} returned")
