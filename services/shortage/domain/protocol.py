"""SubstitutionProtocol: while a drug is short another one may be given for it, as this says and not otherwise.

Drafted by one person of an authority, put in force by another who has read that very text: they sign the digest of its
canonical JSON by a key of their own. Others enforce it (dispatch, prescribe), and can check who has said so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from hashlib import sha256
from math import gcd
from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

import orjson
from pydantic import Field

from services.seedwork.calendar import civil_day, end_of_day
from services.seedwork.model import Aggregate, Command, DomainEvent, Immutable, Outcome, Refusal, StreamRef
from services.seedwork.transitions import NOT_YET, Transition, Transitions
from services.shortage.domain.case import CaseState
from services.shortage.domain.policy import ShortagePolicy
from services.shortage.domain.regions import Level, covers
from services.shortage.domain.responses import Authority, may_begin, may_respond
from services.shortage.domain.values import DrugKey, RegionNode, Words

Mode = Literal["prescriber_confirms", "prescriber_consented", "pharmacist_alone"]
Excluded = Literal["children", "pregnant", "lactating", "renal_impairment", "hepatic_impairment"]
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
UNTIL = "until"
"""The deadline at which a protocol is over by its date."""

PROTOCOL_TRANSITIONS = Transitions(
    (
        Transition(
            NOT_YET, "DraftProtocol", "confirmed case; province or above; a mode that counts here", "drafted", "-"
        ),
        Transition("drafted", "SignProtocol", "another person; digest of this text", "in_force", "protocol_issued"),
        Transition("drafted", "WithdrawProtocol", "reason", "ended", "-"),
        Transition("drafted", "case_ended", "always", "ended", "-"),
        Transition("in_force", "WithdrawProtocol", "reason", "ended (after notice)", "protocol_ended"),
        Transition("in_force", "case_ended", "always", "ended (after notice)", "protocol_ended"),
        Transition("in_force", "clock: until", "its last day is over", "ended", "protocol_ended"),
    )
)


class ProtocolText(Immutable):
    """What a protocol says. Prescribed base units = base units of the substitute x numerator / denominator. Regions are
    nodes, an empty one is the nation; days are inclusive."""

    from_drug_key: DrugKey
    to_drug_key: DrugKey
    numerator: int = Field(ge=1, le=1000)
    denominator: int = Field(ge=1, le=1000)
    excluded: tuple[Excluded, ...] = Field(default=(), max_length=5)
    max_days: int | None = Field(default=None, ge=1, le=366)
    regions: tuple[RegionNode, ...] = Field(min_length=1, max_length=50)
    mode: Mode
    valid_from: date
    valid_until: date | None = None

    @property
    def digest(self) -> str:
        """SHA-256 of its canonical JSON: keys sorted, UTF-8, no spaces."""
        return sha256(orjson.dumps(self.model_dump(mode="json"), option=orjson.OPT_SORT_KEYS)).hexdigest()


class DraftProtocol(Command):
    """This should be allowed."""

    case_id: UUID
    text: ProtocolText


class SignProtocol(Command):
    """It is, as I have read it: the payload of what is signed."""

    protocol_id: UUID
    digest: Digest


class WithdrawProtocol(Command):
    """It should end, after notice."""

    protocol_id: UUID
    reason: Words


class Signature(Immutable):
    """A verified signature: the compact JWS as received, its SHA-256 in hexadecimal, and the key that made it, by
    itself or in its certificate. `degraded`: what could not be checked and was accepted by policy all the same."""

    compact: str
    sha256: str
    kid: str
    algorithm: str
    jwk: dict[str, Any] | None
    certificate: str | None
    degraded: str | None


class ProtocolDrafted(DomainEvent):
    """Nobody may act on it yet."""

    TOPIC: ClassVar[str] = "shortage.protocol.drafted"

    protocol_id: UUID
    case_id: UUID
    text: ProtocolText
    digest: str
    drafted_by: str
    authority: str
    level: Level
    drafted_at: datetime


class ProtocolSigned(DomainEvent):
    """It is in force from its first day on. `signature` None: of a release that took the word of a token for it."""

    TOPIC: ClassVar[str] = "shortage.protocol.signed"

    person: str
    digest: str
    signed_at: datetime
    signature: Signature | None = None


class ProtocolOver(DomainEvent):
    """Its last day is `ends_on`; a hold that was passed before may finish."""

    TOPIC: ClassVar[str] = "shortage.protocol.over"

    ended_as: Literal["date", "withdrawn", "case_over"]
    ends_on: date
    reason: str | None = None
    ended_at: datetime


@dataclass(frozen=True)
class ProtocolState:
    """A protocol as it is now."""

    status: str = NOT_YET
    drafted: ProtocolDrafted | None = None
    signed: ProtocolSigned | None = None
    over: ProtocolOver | None = None

    @property
    def in_force(self) -> bool:
        return self.status == "in_force"


def evolve_protocol(state: ProtocolState, event: ProtocolDrafted | ProtocolSigned | ProtocolOver) -> ProtocolState:
    if isinstance(event, ProtocolDrafted):
        return ProtocolState("drafted", drafted=event)
    if isinstance(event, ProtocolSigned):
        return replace(state, status="in_force", signed=event)
    return replace(state, status="ended", over=event)


def due(state: ProtocolState) -> Mapping[str, datetime]:
    until = state.drafted.text.valid_until if state.drafted and state.in_force else None
    return {UNTIL: end_of_day(until)} if until is not None else {}


PROTOCOL: Aggregate[ProtocolState] = Aggregate(
    name="protocol",
    events=(ProtocolDrafted, ProtocolSigned, ProtocolOver),
    initial=ProtocolState(),
    evolve=evolve_protocol,
    next_due=due,
)


def protocol_ref(protocol_id: UUID) -> StreamRef[ProtocolState]:
    return PROTOCOL.ref(protocol_id)


def draft(
    case: CaseState, command: DraftProtocol, protocol_id: UUID, by: Authority, now: datetime, policy: ShortagePolicy
) -> Outcome:
    """Somebody of the authority proposes a text for an open shortage."""
    standing = may_begin(case, "IssueProtocol", by, policy.protocol_level)
    if isinstance(standing, Refusal):
        return standing
    refused = _wrong(standing.case.drug_key, command.text, by, civil_day(now), policy)
    if refused:
        return refused
    return [
        ProtocolDrafted(
            protocol_id=protocol_id,
            case_id=command.case_id,
            text=command.text,
            digest=command.text.digest,
            drafted_by=standing.person,
            authority=standing.code,
            level=standing.level,
            drafted_at=now,
        )
    ]


def _wrong(drug_key: str, text: ProtocolText, by: Authority, today: date, policy: ShortagePolicy) -> Refusal | None:
    if text.from_drug_key != drug_key or text.to_drug_key == drug_key:
        return Refusal("protocol.drugs", {"from": text.from_drug_key, "to": text.to_drug_key, "short": drug_key})
    if gcd(text.numerator, text.denominator) != 1:
        return Refusal("protocol.ratio", {"ratio": f"{text.numerator}:{text.denominator}"})
    if text.mode not in policy.substitution_modes:
        return Refusal("protocol.mode", {"mode": text.mode, "allowed": list(policy.substitution_modes)})
    foreign = [node for node in text.regions if not covers(by.node or "", node)]
    if foreign:
        return Refusal("shortage.not_your_region", {"region": foreign[0]})
    longest = today + timedelta(days=policy.protocol_days_max)
    last = text.valid_until
    if not today <= text.valid_from <= longest or (last is not None and not text.valid_from <= last <= longest):
        return Refusal("protocol.days", {"from": text.valid_from, "until": last, "longest": longest})
    return None


def sign(
    state: ProtocolState,
    case: CaseState,
    signed: tuple[SignProtocol, Signature] | Refusal,
    by: Authority,
    now: datetime,
) -> Outcome:
    """Another person puts the very text they have read in force."""
    assert state.drafted is not None  # noqa: S101 - its case is known by its draft
    standing = may_respond(case, "IssueProtocol", by, state.drafted.level)
    if isinstance(standing, Refusal):
        return standing
    if not PROTOCOL_TRANSITIONS.allows(state.status, "SignProtocol"):
        return Refusal("protocol.wrong_state", {"state": state.status})
    if by.person == state.drafted.drafted_by:
        return Refusal("protocol.own_draft")
    if isinstance(signed, Refusal):
        return signed
    command, signature = signed
    if command.digest != state.drafted.digest:
        return Refusal("protocol.another_text", {"digest": state.drafted.digest})
    return [ProtocolSigned(person=by.person, digest=command.digest, signed_at=now, signature=signature)]


def withdraw(
    state: ProtocolState, command: WithdrawProtocol, by: Authority, now: datetime, policy: ShortagePolicy
) -> Outcome:
    """The authority that issued it, or one above it, ends it."""
    if state.drafted is None:
        return Refusal("protocol.unknown")
    if by.node is None or not state.drafted.authority.startswith(by.node):
        return Refusal("shortage.not_your_region", {"region": state.drafted.authority})
    if not PROTOCOL_TRANSITIONS.allows(state.status, "WithdrawProtocol"):
        return Refusal("protocol.wrong_state", {"state": state.status})
    return [_over(state, "withdrawn", command.reason, now, policy)]


def end_with_case(state: ProtocolState, now: datetime, policy: ShortagePolicy) -> list[DomainEvent]:
    """The shortage is over: so is the protocol, after notice."""
    if not PROTOCOL_TRANSITIONS.allows(state.status, "case_ended"):
        return []
    return [_over(state, "case_over", None, now, policy)]


def end_by_date(state: ProtocolState, now: datetime) -> list[DomainEvent]:
    """The clock: its last day is over."""
    until = due(state).get(UNTIL)
    if until is None or now < until or state.drafted is None or state.drafted.text.valid_until is None:
        return []
    return [ProtocolOver(ended_as="date", ends_on=state.drafted.text.valid_until, ended_at=now)]


def _over(
    state: ProtocolState,
    ended_as: Literal["withdrawn", "case_over"],
    reason: str | None,
    now: datetime,
    policy: ShortagePolicy,
) -> ProtocolOver:
    notice = policy.protocol_notice_days if state.in_force else 0
    last = civil_day(now) + timedelta(days=notice)
    until = state.drafted.text.valid_until if state.drafted else None
    return ProtocolOver(ended_as=ended_as, ends_on=min(last, until or last), reason=reason, ended_at=now)
