"""What may happen to a payer's day, and what an answer to a difference books."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import NamedTuple
from uuid import UUID

from services.insurance.domain.ledger import Posting, difference_postings
from services.insurance.domain.payer_items import Comparison, Figures, Item, NotInOrder, Pair
from services.insurance.domain.reconciliation import (
    ANSWER,
    ANSWERS,
    COMPARE_ITEMS,
    COMPARE_TOTALS,
    KINDS,
    RECONCILIATION_TRANSITIONS,
    TAKE,
    AnswerKind,
    DayClosed,
    Difference,
    DifferenceAnswered,
    DifferencesFound,
    DifferenceTaken,
    Kind,
    PartCompared,
    ReconciliationState,
    Side,
    TotalsCompared,
)
from services.seedwork.model import DomainEvent, Outcome, Refusal

DIFFERENCES_MAX = 1_000
"""A file that differs more is another day's or another payer's; people could not answer it one by one anyway."""
PART_ROWS_MAX = 2_000


class Known(NamedTuple):
    """What is known here of a message. `item` in fen; None: nothing of it counts as booked."""

    status: str
    claim_id: UUID
    pharmacy: str | None
    day: date | None
    item: Item | None


def compare_totals(
    state: ReconciliationState,
    *,
    insurer: str,
    day: date,
    ours: Figures,
    theirs: Figures,
    person: str,
    today: date,
    side: Side = "insurer",
) -> Outcome:
    """The payer's totals against ours. Equal totals close the day; else the items are wanted."""
    if not RECONCILIATION_TRANSITIONS.allows(state.state, COMPARE_TOTALS):
        return _wrong_state(state, COMPARE_TOTALS)
    if day >= today:
        return Refusal("reconciliation.day_not_over", {"day": day.isoformat()})
    told = TotalsCompared(insurer=insurer, day=day, ours=ours, theirs=theirs, told_by=person, side=side)
    return [told, DayClosed(how="zero")] if ours == theirs else [told]


def compare_part(state: ReconciliationState, ours: Iterable[Item], theirs: Sequence[Item]) -> Comparison | Refusal:
    """Both sides of the next stretch, if they may be compared."""
    if not RECONCILIATION_TRANSITIONS.allows(state.state, COMPARE_ITEMS):
        return _wrong_state(state, COMPARE_ITEMS)
    if state.upto is not None and theirs and theirs[0].key <= state.upto:
        return Refusal("reconciliation.not_in_order", {"msgid": str(theirs[0].key), "upto": str(state.upto)})
    return Comparison(ours, theirs)


def differing(comparison: Comparison, so_far: int) -> list[Pair] | Refusal:
    """What differs in this stretch; a file that differs too much is refused."""
    pairs = []
    try:
        for pair in comparison:
            pairs.append(pair)
            if so_far + len(pairs) > DIFFERENCES_MAX:
                return Refusal("reconciliation.too_many_differences", {"max": DIFFERENCES_MAX})
    except NotInOrder as error:
        return Refusal("reconciliation.not_in_order", {"msgid": str(error)})
    return pairs


def difference(pair: Pair, known: Known | None, day: date) -> Difference:
    """A pair that is not the same, with its kind and the claim it is about."""
    return Difference(
        key=pair.key,
        kind=_kind(pair, known, day),
        ours=Figures.of(pair.ours) if pair.ours else None,
        theirs=Figures.of(pair.theirs, pair.times) if pair.theirs else None,
        claim_id=known.claim_id if known else None,
        pharmacy=known.pharmacy if known else None,
    )


def _kind(pair: Pair, known: Known | None, day: date) -> Kind:
    if pair.times > 1:
        return "doubled"
    if pair.ours is not None:
        return "only_ours" if pair.theirs is None else "amount"
    if known is None:
        return "unknown"
    if known.status == "refused":
        return "refused"
    return "other_day" if known.item is not None and known.day != day else "unanswered"


def compare_listed(
    state: ReconciliationState,
    *,
    insurer: str,
    day: date,
    ours: Figures,
    theirs: Figures,
    differences: Sequence[Difference],
    person: str,
    today: date,
) -> Outcome:
    """The payer has compared the day itself (3202): its side is ours but for these differences, none of which is told
    here by halves."""
    told = compare_totals(state, insurer=insurer, day=day, ours=ours, theirs=theirs, person=person, today=today)
    if isinstance(told, Refusal):
        return told
    part = PartCompared(upto=None, ours=ours, theirs=theirs, differences=tuple(differences))
    return [told[0], part, *_found(part.differences)]


