"""What must hold of demands that pharmacies could not meet; see `invariants`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from rxflow.simulation.books import AllBooks
from services.dispatch.domain.stock.events import DemandUnfilled
from services.dispatch.domain.stock.item import STOCK_ITEMS
from services.shortage.domain.detector import DETECTOR
from services.shortage.domain.heartbeat import is_heartbeat
from services.shortage.domain.lots import LOT, DemandsCounted, UnfilledTaken


def unfilled_is_known(books: AllBooks) -> Iterator[str]:
    """A demand that a pharmacy could not meet is known to shortage monitoring, counted once, and no other is."""
    told = {
        (event.pharmacy, event.drug_key, event.demand_key)
        for events in books["dispatch"].histories(STOCK_ITEMS)
        for event in events
        if isinstance(event, DemandUnfilled)
    }
    known = {
        (row.pharmacy, row.drug_key, row.demand_key)
        for events in books["shortage"].histories(LOT)
        for event in events
        if isinstance(event, UnfilledTaken)
        for row in event.rows.rows()
        if not is_heartbeat(row.drug_key)
    }
    for pharmacy, drug_key, _ in sorted(told ^ known):
        yield f"{pharmacy} could not meet a demand for {drug_key}; only one of dispatch and shortage knows"
    for events in books["shortage"].histories(DETECTOR):
        rows = [row for event in events if isinstance(event, DemandsCounted) for row in event.rows.rows()]
        # the same demand may be tried once more, at another moment: both are kept, and counts are of demands
        tries = Counter((r.pharmacy, r.drug_key, r.demand_key, r.occurred_at) for r in rows)
        for (pharmacy, drug_key, *_), count in tries.items():
            if count > 1:
                yield f"{pharmacy} could not meet one demand for {drug_key}, and it counts {count} times"
