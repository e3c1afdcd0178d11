"""Token, look-up and hold: how a patient's prescription comes to a pharmacy."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from functools import partial
from typing import Any
from uuid import UUID

from pydantic import Field

from services.dispatch.application.guesses import actor_counter, fulfilment_counter, locked, missed
from services.dispatch.application.registers import (
    REFERENCE,
    admitted_pharmacy,
    designations_in_force,
    drug_refs,
    not_qualified,
    not_serving,
    person_ref,
    pharmacy_ref,
    product_facts,
)
from services.dispatch.application.shelf import Circumstances, DemandKey, settle, unfilled
from services.dispatch.application.views import content_view, fulfilment_view, hold_view
from services.dispatch.domain import secrets
from services.dispatch.domain.allocation import ALLOCATIONS_IN_FORCE, AllocationFacts
from services.dispatch.domain.fulfilment import holds
from services.dispatch.domain.fulfilment.aggregate import FULFILMENTS
from services.dispatch.domain.fulfilment.commands import (
    HoldQuantity,
    PassPharmacyReview,
    ReleaseHold,
    SeenSignature,
    WantedLine,
)
from services.dispatch.domain.fulfilment.nomination import not_nominated
from services.dispatch.domain.fulfilment.state import FulfilmentState
from services.dispatch.domain.guess import GuessState
from services.dispatch.domain.locator import LocatorState, tokens_like
from services.dispatch.domain.policy import POLICIES
from services.dispatch.domain.prescription_content import CONTENTS, ContentState, content_id
from services.dispatch.domain.protocol import PROTOCOLS, ProtocolFacts, ProtocolState, protocol_stream
from services.dispatch.domain.values import Way
from services.seedwork.calendar import civil_day
from services.seedwork.model import Command, Loaded, Refusal
from services.seedwork.reference import EntryState, entry
from services.seedwork.usecase import Actor, Answer, Decision, Find, Load, Moment, UseCase

Thinking = Generator[Load | Find, Any, Decision]
COUNTED_MAX = 50
"""Fulfilments a wrong code is counted for: a locator has 33 million values, so more than a few never share one."""


class LookUp(Command):
    """A pharmacist reads the prescription whose token the patient shows."""

    pharmacy: str
    token: str


class HoldRequest(Command):
    """A hold as a pharmacy asks for it: with the patient's token, or without one by the patient's nomination."""

    fulfilment_id: UUID
    pharmacy: str
    pharmacist: str
    token: str | None
    way: Way
    lines: tuple[WantedLine, ...] = Field(min_length=1)
    packs_seen: bool = False
    replaces: UUID | None = None
    """A replacement: the pharmacy's own supply that came back or went bad."""


def look_up(command: LookUp, actor: Actor, token_key: bytes) -> UseCase:
    """Token -> the prescription. Nobody can browse: without the patient's code there is nothing to see."""

    token = secrets.read_token(command.token)

    def decide(
        moment: Moment, own: Loaded[GuessState], tokens: Loaded[LocatorState], pharmacy: Loaded[EntryState]
    ) -> Thinking:
        refused = locked(moment, [own]) or _refusal(admitted_pharmacy(pharmacy.state, moment))
        if refused:
            return Decision.refused(refused)
        match = tokens.state.opened_by(token, token_key)
        if match is None:
            counters = yield Load(tuple(map(fulfilment_counter, tokens.state.live[-COUNTED_MAX:])))
            return missed(moment, [own, *counters], "token.wrong")
        counter, fulfilment = yield Load.of(fulfilment_counter(match), FULFILMENTS.ref(match))
        refused = locked(moment, [counter])
        if refused:
            return Decision.refused(refused)
        if fulfilment.state.status == "closed":
            return Decision.refused(Refusal("token.used_up", {"outcome": fulfilment.state.outcome}))
        (content,) = yield Load.of(CONTENTS.ref(content_id(fulfilment.state.prescription_id)))
        seen = fulfilment_view(fulfilment.state, command.pharmacy)
        shown = {"fulfilment": seen, "prescription": content_view(content.state)}
        return Decision.nothing(Answer(200, shown))

    streams = (actor_counter(actor.subject), tokens_like(token))
    return UseCase(streams, decide, relaxed=(pharmacy_ref(command.pharmacy),))


def _refusal(outcome: object) -> Refusal | None:
    return outcome if isinstance(outcome, Refusal) else None