def record_part(
    state: ReconciliationState, comparison: Comparison, differences: Sequence[Difference], upto: UUID | None
) -> Outcome:
    """A stretch is compared; after the last one what stays is found, or the day is closed."""
    part = PartCompared(upto=upto, ours=comparison.ours, theirs=comparison.theirs, differences=tuple(differences))
    if upto is not None:
        return [part]
    told = state.told
    ours, theirs = state.ours.plus(part.ours), state.theirs.plus(part.theirs)
    if told is None or theirs != told.theirs or ours != told.ours:
        side = "theirs" if told is None or theirs != told.theirs else "ours"
        return Refusal(
            "reconciliation.items_not_totals", {"side": side, "items": _sums(theirs if side == "theirs" else ours)}
        )
    return [part, *_found(state.found + part.differences)]


def _found(found: Sequence[Difference]) -> list[DomainEvent]:
    """All items are compared: what stays wants an answer."""
    stay = staying(found)
    return [DifferencesFound(differences=stay, netted=len(found) - len(stay))] if stay else [DayClosed(how="zero")]


def staying(found: Sequence[Difference]) -> tuple[Difference, ...]:
    """Those that do not cancel each other out: what one side alone booked and took back the same day is none."""
    sums: dict[UUID, Figures] = defaultdict(Figures)
    for each in found:
        if each.claim_id is not None:
            sums[each.claim_id] = sums[each.claim_id].plus(each.missing)
    return tuple(each for each in found if each.claim_id is None or not _cancelled(sums[each.claim_id]))


def _cancelled(sum_of_claim: Figures) -> bool:
    return not (sum_of_claim.total or sum_of_claim.fund or sum_of_claim.account)


def take(state: ReconciliationState, key: UUID, person: str) -> Outcome:
    """A named person looks after a difference."""
    refusal = _not_open(state, key, TAKE)
    if refusal:
        return refusal
    return [] if state.taken.get(key) == person else [DifferenceTaken(key=key, person=person)]


def answer(
    state: ReconciliationState, key: UUID, kind: AnswerKind, reason: str, person: str, known: Known | None
) -> Outcome:
    """A named person answers a difference. `known`: what is known of its message by now."""
    refusal = _not_open(state, key, ANSWER)
    if refusal or state.told is None:
        return refusal or _wrong_state(state, ANSWER)
    about = state.differences[key]
    allowed = KINDS[about.kind].answers(state.told.side)
    if kind not in allowed:
        return Refusal("reconciliation.answer_not_possible", {"kind": about.kind, "allowed": list(allowed)})
    if kind == "agreed_since" and not _agreed(about, known):
        return Refusal("reconciliation.not_agreed", {"theirs": _sums(about.theirs or Figures())})
    answered = DifferenceAnswered(
        key=key,
        answer=kind,
        answered_by=person,
        reason=reason,
        claim_id=about.claim_id,
        pharmacy=about.pharmacy,
        insurer=state.told.insurer,
        postings=_postings(about, kind, state.told),
    )
    events: list[DomainEvent] = [answered]
    if len(state.open_differences) == 1:
        events.append(DayClosed(how="accepted"))
    return events


def _postings(about: Difference, kind: AnswerKind, told: TotalsCompared) -> tuple[Posting, ...]:
    """An insurer pays funds and accounts of a total, a payment provider all of it."""
    if ANSWERS[kind].books == "-" or about.pharmacy is None:
        return ()
    missing = about.missing
    fen = missing.total if told.side == "provider" else missing.fund + missing.account
    return difference_postings(fen, about.pharmacy, told.insurer)


def _agreed(about: Difference, known: Known | None) -> bool:
    item = known.item if known else None
    return item is not None and about.theirs == Figures.of(item)


def _not_open(state: ReconciliationState, key: UUID, trigger: str) -> Refusal | None:
    if not RECONCILIATION_TRANSITIONS.allows(state.state, trigger):
        return _wrong_state(state, trigger)
    if key not in state.differences:
        return Refusal("reconciliation.difference_unknown", {"msgid": str(key)})
    if key in state.answers:
        return Refusal("reconciliation.answered", {"answer": state.answers[key].answer})
    return None


def _wrong_state(state: ReconciliationState, trigger: str) -> Refusal:
    return Refusal("reconciliation.wrong_state", {"state": state.state, "trigger": trigger})


def _sums(figures: Figures) -> Mapping[str, int]:
    return figures.model_dump()
