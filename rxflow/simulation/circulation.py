"""What must hold of a prescription over all of its instalments, and whom it waits for; see `invariants`."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from uuid import UUID

from rxflow.simulation.books import AllBooks, Books
from services.dispatch.domain.fulfilment.aggregate import FULFILMENTS
from services.dispatch.domain.fulfilment.state import FulfilmentState
from services.dispatch.domain.prescription_content import CONTENTS
from services.dispatch.domain.values import Bucket
from services.prescribe.domain.prescription import PRESCRIPTION, PrescriptionState, fulfilment_id
from services.review.domain.case import CASE, case_id
from services.review.domain.case_transitions import OPEN

Fulfilments = Mapping[UUID, FulfilmentState]
Buckets = Mapping[int, Mapping[str, int]]
"""By line and bucket."""
ENDS_NOTHING = "answer_due"
"""The only deadline of a prescription that tells somebody something and ends nothing."""


def opened_is_prescribed(dispatch: Books) -> Iterator[str]:
    """The instalments of a prescription together are no more than was prescribed, and only one of them is free to be
    held."""
    instalments: defaultdict[UUID, list[FulfilmentState]] = defaultdict(list)
    for found in dispatch.states(FULFILMENTS):
        instalments[found.prescription_id].append(found)
    for content in dispatch.states(CONTENTS):
        if content.content is None:
            continue
        name = content.content.prescription_id
        prescribed = {line.line: line.quantity for line in content.content.lines}
        opened: Counter[int] = Counter()
        for each in instalments[name]:
            opened.update({line: row.buckets.prescribed for line, row in each.lines.items()})
        if any(quantity > prescribed.get(line, 0) for line, quantity in opened.items()):
            yield f"prescription {name}: {dict(opened)} were opened in instalments, {prescribed} prescribed"
        free = [each.instalment for each in instalments[name] if any(r.buckets.remaining for r in each.lines.values())]
        if len(free) > 1:
            yield f"prescription {name}: the instalments {sorted(free)} are free at the same time"


def both_know_the_same(prescription: PrescriptionState, fulfilments: Fulfilments) -> Iterator[str]:
    """prescribe and dispatch know the same quantities in the same buckets of every instalment, and the same end."""
    name = prescription.signed.prescription_id
    running = []
    for number in prescription.windows:
        found = fulfilments.get(fulfilment_id(name, number))
        if found is None:
            yield f"prescription {name}: instalment {number} was opened, and dispatch has none"
            continue
        if found.status != "closed":
            running.append(found)
        told = {line: {b.value: row.buckets.of(b) for b in Bucket} for line, row in found.lines.items()}
        opened = prescription.parts.known_to_dispatch(number)
        known = {line: {b.value: row.of(b.value) for b in Bucket} for line, row in opened.items()}
        untold = {} if found.status == "closed" else _lapsed_untold(told, known)
        if told != {line: {**row, **untold.get(line, {})} for line, row in known.items()}:
            yield f"prescription {name} instalment {number}: dispatch says {told}, prescribe knows {known}"
    for number in prescription.unopened:
        rows = prescription.parts.instalments[number]
        if any(row.total != row.remaining + row.cancelled + row.lapsed for row in rows.values()):
            yield f"prescription {name}: instalment {number} never opened, and is {rows}"
    if prescription.windows:
        if prescription.ended:  # what a patient brought back is replaced for a while, whatever has ended
            running = [each for each in running if not each.replaceables]
        if prescription.ended == bool(running or prescription.to_come):
            runs = [each.instalment for each in running]
            yield f"prescription {name} is {prescription.status}; {runs} run, {prescription.to_come} to come"


def _lapsed_untold(told: Buckets, known: Buckets) -> Buckets:
    """What could be replaced and was not in time is told when all is over, not before: so much of each line may have
    moved on."""
    rows = {}
    for line, row in known.items():
        moved = row["replaceable"] - told.get(line, row)["replaceable"]
        if moved > 0:
            rows[line] = {"replaceable": row["replaceable"] - moved, "lapsed": row["lapsed"] + moved}
    return rows


def urgent_was_told(prescription: PrescriptionState) -> Iterator[str]:
    """Whoever has what was cancelled urgently has been told to stop using it."""
    for request in prescription.cancellations:
        left = {row.line: row.refused for row in request.lines if row.refused}
        told = prescription.stop_use.get(request.request_id)
        if (
            request.urgent
            and request.final
            and left
            and (told is None or {r.line: r.quantity for r in told.notified.lines} != left)
        ):
            yield f"prescription {prescription.signed.prescription_id}: {left} are in hands, the notice says {told}"


def requests_are_answered(books: AllBooks) -> Iterator[str]:
    """When the clock has passed every deadline, whoever asked to cancel has had the last word on it, by both."""
    for state in books["prescribe"].states(PRESCRIPTION):
        for request in state.cancellations:
            if not request.final:
                yield f"request {request.request_id} to cancel {state.signed.prescription_id} is still {request.answer}"
    for found in books["dispatch"].states(FULFILMENTS):
        for asked in found.cancellations.values():
            if not asked.final:
                yield f"fulfilment {found.fulfilment_id} has not answered the request {asked.request_id} to cancel"


def ends_or_waits(books: AllBooks) -> Iterator[str]:
    """Every prescription has ended, or names whom it waits for: a pharmacist, its prescriber, a pharmacy, a courier,
    the patient or the clock; and but for a courier on the road a deadline runs that ends it."""
    fulfilments = {state.fulfilment_id: state for state in books["dispatch"].states(FULFILMENTS)}
    for state in books["prescribe"].states(PRESCRIPTION):
        if state.current is None or state.ended:
            continue
        name = state.signed.prescription_id
        open_ones = [fulfilments[each] for each in state.fulfilments if each in fulfilments]
        waits_for = sorted(set(_whom(state, open_ones, books["review"])))
        if not waits_for:
            yield f"prescription {name} is {state.status} and waits for nobody"
        deadlines = {kind for kind in PRESCRIPTION.next_due(state) if kind != ENDS_NOTHING}
        deadlines |= {kind for each in open_ones for kind in FULFILMENTS.next_due(each)}
        if not deadlines and "courier" not in waits_for:
            yield f"prescription {name} is {state.status}, waits for {waits_for}, and no deadline ends it"


def _whom(state: PrescriptionState, fulfilments: list[FulfilmentState], review: Books) -> Iterator[str]:
    signed = state.signed
    if state.status == "issued":
        case = review.streams.get(case_id(signed.prescription_id, signed.revision, signed.confirmation_no))
        if case is not None and case.aggregate is CASE and case.state.status in OPEN:
            yield "reviewer"
    elif state.status == "returned":
        yield "prescriber"
    if state.to_come and state.windows:
        yield "clock"
    for found in fulfilments:
        supplies = {supply.status for supply in found.supplies.values()}
        if supplies & {"with_courier", "partly_received"}:  # of these, what was rejected is on its way back
            yield "courier"
        to_replace = any(row.buckets.replaceable for row in found.lines.values())
        if "dispensed" in supplies or any(found.running_holds()) or to_replace:
            yield "pharmacy"
        free = {line for line, row in found.lines.items() if row.buckets.remaining}
        if free:
            yield "prescriber" if free <= found.blocked_lines else "patient"