def hold_quantity(command: HoldRequest, actor: Actor, token_key: bytes, demand_key: bytes) -> UseCase:
    """Reserve quantities and the stock they come from, in one save."""

    def decide(moment: Moment, fulfilment: Loaded[FulfilmentState], *others: Loaded[Any]) -> Thinking:
        counters, (pharmacy, person, allocations) = others[:2], others[2:]
        if not fulfilment.exists:
            return Decision.refused(Refusal("fulfilment.unknown", {"fulfilment_id": str(command.fulfilment_id)}))
        unwanted = _unwanted(moment, fulfilment.state, command, token_key, counters)
        if unwanted:
            return unwanted
        place = admitted_pharmacy(pharmacy.state, moment)
        if isinstance(place, Refusal):
            return Decision.refused(place)
        refused = not_qualified(person.state, moment, command.pharmacy, {"pharmacist"})
        if refused:
            return Decision.refused(refused)
        limits = allocations.state.limits.values()
        return (
            yield from _hold(moment, fulfilment, command, place.region, partial(secrets.demand_key, demand_key), limits)
        )

    streams = (
        FULFILMENTS.ref(command.fulfilment_id),
        actor_counter(actor.subject),
        fulfilment_counter(command.fulfilment_id),
    )
    relaxed = (pharmacy_ref(command.pharmacy), person_ref(command.pharmacist), ALLOCATIONS_IN_FORCE)
    return UseCase(streams, decide, relaxed=relaxed)


def _unwanted(
    moment: Moment,
    state: FulfilmentState,
    command: HoldRequest,
    token_key: bytes,
    counters: tuple[Loaded[GuessState], ...],
) -> Decision | None:
    """None when the patient wants it: the code is shown, or this pharmacy is nominated. A lock locks codes only."""
    if command.token is None:
        refused = not_nominated(state, command.pharmacy)
        return Decision.refused(refused) if refused else None
    refused = locked(moment, counters)
    if refused:
        return Decision.refused(refused)
    expected = secrets.patient_token(token_key, state.fulfilment_id, state.token_issue)
    if not secrets.same(secrets.read_token(command.token), expected):
        return missed(moment, counters, "token.wrong")
    return None


def _hold(
    moment: Moment,
    fulfilment: Loaded[FulfilmentState],
    command: HoldRequest,
    region: str,
    demand_key: DemandKey,
    limits: Iterable[AllocationFacts],
) -> Thinking:
    """The hold itself, once it is clear who asks and that the patient wants it."""
    drugs = yield Load(drug_refs(_products(fulfilment.state, command.lines)))
    protocols = yield from _protocols(row.protocol_id for row in command.lines)
    rows = yield Find("designations_of", {"pharmacy": command.pharmacy})
    agreements = yield Load(tuple(entry(REFERENCE, "designation", row["code"]) for row in rows))
    wanted = HoldQuantity(
        pharmacy=command.pharmacy,
        region=region,
        pharmacist=command.pharmacist,
        way=command.way,
        lines=command.lines,
        products=product_facts(drugs),
        designations=designations_in_force(agreements, moment),
        replaces=command.replaces,
        protocols=protocols,
        limits=(yield from _limits(moment, fulfilment.state, region, limits)),
        right="nomination" if command.token is None else "token",
    )
    about = Circumstances.at(moment, packs_seen=command.packs_seen)
    held = holds.hold_quantity(fulfilment.state, wanted, moment.now, moment.ids, about.policy)
    if isinstance(held, Refusal):
        return Decision.refused(held)
    decision = yield from settle(fulfilment, [held], about, partial(hold_answer, status=201))
    if decision.refusal is None:
        return decision
    return (yield from unfilled(fulfilment.state, held, decision.refusal, about.lasts_until, demand_key))


def _protocols(named: Iterable[UUID | None]) -> Generator[Load | Find, Any, tuple[ProtocolFacts, ...]]:
    """What is known of these protocols."""
    refs = tuple(PROTOCOLS.ref(protocol_stream(each)) for each in sorted({name for name in named if name}))
    known: tuple[Loaded[ProtocolState], ...] = (yield Load(refs)) if refs else ()
    return tuple(each.state.facts for each in known if each.state.facts)


def _limits(
    moment: Moment, state: FulfilmentState, region: str, known: Iterable[AllocationFacts]
) -> Generator[Load | Find, Any, tuple[AllocationFacts, ...]]:
    """The allocations that hold here today, but for those that spare this patient; a diagnosis is read only then."""
    today = civil_day(moment.now)
    here = [each for each in known if each.limits(each.drug_key, region, today)]
    if not any(each.priority_diagnoses for each in here):
        return tuple(here)
    (content,) = yield Load.of(CONTENTS.ref(content_id(state.prescription_id)))
    diagnoses = content.state.content.diagnoses if content.state.content else None
    codes = [row["code"] for row in diagnoses or ()]
    return tuple(each for each in here if not each.spares(codes))


