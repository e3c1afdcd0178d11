"""Which packs should move from where to where: a transport problem over the pharmacies of a region.

What a pharmacy can spare is what is free on its shelf beyond its own cover; what it needs is its cover less what is
free. A pharmacy whose stock or demand nobody knows neither gives nor gets: unknown is not zero. Whole packs only.

As few as possible stay in need; among the plans that do that, those inside one chain and over short ways come first
(`scipy.optimize.linprog`, HiGHS, with whole numbers). Each proposal says what it followed from.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import asin, ceil, cos, radians, sin, sqrt
from typing import Any

from pydantic import Field

from services.seedwork.model import Immutable
from services.shortage.domain.values import LegalGround

EARTH_METRES = 6_371_000
SITES_MAX = 60
"""Givers, and takers, that one plan looks at: those with most to spare and with most in need."""
SECONDS_MAX = 5.0
ALGORITHM = "transport-1"
"""Changes with the meaning of a plan; it stands in each explanation."""
UNMET, OTHER_CHAIN_METRES = 10**7, 10**5
"""What one base unit of need that stays counts for, and what leaving the chain counts for beside the way."""


@dataclass(frozen=True, slots=True)
class Site:
    """A product on the shelf of one pharmacy, in base units. `usual_per_day`: what patients ask for, of the drug, in a
    day; None: nobody knows. `pack_size` None: not told, so that nothing of it can be sent."""

    pharmacy: str
    region: str
    product: str
    free: int
    usual_per_day: float | None
    unfilled: int = 0
    """What it could not give lately."""
    pack_size: int | None = None
    chain: str | None = None
    latitude: float | None = None
    longitude: float | None = None


class TransferRules(Immutable):
    """How much stays with whoever gives, and how much whoever needs gets. Dated policy."""

    keep_days: int = Field(gt=0, description="of its own cover, before a pharmacy gives anything")
    target_days: int = Field(gt=0, description="of cover, for whoever needs")
    distance_metres_max: int = Field(gt=0, description="further than this nothing is sent")
    history_days: int = Field(gt=0, description="usual demand and unfilled demand are counted over so many days")
    answer_days: int = Field(gt=0, description="a proposal may be answered for so long")


class Explanation(Immutable):
    """What a proposal followed from, so that whoever gets it can check it."""

    algorithm: str
    formula: str
    free_from: int
    kept_from: int
    free_to: int
    wanted_to: int
    usual_from: float
    usual_to: float
    unfilled_to: int
    distance_metres: int


class Proposal(Immutable):
    """Packs of one product from one pharmacy to another."""

    from_pharmacy: str
    to_pharmacy: str
    product: str
    packs: int
    quantity: int
    legal_ground: LegalGround
    explanation: Explanation


class TransferPlan(Immutable):
    """What should move, and what nobody can help with."""

    proposals: tuple[Proposal, ...]
    needed: int
    """Base units that pharmacies of the region need to reach their cover."""
    covered: int
    """Of them, what the proposals bring."""
    unknown: int
    """Pharmacies that could be looked at neither as giver nor as taker."""


@dataclass(frozen=True, slots=True)
class _Way:
    """One giver's shelf and one taker, and how many packs may go at most."""

    giver: int
    taker: int
    packs_max: int
    metres: int
    ground: LegalGround

    @property
    def cost(self) -> int:
        return self.metres + (0 if self.ground == "same_chain" else OTHER_CHAIN_METRES)


@dataclass(frozen=True, slots=True)
class _Need:
    """A pharmacy that lacks cover, over all its shelves of the drug."""

    at: Site
    free: int
    usual: float
    unfilled: int
    wanted: int


def plan_transfers(sites: Sequence[Site], rules: TransferRules, *, by_order: bool) -> TransferPlan:
    """The best plan. `by_order`: the authority orders it, so that packs may leave their chain."""
    known = [site for site in sites if site.usual_per_day is not None]
    needs = _needs(known, rules)
    needing = {need.at.pharmacy for need in needs}
    givers = _givers([site for site in known if site.pharmacy not in needing], rules)
    ways = list(_ways(givers, needs, rules, by_order=by_order))
    packs = _solve(ways, givers, needs)
    proposals = tuple(
        _proposal(way, count, givers, needs, rules) for way, count in zip(ways, packs, strict=True) if count
    )
    sent: dict[str, int] = {}
    for proposal in proposals:
        sent[proposal.to_pharmacy] = sent.get(proposal.to_pharmacy, 0) + proposal.quantity
    return TransferPlan(
        proposals=proposals,
        needed=sum(need.wanted for need in needs),
        covered=sum(min(need.wanted, sent.get(need.at.pharmacy, 0)) for need in needs),
        unknown=len({site.pharmacy for site in sites} - {site.pharmacy for site in known}),
    )


def metres_between(one: tuple[float, float], other: tuple[float, float]) -> int:
    """The shortest way over the earth, degrees in, whole metres out."""
    (phi, lam), (phi_2, lam_2) = (tuple(map(radians, place)) for place in (one, other))
    half = sin((phi_2 - phi) / 2) ** 2 + cos(phi) * cos(phi_2) * sin((lam_2 - lam) / 2) ** 2
    return round(2 * EARTH_METRES * asin(min(1.0, sqrt(half))))


