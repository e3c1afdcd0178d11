"""Trace codes that other regional stores own: reserved there before a supply is dispensed; where the owner does not
answer the supply goes on, flagged, and the clock asks until it does."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Sequence
from datetime import date, datetime
from functools import partial
from typing import Any
from uuid import UUID

from services.dispatch.application.parcel_goods import spent_codes
from services.dispatch.application.recorded import answered
from services.dispatch.application.work import Work
from services.dispatch.domain import owner_asks, trace_code
from services.dispatch.domain.codes.reading import read_code
from services.dispatch.domain.fulfilment import events as e
from services.dispatch.domain.fulfilment.aggregate import FULFILMENTS
from services.dispatch.domain.fulfilment.owned_codes import CodesDecided, CodesOwnedElsewhere, CodesUndecided
from services.dispatch.domain.fulfilment.return_events import SupplyTakenBack, SupplyUndone
from services.dispatch.domain.fulfilment.state import FulfilmentState, Hold, Supply
from services.dispatch.domain.owner_asks import OWNER_ASKS, Asking, OwnerAsksState, owner_asks_of
from services.dispatch.domain.owner_words import CodeOfStore, Operation, OwnedPack, Question, TraceCodeOwner, Word
from services.dispatch.domain.regional_stores import RegionalStores
from services.dispatch.domain.trace_code import FATES, TRACE_CODES, Fate, TraceCodeState, trace_code_id
from services.dispatch.domain.trace_code_events import PackFacts, Place
from services.dispatch.domain.trace_code_owner import decide as decide_code
from services.seedwork.calendar import civil_day
from services.seedwork.composition import TimerCommand
from services.seedwork.model import DomainEvent, Loaded, Outcome, Refusal, derived_id
from services.seedwork.usecase import Answer, Ask, Change, Decision, Load, Moment, UseCase

Asked = Generator[Any, Any, Sequence[Word] | None]
TOLD: dict[Fate, Operation] = {"freed": "release", "spent": "spend"}
"""What an owner is told of a code by what became of it. Locked is still sold, as far as anybody else is concerned."""


def owned_elsewhere(outcome: Outcome, stores: RegionalStores) -> Outcome:
    """With the codes scanned for a supply that other stores own."""
    if isinstance(outcome, Refusal) or not stores.names:
        return outcome
    events = list(outcome)
    for prepared in [event for event in outcome if isinstance(event, e.SupplyPrepared)]:
        codes = [code for row in prepared.lines for code in row.trace_codes]
        owned = tuple(CodeOfStore(code=code, store=store) for code in codes if (store := stores.elsewhere(code)))
        events += [CodesOwnedElsewhere(supply_id=prepared.supply_id, codes=owned)] if owned else []
    return events


def reserved(
    state: FulfilmentState, outcome: Outcome, owners: TraceCodeOwner, moment: Moment
) -> Generator[Any, Any, Outcome | Decision]:
    """The outcome of a check once the owners of its codes have reserved them, or could not be reached. A code that they
    do not let it have is refused as within one store; a repeat is told."""
    dispensed = None if isinstance(outcome, Refusal) else next(iter(outcome), None)
    if not isinstance(dispensed, e.SupplyDispensed) or isinstance(outcome, Refusal):
        return outcome
    supply = state.supplies[dispensed.supply_id]
    hold = state.holds[dispensed.hold_id]
    packs = owned_packs(hold, supply, dispensed)
    away: list[str] = []
    for asking in owner_asks.questions(packs):
        words = yield from _ask(owners, asking, supply.supply_id, moment.now)
        if words is None:
            away += [each.code for each in asking.codes]
        for word in words or ():
            if word.problem is not None:
                return (yield from _not_reserved(word, hold, moment))
    if not away:
        return outcome
    unknown = tuple(pack for pack in packs if pack.pack.code in away)
    return [CodesUndecided(supply_id=supply.supply_id, packs=unknown), *outcome]


def owned_packs(hold: Hold, supply: Supply, dispensed: e.SupplyDispensed) -> tuple[OwnedPack, ...]:
    """Of a supply that is being dispensed, the packs whose codes other stores own."""
    packs = []
    for row in dispensed.lines:
        for number, code in enumerate(row.trace_codes):
            if store := supply.elsewhere.get(code):
                about = {"code": code, "pharmacy": hold.pharmacy, "region": hold.region}
                facts = PackFacts(**about, **row.model_dump(include={"product", "pack_size", "lot", "expiry"}))
                quantity = min(row.pack_size, row.quantity - number * row.pack_size)
                packs.append(OwnedPack(store=store, pack=facts, quantity=quantity))
    return tuple(packs)


def _ask(owners: TraceCodeOwner, asking: Asking, supply_id: UUID, at: datetime) -> Asked:
    asked = Question(
        asked_by=owners.stores.own, supply_id=supply_id, operation=asking.operation, at=at, codes=asking.codes
    )
    words: Sequence[Word] | None = yield Ask(partial(owners.ask, asking.store, asked))
    return words


def _not_reserved(word: Word, hold: Hold, moment: Moment) -> Generator[Load, Any, Decision]:
    """Nothing of it happens; but a repeat is told here as well, for it is this region's pharmacy that has the pack."""
    refusal = Refusal(word.problem or "", {"trace_code": word.code, "state": word.found})
    if word.problem != "trace_code.repeated":
        return Decision.refused(refusal)
    (known,) = yield Load.of(TRACE_CODES.ref(trace_code_id(word.code)))
    second = Place(pharmacy=hold.pharmacy, region=hold.region, at=moment.now)
    told = trace_code.repeated(known.state, hold.hold_id, "sale", second, word.found, _first(word))
    return Decision((Change(known, tuple(told)),) if told else (), answered(refusal))


