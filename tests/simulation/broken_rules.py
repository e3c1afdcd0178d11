"""Faults in the rules of prescribing and review, for `seeded_bugs`: each takes one rule away."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from typing import Any
from unittest import mock

from contracts.events.prescribe_later import LinesUnblocked
from services.dispatch.application import reactions
from services.dispatch.domain.fulfilment import blocking, ending
from services.dispatch.domain.fulfilment.state import FulfilmentState
from services.prescribe.domain import prescription, review_answers, windows
from services.prescribe.domain.prescription import PrescriptionState
from services.prescribe.domain.prescription_events import PrescriptionReleased
from services.review.domain import authority, decisions, verdicts
from services.review.domain.events import CaseOpened
from services.review.domain.values import Licence
from services.seedwork.usecase import Decision, UseCase


@contextmanager
def blocked_line_ignored() -> Iterator[None]:
    """Whoever holds or blocks does not ask what waits for the prescriber's answer."""
    with (
        mock.patch.object(FulfilmentState, "blocked_lines", frozenset()),
        mock.patch.object(blocking, "_revoked", return_value=[]),
    ):
        yield


@contextmanager
def lease_not_checked() -> Iterator[None]:
    """Whoever has a licence decides a case, whoever holds it."""
    with mock.patch.object(authority, "not_holding", return_value=None):
        yield


@contextmanager
def licence_not_checked() -> Iterator[None]:
    """Whoever has a reviewer's token reviews, also what they prescribed."""
    with (
        mock.patch.object(authority, "may_not_review", return_value=None),
        mock.patch.object(decisions, "may_not_review", return_value=None),
        mock.patch.object(verdicts, "may_not_review", return_value=None),
    ):
        yield


@contextmanager
def own_prescription_reviewed() -> Iterator[None]:
    """A doctor who is a pharmacist as well reviews what they prescribed."""

    def licensed(licence: Licence, opened: CaseOpened) -> Any:
        return authority.may_not_act_for(licence, opened.institution)

    with (
        mock.patch.object(authority, "may_not_review", licensed),
        mock.patch.object(decisions, "may_not_review", licensed),
        mock.patch.object(verdicts, "may_not_review", licensed),
    ):
        yield


@contextmanager
def same_second_reviewer() -> Iterator[None]:
    """The second pair of eyes may be the first."""
    with mock.patch.object(authority, "_first_again", return_value=None):
        yield


@contextmanager
def instalment_opened_too_early() -> Iterator[None]:
    """The next instalment opens while something of the one before is still to be had."""
    with mock.patch.object(windows, "_settled", return_value=True):
        yield


@contextmanager
def window_never_closes() -> Iterator[None]:
    """No deadline runs for what nobody takes of an instalment."""

    def only_openings(state: PrescriptionState) -> dict[str, datetime]:
        return {kind: due for kind, due in windows.instalments_due(state).items() if kind == windows.OPENS}

    with mock.patch.object(prescription, "instalments_due", only_openings):
        yield


@contextmanager
def return_released() -> Iterator[None]:
    """What a pharmacist returns circulates."""
    answers = {**review_answers._ANSWERS, "returned": PrescriptionReleased}
    with mock.patch.object(review_answers, "_ANSWERS", answers):
        yield


@contextmanager
def lapse_not_followed() -> Iterator[None]:
    """What has lapsed can still be held."""
    with mock.patch.object(ending, "lapse", return_value=[]):
        yield


@contextmanager
def answer_not_followed() -> Iterator[None]:
    """A line stays blocked whatever its prescriber answers."""

    def nothing(_event: Any, _envelope: Any) -> UseCase:
        return UseCase((), lambda _moment: Decision.nothing())

    with mock.patch.dict(reactions.REACTIONS, {LinesUnblocked: nothing}):
        yield


BROKEN_RULES: dict[str, Callable[[], AbstractContextManager[None]]] = {
    "blocked line ignored": blocked_line_ignored,
    "lease not checked": lease_not_checked,
    "licence not checked": licence_not_checked,
    "own prescription reviewed": own_prescription_reviewed,
    "same second reviewer": same_second_reviewer,
    "instalment opened too early": instalment_opened_too_early,
    "window never closes": window_never_closes,
    "return released": return_released,
    "lapse not followed": lapse_not_followed,
    "answer not followed": answer_not_followed,
}