def _products(state: FulfilmentState, lines: Iterable[WantedLine]) -> list[str]:
    known = {number: row.content.product for number, row in state.lines.items()}
    named = (row.product or known.get(row.line) for row in lines)
    return [product for product in named if product]


def hold_answer(state: FulfilmentState, status: int, hold_id: UUID | None = None) -> Answer:
    hold = state.holds[hold_id] if hold_id else list(state.holds.values())[-1]
    return Answer(status, {"fulfilment_id": str(state.fulfilment_id), **hold_view(hold)})


def fetch_secret(fulfilment_id: UUID, hold_id: UUID, pharmacy: str) -> UseCase:
    """After a lost reply: the same pharmacy may have its hold's secret again. The endpoint adds it."""

    def decide(moment: Moment, fulfilment: Loaded[FulfilmentState]) -> Decision:
        hold = holds.own_hold(fulfilment.state, hold_id, pharmacy, "FetchSecret", moment.now)
        if isinstance(hold, Refusal):
            return Decision.refused(hold)
        return Decision.nothing(hold_answer(fulfilment.state, 200, hold_id))

    return UseCase((FULFILMENTS.ref(fulfilment_id),), decide)


def wrong_secret(hold_key: bytes, hold_id: UUID, pharmacy: str, shown: str) -> Refusal | None:
    """None when the secret is this hold's, for this pharmacy."""
    if secrets.same(shown, secrets.hold_secret(hold_key, hold_id, pharmacy)):
        return None
    return Refusal("hold.wrong_secret", {"hold_id": str(hold_id)})


def pass_review(fulfilment_id: UUID, command: PassPharmacyReview, secret: str, hold_key: bytes) -> UseCase:
    """The pharmacy's own pharmacist stands for the prescription."""

    def decide(
        moment: Moment, fulfilment: Loaded[FulfilmentState], pharmacy: Loaded[EntryState], person: Loaded[EntryState]
    ) -> Thinking:
        refused = wrong_secret(hold_key, command.hold_id, command.pharmacy, secret)
        refused = refused or not_serving(pharmacy.state, person.state, moment, command.pharmacy, {"pharmacist"})
        if refused:
            return Decision.refused(refused)
        (content,) = yield Load.of(CONTENTS.ref(content_id(fulfilment.state.prescription_id)))
        hold = fulfilment.state.holds.get(command.hold_id)
        substitutions = (row.substitution for row in hold.lines) if hold else ()
        protocols = yield from _protocols(each.protocol_id for each in substitutions if each)
        seen = command.model_copy(update={"signature": _signature_of(content.state), "protocols": protocols})
        policy = POLICIES.on(civil_day(moment.now), moment.jurisdiction)
        outcome = holds.pass_review(fulfilment.state, seen, moment.now, policy)
        if isinstance(outcome, Refusal):
            return Decision.refused(outcome)
        return Decision.on(fulfilment, outcome, hold_answer(fulfilment.after(outcome), 200, command.hold_id))

    entries = (pharmacy_ref(command.pharmacy), person_ref(command.pharmacist))
    return UseCase((FULFILMENTS.ref(fulfilment_id),), decide, relaxed=entries)


def _signature_of(content: ContentState) -> SeenSignature | None:
    serial = content.signature_serial
    return SeenSignature(serial=serial, degraded=content.signature_degraded) if serial else None


def release_hold(fulfilment_id: UUID, command: ReleaseHold, secret: str, hold_key: bytes, demand_key: bytes) -> UseCase:
    """Give back all or a part; out of stock is told to shortage monitoring, without the patient."""

    def decide(moment: Moment, fulfilment: Loaded[FulfilmentState]) -> Thinking:
        refused = wrong_secret(hold_key, command.hold_id, command.pharmacy, secret)
        if refused:
            return Decision.refused(refused)
        outcome = holds.release_hold(fulfilment.state, command, moment.now)
        about = Circumstances.at(moment, demand_key=partial(secrets.demand_key, demand_key))
        show = partial(hold_answer, status=200, hold_id=command.hold_id)
        return (yield from settle(fulfilment, outcome, about, show))

    return UseCase((FULFILMENTS.ref(fulfilment_id),), decide)