def _first(word: Word) -> Place | None:
    return word.first.place if word.first else None


def told_to_owners(state: FulfilmentState, event: DomainEvent, now: datetime) -> Iterator[Work]:
    """What an event of a fulfilment means for codes that other stores own."""
    match event:
        case CodesUndecided(supply_id=supply_id, packs=packs):
            wait = partial(
                owner_asks.await_owner,
                fulfilment_id=state.fulfilment_id,
                supply_id=supply_id,
                packs=packs,
                now=now,
            )
            yield Work(owner_asks_of(supply_id), wait)
        case e.SupplyUnprepared(supply_id=supply_id):
            yield from _tell(state.supplies[supply_id], "release", state.supplies[supply_id].elsewhere, now)
        case SupplyUndone(supply_id=supply_id, packs=()):
            yield from _tell(state.supplies[supply_id], "release", state.supplies[supply_id].elsewhere, now)
        case SupplyUndone(supply_id=supply_id, packs=packs):
            fates = [(pack.trace_code, pack.disposition) for pack in packs]
            yield from fates_told(state.supplies[supply_id], fates, now)
        case SupplyTakenBack(supply_id=supply_id, lines=lines):
            supply = state.supplies[supply_id]
            yield from _tell(supply, "spend", spent_codes(supply, lines), now)


def fates_told(supply: Supply, fates: Iterable[tuple[str | None, str]], now: datetime) -> Iterator[Work]:
    """What became of packs, by their codes and dispositions."""
    by_operation: dict[Operation, list[str]] = {}
    for code, disposition in fates:
        operation = TOLD.get(FATES[disposition])
        if code is not None and operation is not None:
            by_operation.setdefault(operation, []).append(code)
    for operation, codes in by_operation.items():
        yield from _tell(supply, operation, codes, now)


def written_off(state: TraceCodeState, quantity: int, store: str | None, now: datetime) -> Iterator[Work]:
    """What is sold no more of a pack: told to its code's owner, so that it is sold nowhere else either. `store`: the
    owner, None where it is this one."""
    if store is None or state.pack is None or not quantity:
        return
    gone = derived_id("trace_code_discarded", state.pack.code, state.discarded)
    pack = OwnedPack(store=store, pack=state.pack, quantity=quantity)
    yield Work(owner_asks_of(gone), partial(owner_asks.write_off, gone=gone, pack=pack, now=now))


