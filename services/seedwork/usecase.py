"""Use cases without input and output: which streams they need and a pure decision over them.

The executor (`services.seedwork.executor`) does the look-up, the load, the save and the retry after a conflict, so the
same use case runs in the asynchronous api, in the eventlet worker and in the simulation.

    def cancel_prescription(command: CancelPrescription) -> UseCase:
        def decide(moment: Moment, prescription: Loaded[PrescriptionState]) -> Decision:
            outcome = cancel(prescription.state, command, moment.now)
            return Decision.on(prescription, outcome, answer=...)

        return UseCase((PRESCRIPTION.ref(command.prescription_id),), decide)

A decision that must see something more before it knows (the stock items of a fulfilment it has just read) is a
generator: it yields `Load(...)` or `Find(...)` and receives a tuple of `Loaded`, or a list of rows; or `Ask(...)`, and
receives what somebody outside this store has answered.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from services.seedwork.model import DomainEvent, Ids, Loaded, Outcome, Refusal, StreamRef
from services.seedwork.policies import DEFAULT_JURISDICTION
from services.seedwork.signing.trust import NOBODY, Trust

STREAMS_PER_USE_CASE_MAX = 100
"""More streams at once is a job stream and one command per timer batch (`docs/kernel.md`)."""


@dataclass(frozen=True)
class Actor:
    """Who acts: subject of the token, role, organisation (institution, pharmacy, insurer…) and patient, if any.

    A representative whose scope was found to cover what they ask for acts in the patient's role, `representing` them.
    """

    subject: str
    role: str
    organisation: str | None = None
    patient_ref: UUID | None = None
    region: str | None = None
    representing: bool = False

    @property
    def recorded_as(self) -> str:
        """How events name who caused them: of a representative, also for whom they acted."""
        return f"{self.subject} for patient {self.patient_ref}" if self.representing else self.subject

    @classmethod
    def service(cls, name: str) -> Actor:
        """The system itself: a timer or the reaction to an event."""
        return cls(subject=f"service:{name}", role="service")


@dataclass(frozen=True)
class Moment:
    """What a decision may know besides its streams: the store's time, new identifiers, who acts, the jurisdiction whose
    policies hold here, and who is trusted to certify signers."""

    now: datetime
    ids: Ids
    actor: Actor
    jurisdiction: str = DEFAULT_JURISDICTION
    trust: Trust = NOBODY


@dataclass(frozen=True)
class Load:
    """Wanted: these aggregates, as they are now. Answered by a tuple of `Loaded`, in the same order."""

    refs: tuple[StreamRef[Any], ...]

    @classmethod
    def of(cls, *refs: StreamRef[Any]) -> Load:
        return cls(refs)


@dataclass(frozen=True)
class Find:
    """Wanted: the rows of a query that the service's projections register by name. Answered by a list of mappings."""

    query: str
    parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Ask:
    """Wanted: the word of somebody outside this store. Answered by what `call` returns.

    It is called between a load and a save, outside any transaction, and again after a conflict: it must be bounded in
    time, raise nothing, and be the same asked twice.
    """

    call: Callable[[], Any]


@dataclass(frozen=True)
class Answer:
    """What the caller is told. `body` is kept (encrypted) under the idempotency key and so never holds a secret;
    `secret` is computed again for a repeat by the use case's `secret` function."""

    status: int = 200
    body: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Change:
    """New events of one aggregate."""

    loaded: Loaded[Any]
    events: tuple[DomainEvent, ...]


@dataclass(frozen=True)
class Decision:
    """The whole effect of a use case, saved in one statement: all of it or nothing.

    Streams that were read but are not changed are asserted to be unchanged. With a refusal nothing else is written
    for a command; a reaction may write events beside it ("recorded").
    """

    changes: tuple[Change, ...] = ()
    answer: Answer = Answer()
    refusal: Refusal | None = None

    @classmethod
    def on(cls, loaded: Loaded[Any], outcome: Outcome, answer: Answer | None = None) -> Decision:
        """The common case: one aggregate decided."""
        if isinstance(outcome, Refusal):
            return cls(refusal=outcome)
        return cls(changes=(Change(loaded, tuple(outcome)),), answer=answer or Answer())

    @classmethod
    def refused(cls, refusal: Refusal) -> Decision:
        return cls(refusal=refusal)

    @classmethod
    def nothing(cls, answer: Answer | None = None) -> Decision:
        """An answered no-op."""
        return cls(answer=answer or Answer())

    def and_also(self, loaded: Loaded[Any], events: Sequence[DomainEvent]) -> Decision:
        """The same decision with the events of one more aggregate."""
        return Decision((*self.changes, Change(loaded, tuple(events))), self.answer, self.refusal)


Deciding = Decision | Generator[Load | Find | Ask, Any, Decision]


@dataclass(frozen=True)
class UseCase:
    """The streams that are known beforehand (loaded with the look-up, in one round trip) and the decision over them.

    `decide(moment, *loaded)` is called again, on a fresh load, after a conflict. `relaxed` streams are read but not
    asserted: reference data whose change a moment later would not have changed the decision's right.
    """

    streams: tuple[StreamRef[Any], ...]
    decide: Callable[..., Deciding]
    relaxed: tuple[StreamRef[Any], ...] = ()
    starts_work: bool = False
    """Opens a new piece of work (an issue): refused first under load. What finishes work (a hand-out) never is."""
