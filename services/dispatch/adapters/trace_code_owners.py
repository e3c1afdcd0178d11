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

import httpx
from pydantic import TypeAdapter, ValidationError

from services.dispatch.domain.owner_words import NoOtherStore, Question, TraceCodeOwner, Word
from services.dispatch.domain.regional_stores import RegionalStores
from services.seedwork.failures import ConfigurationError
from services.seedwork.identity import service_token
from services.seedwork.settings import Settings

PATH = "/internal/trace-codes"
TIMEOUT = httpx.Timeout(2.0, connect=1.0)
SECONDS_MAX = 4.0
"""Of one question with its answer, however slowly it drips."""
QUIET_SECONDS = 5.0
"""In which a store that gave no answer is left alone, at least."""
LATE_SECONDS = 1.0
"""An answer that took longer counts, and its store is left alone as if it had given none."""
REST = 9
"""How many times as long as they took no store is asked of those that last gave no answer, or a late one."""
ANSWER_BYTES_MAX = 64 * 1024
_WORDS = TypeAdapter(tuple[Word, ...])

logger = logging.getLogger(__name__)


class HttpOwners:
    """Of one installation. Thread-safe: an api asks in threads."""

    def __init__(
        self,
        settings: Callable[[], Settings],
        transport: httpx.BaseTransport | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._transport = transport
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
        except (httpx.HTTPError, httpx.InvalidURL, ValidationError, ConfigurationError) as error:
            logger.warning("regional store %s does not answer: %s", store, type(error).__name__)
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
        headers = {
            "authorization": f"Bearer {service_token(self._settings(), 'dispatch')}",
            "content-type": "application/json",
        }
        until = self._clock() + SECONDS_MAX
        with (
            httpx.Client(timeout=TIMEOUT, trust_env=False, transport=self._transport) as client,
            client.stream("PUT", url, content=question.model_dump_json(), headers=headers) as response,
        ):
            response.raise_for_status()
            answer = b""
            for chunk in response.iter_bytes():
                answer += chunk
                if len(answer) > ANSWER_BYTES_MAX or self._clock() > until:
                    raise httpx.ReadTimeout("too long, or too slow", request=response.request)
            return answer


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