def _tell(supply: Supply, operation: Operation, codes: Iterable[str], now: datetime) -> Iterator[Work]:
    owned = [CodeOfStore(code=code, store=supply.elsewhere[code]) for code in codes if code in supply.elsewhere]
    if owned:
        tell = partial(owner_asks.tell, supply_id=supply.supply_id, operation=operation, codes=owned, now=now)
        yield Work(owner_asks_of(supply.supply_id), tell)


def owner_timer(owners: TraceCodeOwner) -> TimerCommand:
    """The clock asks every owner that is due; whoever does not answer is asked again, later and later."""

    def ask(stream_id: UUID) -> UseCase:
        def decide(moment: Moment, asks: Loaded[OwnerAsksState]) -> Generator[Any, Any, Decision]:
            events: list[DomainEvent] = []
            late: list[Word] = []
            for asking in owner_asks.due(asks.state):
                words = yield from _ask(owners, asking, asks.state.supply_id, moment.now)
                events += owner_asks.heard(asking, words or (), moment.now)
                late += [word for word in words or () if word.problem == "trace_code.repeated"]
            if not events:
                return Decision.nothing()
            alarms = yield from _alarms(asks.state, late, moment)
            decided = yield from _decided(asks.state, asks.after(events))
            return Decision((Change(asks, tuple(events)), *alarms, *decided))

        return UseCase((OWNER_ASKS.ref(stream_id),), decide)

    return ask


def _alarms(state: OwnerAsksState, late: Sequence[Word], moment: Moment) -> Generator[Load, Any, list[Change]]:
    """Of supplies that were dispensed and sold a second time: the claim of the second one is named as well."""
    known = (yield Load(tuple(TRACE_CODES.ref(trace_code_id(word.code)) for word in late))) if late else ()
    changes = []
    for word, code in zip(late, known, strict=True):
        pack = state.packs[word.code].pack
        second = Place(pharmacy=pack.pharmacy, region=pack.region, at=moment.now, supply_id=state.supply_id)
        told = trace_code.repeated(code.state, state.supply_id, "sale", second, word.found, _first(word))
        changes += [Change(code, tuple(told))] if told else []
    return changes


def _decided(before: OwnerAsksState, after: OwnerAsksState) -> Generator[Load, Any, list[Change]]:
    """Once nothing of the supply is undecided any more."""
    if not before.undecided or after.undecided:
        return []
    (fulfilment,) = yield Load.of(FULFILMENTS.ref(after.fulfilment_id))
    pharmacy = fulfilment.state.supplies[after.supply_id].pharmacy
    told = CodesDecided(supply_id=after.supply_id, pharmacy=pharmacy, repeated=after.repeated)
    return [Change(fulfilment, (told,))]


def answer_question(question: Question, stores: RegionalStores) -> UseCase:
    """As the owner: each code for itself, all of them in one save. The same question again gets the same answer.
    Whoever goes by another list of stores is refused: two owners of one code would be none."""

    def decide(moment: Moment, *known: Loaded[trace_code.TraceCodeState]) -> Decision:
        for asked in question.codes:
            refused = _not_ours(asked.code, stores, civil_day(moment.now))
            if refused:
                return Decision.refused(refused)
        changes, words = [], []
        for code, asked in zip(known, question.codes, strict=True):
            events, word = decide_code(code.state, question, asked, moment.now)
            changes += [Change(code, tuple(events))] if events else []
            words.append(word.model_dump(mode="json"))
        return Decision(tuple(changes), Answer(200, {"words": words}))

    refs = tuple(TRACE_CODES.ref(trace_code_id(asked.code)) for asked in question.codes)
    return UseCase(refs, decide)


def _not_ours(code: str, stores: RegionalStores, today: date) -> Refusal | None:
    found = read_code(code, today)
    if isinstance(found, Refusal):
        return found
    if found.normal != code:
        return Refusal("trace_code.malformed", {"trace_code": code})
    return None if stores.owner(code) == stores.own else Refusal("trace_code.not_owner", {"owner": stores.owner(code)})
