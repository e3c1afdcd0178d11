"""A shortage from its first sign to its end, as its authorities, a prescriber and a follower see it over HTTP."""

from datetime import timedelta
from pathlib import Path
from typing import Any

from contracts.events.shortage_responses import TransferProposed
from services.shortage.api import router
from tests.support.http_caller import Caller
from tests.unit.shortage.conftest import DRUG, HANGZHOU, HOUR, NINGBO
from tests.unit.shortage.responses import DAY, Shortage
from tests.unit.shortage.test_live_detection import short_lines, tick
from tests.unit.shortage.test_responses_api import Desk


def test_empty_shelves_and_short_filled_orders_open_grade_escalate_and_resolve_a_case(tmp_path: Path) -> None:
    world = Shortage()
    store, desk = world.store, Desk(Caller(world.store, router, tmp_path))
    hint = {"region": HANGZHOU, "drug_key": DRUG}
    case = f"/shortages/{world.id()}"

    def shown(path: str = case) -> Any:
        return desk.get("zhejiang", path).json()

    def hinted() -> Any:
        (found,) = desk.get("prescriber", "/shortage-hints", **hint).json()["items"]
        return found["shortages"]

    # short-filled orders alone: a suspicion, for the authority's eyes only
    short_lines(world)
    tick(world)
    assert (shown()["state"], shown()["sources"]) == ("suspected", ["order_lines"])
    assert shown()["events"], "the very lines it rests on"
    assert hinted() == []

    # three pharmacies out of stock: confirmed and graded, and whoever prescribes is told
    for pharmacy in ("P1", "P2", "P3"):
        world.unfilled(pharmacy, demand=f"line-{pharmacy}")
    assert (shown()["state"], shown()["grade"], shown()["owner_level"]) == ("confirmed", "III", "city")
    assert [row["grade"] for row in hinted()] == ["III"]

    # it spreads to a second city: worse at once, and the province's; what nobody does climbs to the next level
    world.unfilled("P4", NINGBO, demand="line-P4")
    assert (shown()["grade"], shown()["owner_level"]) == ("II", "province")
    store.move_clock(25 * HOUR)
    late = {task["kind"]: task for task in shown()["tasks"]}["report_upwards"]
    assert (late["owner_level"], late["escalations"]) == ("nation", 1)

    # packs go from a pharmacy that has some to one of its chain that turned somebody away
    for pharmacy in ("P9", "P1"):
        world.pharmacy(pharmacy)
    world.shelf("P9", 400, dispensed=2)
    (proposal,) = desk.post("zhejiang", f"{case}/transfers", {}).json()["proposals"]
    assert (proposal["from_pharmacy"], proposal["to_pharmacy"]) == ("P9", "P1")
    assert [row["kind"] for row in shown(f"{case}/responses")["items"]] == ["transfer"]
    assert [event.quantity for event in store.told_of(TransferProposed)] == [proposal["quantity"]]

    # nothing more is told: eased, resolved, and gone from the hints
    for _ in range(60):
        store.move_clock(DAY)
        store.move_clock(timedelta(seconds=1))
        if shown()["state"] == "resolved":
            break
    assert shown()["ended"]["ended_as"] == "resolved"
    assert hinted() == []
    changes = [row["change"] for row in desk.get("prescriber", "/shortage-changes").json()["items"]]
    assert changes[:2] == ["new", "changed"]
    assert changes[-1] == "ended"
    assert set(changes[2:-1]) <= {"eased"}
