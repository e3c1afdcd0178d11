"""Transfers: whole packs, what is spare to what is needed, nearest first, checked against every possible plan."""

from __future__ import annotations

from itertools import product
from math import ceil

from hypothesis import given, settings
from hypothesis import strategies as st

from services.shortage.domain.transfer_plan import (
    OTHER_CHAIN_METRES,
    UNMET,
    Site,
    TransferRules,
    metres_between,
    plan_transfers,
)

RULES = TransferRules(keep_days=14, target_days=7, distance_metres_max=50_000, history_days=28, answer_days=3)


def site(name: str, free: int, usual: float | None, **changes: object) -> Site:
    usually = {"product": "X", "pack_size": 10, "chain": "A", "latitude": 30.0, "longitude": 120.0}
    return Site(pharmacy=name, region="330102", free=free, usual_per_day=usual, **{**usually, **changes})  # type: ignore[arg-type]


def test_what_is_spare_goes_where_it_lacks_in_whole_packs() -> None:
    # given: P1 keeps 14 days of 2, so 72 are spare: 7 packs; P2 wants 7 days of 5 and has 4: 31
    plan = plan_transfers([site("P1", 100, 2.0), site("P2", 4, 5.0)], RULES, by_order=False)

    (one,) = plan.proposals
    assert (one.from_pharmacy, one.to_pharmacy, one.packs, one.quantity) == ("P1", "P2", 4, 40)
    assert (plan.needed, plan.covered, plan.unknown) == (31, 31, 0)
    assert (one.explanation.free_from, one.explanation.kept_from) == (100, 28)
    assert (one.explanation.free_to, one.explanation.wanted_to) == (4, 31)


def test_packs_leave_their_chain_by_order_only() -> None:
    sites = [site("P1", 100, 0.0, chain="A"), site("P2", 0, 1.0, chain="B"), site("P3", 0, 1.0, chain=None)]
    assert plan_transfers(sites, RULES, by_order=False).proposals == ()
    ordered = plan_transfers(sites, RULES, by_order=True).proposals
    assert {(row.to_pharmacy, row.legal_ground) for row in ordered} == {
        ("P2", "authority_order"),
        ("P3", "authority_order"),
    }


def test_the_own_chain_comes_before_the_shorter_way() -> None:
    own = site("P1", 100, 0.0, chain="B", latitude=30.3)
    near = site("P2", 100, 0.0, chain="A")
    plan = plan_transfers([own, near, site("P3", 0, 1.0, chain="B")], RULES, by_order=True)
    assert [row.from_pharmacy for row in plan.proposals] == ["P1"]


def test_unknown_is_not_zero() -> None:
    # neither demand nor place nor pack size is guessed
    unknown = site("P1", 900, None)
    nowhere = site("P2", 900, 0.0, latitude=None)
    loose = site("P3", 900, 0.0, pack_size=None)
    far = site("P4", 900, 0.0, latitude=31.0)
    plan = plan_transfers([unknown, nowhere, loose, far, site("P9", 0, 1.0)], RULES, by_order=True)
    assert (plan.proposals, plan.unknown, plan.needed, plan.covered) == ((), 1, 7, 0)


def test_what_a_pharmacy_could_not_give_is_needed_though_it_has_no_shelf() -> None:
    lacking = site("P2", 0, 0.0, product="", pack_size=None, unfilled=12)
    (one,) = plan_transfers([site("P1", 100, 0.0), lacking], RULES, by_order=False).proposals
    assert (one.to_pharmacy, one.quantity, one.explanation.unfilled_to) == ("P2", 20, 12)


def test_metres_over_the_earth() -> None:
    assert metres_between((30.0, 120.0), (30.0, 120.0)) == 0
    assert abs(metres_between((31.2304, 121.4737), (30.2741, 120.1551)) - 164_700) < 1_500  # Shanghai, Hangzhou
    assert metres_between((0.0, 0.0), (0.0, 180.0)) == 20_015_087


small = st.integers(0, 6)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.tuples(small, st.booleans(), st.integers(0, 30)), min_size=1, max_size=2),
    st.lists(st.tuples(small, st.booleans()), min_size=1, max_size=2),
)
def test_no_plan_at_all_is_better(givers: list[tuple[int, bool, int]], takers: list[tuple[int, bool]]) -> None:
    """Every plan there is, priced by the same rule: unmet need first, then chain, then way."""
    given_ = [
        site(f"G{n}", packs * 10, 0.0, chain="A" if same else "B", latitude=30 + way / 100)
        for n, (packs, same, way) in enumerate(givers)
    ]
    taking = [site(f"T{n}", 0, units / 1.0, chain="A" if same else "B") for n, (units, same) in enumerate(takers)]
    wanted = [ceil((each.usual_per_day or 0) * RULES.target_days) for each in taking]

    plan = plan_transfers([*given_, *taking], RULES, by_order=True)

    pairs = [(one, other) for one in range(len(given_)) for other in range(len(taking))]
    most = [min(given_[one].free // 10, ceil(wanted[other] / 10)) for one, other in pairs]

    def price(packs: tuple[int, ...]) -> int | None:
        sent, got, cost = [0] * len(given_), [0] * len(taking), 0
        for (one, other), count in zip(pairs, packs, strict=True):
            sent[one] += count
            got[other] += count * 10
            far = metres_between((given_[one].latitude or 0, 120.0), (30.0, 120.0))
            leaves = given_[one].chain != taking[other].chain
            cost += count * (far + 1 + (OTHER_CHAIN_METRES if leaves else 0))
        if any(count > shelf.free // 10 for count, shelf in zip(sent, given_, strict=True)):
            return None
        return cost + UNMET * sum(max(0, need - came) for need, came in zip(wanted, got, strict=True))

    best = min(value for packs in product(*(range(each + 1) for each in most)) if (value := price(packs)) is not None)
    found = {(row.from_pharmacy, row.to_pharmacy): row.packs for row in plan.proposals}
    made = tuple(found.get((given_[one].pharmacy, taking[other].pharmacy), 0) for one, other in pairs)
    assert price(made) == best
