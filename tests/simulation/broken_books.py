"""Faults in what two sides keep of the same thing, for `seeded_bugs`: money, goods, a list, a code."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any
from unittest import mock

from services.dispatch.application import shelf
from services.dispatch.domain import secrets
from services.dispatch.domain.fulfilment import events as fulfilled
from services.insurance.application import claim_undoing
from services.insurance.domain import payment
from services.insurance.domain.payment_events import PaymentRefunded
from services.review.domain.events import CaseReturned
from services.review.projections import queue


@contextmanager
def unpaid_share_given_back() -> Iterator[None]:
    """What was only asked for is given back, too."""

    def give_back(state: payment.PaymentState, provider: payment.PaymentProvider, _again_at: Any) -> list[Any]:
        if state.requested is None or state.state == payment.REFUNDED:
            return []
        name, amount = state.requested.payment_id, state.requested.amount
        answer = provider.refund(name, amount, state.reference or "", name)
        return [PaymentRefunded(reference=answer.reference or "")]

    with mock.patch.object(claim_undoing, "give_back", give_back):
        yield


@contextmanager
def second_line_kept() -> Iterator[None]:
    """When a hold of several lines runs out, only the first is free on the shelf."""
    freed = shelf._freed

    def first_only(state: Any, hold: Any, event: fulfilled.HoldEnded, about: Any) -> Any:
        works = list(freed(state, hold, event, about))
        return works[:1] if event.how == "expired" else works

    with mock.patch.object(shelf, "_freed", first_only):
        yield


@contextmanager
def queue_keeps_returned() -> Iterator[None]:
    """The projection leaves a removal out: made anew it says the same."""
    projection, project = queue.REVIEW_QUEUE, queue.REVIEW_QUEUE.project
    object.__setattr__(projection, "project", lambda r: () if isinstance(r.event, CaseReturned) else project(r))
    try:
        yield
    finally:
        object.__setattr__(projection, "project", project)


@contextmanager
def any_pickup_code() -> Iterator[None]:
    """Whatever code is shown opens."""
    with mock.patch.object(secrets, "same", return_value=True):
        yield


BROKEN_BOOKS: dict[str, Callable[[], AbstractContextManager[None]]] = {
    "unpaid share given back": unpaid_share_given_back,
    "second line kept": second_line_kept,
    "queue keeps what was returned": queue_keeps_returned,
    "any pickup code": any_pickup_code,
}
