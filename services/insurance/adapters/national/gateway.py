"""The gateway to insurers of the national form: signed messages over HTTP, with one deadline for all of a call and
bounds of size. By https alone, but for development mode.

Whatever goes wrong on the way is unknown: no connection, no answer in time, a status that is none, an envelope that is
not the platform's. An address that does not answer rests for a while, so that its claims do not hold up the others'.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from functools import cache, partial
from typing import Any
from uuid import UUID

import orjson

from services.insurance.adapters.national import messages, statements
from services.insurance.adapters.national.answers import LOST, NOTHING_IS_BOOKED, outcome_of
from services.insurance.adapters.national.envelope import EnvelopeKeys, Untrusted, opened, sealed
from services.insurance.adapters.national.keys import application_keys
from services.insurance.domain.gateway import Asked, GatewayOutcome, OutcomeKind, Reach
from services.insurance.domain.payer_items import Figures, Item, Listed
from services.seedwork.failures import ConfigurationError
from services.seedwork.settings import Settings
from services.seedwork.webhooks.post import Answer, Letter, Post, post_to_named

SECONDS_MAX = 5.0
"""For all of a call, however slowly its answer comes: the claims of other insurers wait meanwhile."""
BYTES_MAX = 1024 * 1024
"""Either way. A thousand differences of a day are half of it."""
HEADERS = {"content-type": "application/json"}
OK = 200
SILENT_MAX = 3
"""So many messages without an answer, one after another, let an address rest."""
REST_SECONDS = 5.0


@cache
def _settings() -> Settings:
    """Read once, as everywhere, from the environment."""
    return Settings()


def _keys(insurer: str) -> EnvelopeKeys:
    return application_keys(_settings(), insurer)


@cache
def _called() -> Post:
    return post_to_named(_settings())


def _post(letter: Letter) -> Answer:
    return _called()(letter)


class NationalGateway:
    """Interface `national`."""

    def __init__(
        self,
        keys: Callable[[str], EnvelopeKeys] = _keys,
        post: Callable[[Letter], Answer] = _post,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        passed: Callable[[], float] = time.monotonic,
    ) -> None:
        self._keys = keys
        self._post = post
        self._clock = clock
        self._passed = passed
        self._silent: dict[str, tuple[int, float]] = {}

    def quote(self, reach: Reach, asked: Asked) -> GatewayOutcome:
        """2101."""
        said = messages.settlement(asked)
        return self._told(messages.QUOTE, reach, asked, said, asked.message_id, amounts=True)

    def authorise(self, reach: Reach, asked: Asked) -> GatewayOutcome:
        """2102; of an insurer in two steps its first."""
        said = messages.settlement(asked, "reserve" if reach.steps == "two_step" else None)
        return self._told(messages.BOOK, reach, asked, said, asked.message_id, amounts=True)

    def inquire(self, reach: Reach, asked: Asked) -> GatewayOutcome:
        """What became of the message; where it is not booked, 2601 sees to it that it never will be."""
        found = self._about(messages.INQUIRE, reach, asked, amounts=True)
        if found.reasons != NOTHING_IS_BOOKED:
            return LOST if found.kind is OutcomeKind.REFUSED else found
        return found if _taken_back(self._about(messages.REVERSE_LOST, reach, asked)) else LOST

    def settle(self, reach: Reach, asked: Asked) -> GatewayOutcome:
        """2102, the second step: book what is reserved."""
        return self._about(messages.BOOK, reach, asked, "book")

    def void(self, reach: Reach, asked: Asked) -> GatewayOutcome:
        """2103 by its setl_id, or 2601 where its answer was lost. What is not booked needs no taking back."""
        known = asked.original is not None and asked.original.reference is not None
        outcome = self._about(messages.TAKE_BACK if known else messages.REVERSE_LOST, reach, asked)
        return GatewayOutcome(OutcomeKind.ACCEPTED, insurer=reach.insurer) if _taken_back(outcome) else outcome

    def equal_totals(self, reach: Reach, day: date, figures: Figures) -> bool | None:
        """3201."""
        return statements.equal_totals(partial(self._statement, reach), day, figures)

    def differing(self, reach: Reach, day: date, ours: Sequence[Item]) -> list[Listed] | None:
        """9101 and 3202."""
        return statements.differing(partial(self._statement, reach), day, ours)

    def _statement(self, reach: Reach, infno: str, said: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """The output of a transaction about a day; None where it is not answered, or refused."""
        answer = self.send(reach, messages.statement(infno, reach, said, self._clock()))
        output = answer.get("output") if answer is not None and answer.get("infcode") == messages.ACCEPTED else None
        return output if isinstance(output, Mapping) else None

    def _about(
        self, infno: str, reach: Reach, asked: Asked, step: str | None = None, *, amounts: bool = False
    ) -> GatewayOutcome:
        """What is asked about the authorisation before."""
        if asked.original is None:
            return LOST
        said = messages.about(asked, asked.original, messages.BOOK, step)
        return self._told(infno, reach, asked, said, asked.original.message_id, amounts=amounts)

    def _told(
        self, infno: str, reach: Reach, asked: Asked, said: Mapping[str, Any], about: UUID, *, amounts: bool
    ) -> GatewayOutcome:
        answer = self.send(reach, messages.request(infno, reach, asked, said))
        return LOST if answer is None else outcome_of(answer, reach, asked, str(about), amounts=amounts)

    def send(self, reach: Reach, message: Mapping[str, Any]) -> dict[str, Any] | None:
        """The platform's answer to a message; None: there is none that can be trusted, and the message may have
        arrived all the same."""
        if self._rests(reach.url):
            return None
        try:
            keys = self._keys(reach.insurer)
            body = orjson.dumps(sealed(message, keys, self._clock()))
            answer = self._post(
                Letter(reach.url, body, HEADERS, SECONDS_MAX, body_bytes_max=BYTES_MAX, answer_bytes_max=BYTES_MAX)
            )
            answered = answer.status == OK
            self._heard(reach.url, answered=answered)
            return opened(orjson.loads(answer.body), keys, self._clock()) if answered else None
        except (Untrusted, orjson.JSONDecodeError, ConfigurationError):
            return None

    def _rests(self, url: str) -> bool:
        count, since = self._silent.get(url, (0, 0.0))
        return count >= SILENT_MAX and self._passed() < since + REST_SECONDS

    def _heard(self, url: str, *, answered: bool) -> None:
        if answered:
            self._silent.pop(url, None)
        else:
            self._silent[url] = self._silent.get(url, (0, 0.0))[0] + 1, self._passed()


def _taken_back(outcome: GatewayOutcome) -> bool:
    """Whether nothing is booked under the message any more."""
    return outcome.kind in {OutcomeKind.ACCEPTED, OutcomeKind.DUPLICATE} or outcome.reasons == NOTHING_IS_BOOKED
