"""Recalled lots are kept with their product, once."""

import json
from pathlib import Path

from contracts.events.dispatch_stock import LotRecalled
from services.insurance.composition import SERVICE
from services.insurance.domain.recalled_lots import recalled_lots_ref
from tests.support.store_in_memory import StoreInMemory

EXAMPLE = Path(__file__).parents[4] / "contracts" / "examples" / "dispatch.lot_recalled.v1.json"


def test_recalled_lots_are_kept_with_their_product_once() -> None:
    told = LotRecalled.model_validate(json.loads(EXAMPLE.read_text()))
    store = StoreInMemory(SERVICE, told.recalled_at)
    for _ in range(2):
        store.react(told)

    (kept,) = store.state(recalled_lots_ref(told.product)).recalls
    assert (kept.lots, kept.recall_class, store.log_index) == (("L1",), "2", 1)