def _needs(sites: Sequence[Site], rules: TransferRules) -> list[_Need]:
    by_pharmacy: dict[str, list[Site]] = {}
    for site in sites:
        by_pharmacy.setdefault(site.pharmacy, []).append(site)
    needs = []
    for shelves in by_pharmacy.values():
        at = min(shelves, key=lambda site: site.product)
        free, usual = sum(site.free for site in shelves), at.usual_per_day or 0.0
        unfilled = max(site.unfilled for site in shelves)
        wanted = max(ceil(usual * rules.target_days), unfilled) - free
        if wanted > 0:
            needs.append(_Need(at, free, usual, unfilled, wanted))
    return sorted(needs, key=lambda need: (-need.wanted, need.at.pharmacy))[:SITES_MAX]


def _givers(sites: Sequence[Site], rules: TransferRules) -> list[tuple[Site, int]]:
    """Shelves with whole packs beyond their own cover, and how many packs each. The cover of a pharmacy with several
    products is kept on each of them: it gives less rather than too much."""
    spare = [(site, (site.free - _kept(site, rules)) // (site.pack_size or 1)) for site in sites if site.pack_size]
    can = [(site, packs) for site, packs in spare if packs > 0]
    return sorted(can, key=lambda row: (-row[1] * (row[0].pack_size or 1), row[0].pharmacy, row[0].product))[:SITES_MAX]


def _kept(site: Site, rules: TransferRules) -> int:
    return ceil((site.usual_per_day or 0.0) * rules.keep_days)


def _ways(givers: Sequence[tuple[Site, int]], needs: Sequence[_Need], rules: TransferRules, *, by_order: bool) -> Any:
    for giver, (site, spare) in enumerate(givers):
        for taker, need in enumerate(needs):
            same = site.chain is not None and site.chain == need.at.chain
            if not (same or by_order):
                continue
            metres = _metres(site, need.at)
            if metres is None or metres > rules.distance_metres_max:
                continue
            packs_max = min(spare, ceil(need.wanted / (site.pack_size or 1)))
            yield _Way(giver, taker, packs_max, metres, "same_chain" if same else "authority_order")


def _metres(one: Site, other: Site) -> int | None:
    places = (one.latitude, one.longitude, other.latitude, other.longitude)
    if any(place is None for place in places):
        return None
    latitude, longitude, latitude_2, longitude_2 = (place or 0.0 for place in places)
    return metres_between((latitude, longitude), (latitude_2, longitude_2))


def _solve(ways: Sequence[_Way], givers: Sequence[tuple[Site, int]], needs: Sequence[_Need]) -> list[int]:
    """Packs by way. Variables: packs of each way, then what stays of each need; all rows are `<=`."""
    if not ways:
        return []
    import numpy as np  # noqa: PLC0415 - only who plans pays for it
    from scipy.optimize import linprog  # noqa: PLC0415

    count, lacking = len(ways), len(needs)
    cost = [way.cost + 1 for way in ways] + [UNMET] * lacking
    rows = np.zeros((len(givers) + lacking, count + lacking))
    limits = [float(packs) for _, packs in givers] + [-float(need.wanted) for need in needs]
    for place, way in enumerate(ways):
        rows[way.giver, place] = 1
        rows[len(givers) + way.taker, place] = -(givers[way.giver][0].pack_size or 1)
    for place in range(lacking):
        rows[len(givers) + place, count + place] = -1
    bounds = [(0, way.packs_max) for way in ways] + [(0, None)] * lacking
    found = linprog(
        cost,
        A_ub=rows,
        b_ub=limits,
        bounds=bounds,
        method="highs",
        integrality=[1] * count + [0] * lacking,
        options={"time_limit": SECONDS_MAX, "mip_rel_gap": 0},
    )
    return [round(value) for value in found.x[:count]] if found.x is not None else [0] * count


def _proposal(
    way: _Way, packs: int, givers: Sequence[tuple[Site, int]], needs: Sequence[_Need], rules: TransferRules
) -> Proposal:
    site, need = givers[way.giver][0], needs[way.taker]
    explanation = Explanation(
        algorithm=ALGORITHM,
        formula=(
            f"spare = free - {rules.keep_days} d x usual; "
            f"wanted = max({rules.target_days} d x usual, unfilled) - free; whole packs, least unmet, then same chain, "
            "then shortest way"
        ),
        free_from=site.free,
        kept_from=_kept(site, rules),
        free_to=need.free,
        wanted_to=need.wanted,
        usual_from=site.usual_per_day or 0.0,
        usual_to=need.usual,
        unfilled_to=need.unfilled,
        distance_metres=way.metres,
    )
    return Proposal(
        from_pharmacy=site.pharmacy,
        to_pharmacy=need.at.pharmacy,
        product=site.product,
        packs=packs,
        quantity=packs * (site.pack_size or 1),
        legal_ground=way.ground,
        explanation=explanation,
    )
