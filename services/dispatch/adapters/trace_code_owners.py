"""Asking the dispatch services of other regions about trace codes they own, over HTTP, with the service token.

`PUT /internal/trace-codes` with a `Question`; 200 with a word for each of its codes is an answer, everything else and
no answer in time is none. A store that gave none is left alone for a while: meanwhile every supply would wait for the
time-out of a region that is away. Waiting for such stores takes a tenth of a process's time at most, however many of
them there are: the clock's other deadlines wait behind it. So does whoever answers late.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from functools import cache

from pydantic import TypeAdapter, ValidationError

from services.dispatch.domain.owner_words import NoOtherStore, Question, TraceCodeOwner, Word
from services.dispatch.domain.regional_stores import RegionalStores
from services.seedwork.failures import ConfigurationError
from services.seedwork.identity import service_token
from services.seedwork.settings import Settings
from services.seedwork.webhooks.post import Answer, Letter, post_to_named

PATH = "/internal/trace-codes"
SECONDS_MAX = 3.0
"""Of one question with its answer, headers too, however slowly they drip."""
QUIET_SECONDS = 5.0
"""In which a store that gave no answer is left alone, at least."""
LATE_SECONDS = 1.0
"""An answer that took longer counts, and its store is left alone as if it had given none."""
REST = 9
"""How many times as long as they took no store is asked of those that last gave no answer, or a late one."""
BYTES_MAX = 64 * 1024
_WORDS = TypeAdapter(tuple[Word, ...])

logger = logging.getLogger(__name__)


class NoAnswer(Exception):  # noqa: N818
    """Why there was none, in a word."""


class HttpOwners:
    """Of one installation. Thread-safe: an api asks in threads."""

    def __init__(
        self,
        settings: Callable[[], Settings],
        post: Callable[[Letter], Answer] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._post = post
        self._clock = clock
        self._quiet_until: dict[str, float] = {}
        """Of stores that last gave no answer, or a late one."""
        self._rest_until = 0.0
        """Of all of those together."""

    @property
    def stores(self) -> RegionalStores:
        settings = self._settings()
        return RegionalStores(frozenset(settings.regional_stores), settings.regional_store)

    def ask(self, store: str, question: Question) -> Sequence[Word] | None:
        """One word per code, or None: nothing is known."""
        url = self._settings().regional_stores.get(store)
        began = self._clock()
        quiet_until = self._quiet_until.get(store)
        if url is None or (quiet_until is not None and began < max(quiet_until, self._rest_until)):
            return None
        try:
            words = _WORDS.validate_json(self._put(url.rstrip("/") + PATH, question))
        except (NoAnswer, ValidationError, ConfigurationError) as error:
            told = error if isinstance(error, NoAnswer) else type(error).__name__
            logger.warning("regional store %s does not answer: %s", store, told)
            self._leave_alone(store, began)
            return None
        if self._clock() - began > LATE_SECONDS:
            self._leave_alone(store, began)
        else:
            self._quiet_until.pop(store, None)
        codes = [each.code for each in question.codes]
        return words if [word.code for word in words] == codes else None

    def _leave_alone(self, store: str, began: float) -> None:
        now = self._clock()
        rest = REST * (now - began)
        self._rest_until = max(self._rest_until, now + rest)
        self._quiet_until[store] = now  # it counts among the others
        self._quiet_until[store] = now + max(QUIET_SECONDS, rest * len(self._quiet_until))  # each in its turn

    def _put(self, url: str, question: Question) -> bytes:
        settings = self._settings()
        headers = {
            "authorization": f"Bearer {service_token(settings, 'dispatch')}",
            "content-type": "application/json",
        }
        if self._post is None:
            self._post = post_to_named(settings)
        body = question.model_dump_json().encode()
        answer = self._post(
            Letter(url, body, headers, SECONDS_MAX, BYTES_MAX, answer_bytes_max=BYTES_MAX, method="PUT")
        )
        if not answer.is_good:
            raise NoAnswer(answer.error or str(answer.status))
        return answer.body


@cache
def _settings() -> Settings:
    """Read once, as everywhere, from the environment."""
    return Settings()


_BY_SETTINGS: dict[int, HttpOwners] = {}


def owners_of(settings: Settings) -> TraceCodeOwner:
    """The way to the others from an api with these settings: one, so that it knows who has just not answered."""
    if not settings.regional_stores:
        return NoOtherStore()
    return _BY_SETTINGS.setdefault(id(settings), HttpOwners(lambda: settings))


OWNERS = HttpOwners(_settings)
"""For the clock of a worker."""
