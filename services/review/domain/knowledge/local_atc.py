"""Which ATC codes are those of local preparations: of a drug's codes only those count that a line's route can have.

The ATC index gives a substance a code for each way of use: eye drops of aciclovir are S01AD03, its tablets J05AB01.
Source: WHO Collaborating Centre for Drug Statistics Methodology, Guidelines for ATC classification, by main group. Left
out are groups that mix local and general use (A01, A07, N01B, R02, D01B and D05B to swallow).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

ROUTES_OF_LOCAL: Mapping[str, frozenset[str]] = {
    "C05A": frozenset({"rectal", "topical"}),
    "D01A": frozenset({"topical"}),
    "D02": frozenset({"topical"}),
    "D03A": frozenset({"topical"}),
    "D04": frozenset({"topical"}),
    "D05A": frozenset({"topical"}),
    "D06": frozenset({"topical"}),
    "D07": frozenset({"topical"}),
    "D08": frozenset({"topical"}),
    "D09": frozenset({"topical"}),
    "D10A": frozenset({"topical"}),
    "D11A": frozenset({"topical"}),
    "G01": frozenset({"vaginal", "topical"}),
    "M02A": frozenset({"topical", "transdermal"}),
    "R01A": frozenset({"nasal"}),
    "R03A": frozenset({"inhaled"}),
    "R03B": frozenset({"inhaled"}),
    "S01": frozenset({"ophthalmic"}),
    "S02": frozenset({"otic"}),
    "S03": frozenset({"ophthalmic", "otic"}),
}
"""Start of an ATC code -> the routes of the knowledge base's words it is used by."""
SYSTEMIC_BUT = ("D11AH",)
"""Of these groups, codes that are swallowed or injected all the same (agents for atopic dermatitis: dupilumab)."""


def local_routes(atc: str) -> frozenset[str] | None:
    """The routes of a local preparation's code; None: the code says nothing about the route."""
    if atc.startswith(SYSTEMIC_BUT):
        return None
    found = (routes for start, routes in ROUTES_OF_LOCAL.items() if atc.startswith(start))
    return next(found, None)


def of_route(codes: Iterable[str], route: str | None, atc: str = "") -> tuple[str, ...]:
    """The codes of a drug that count for this route: local ones of the route, else those that say nothing about it.

    Without a route the line's own code tells whether it is a local preparation, and of what kind. Where neither tells,
    and where nothing would be left, all codes count: what is not known is not taken away.
    """
    every = tuple(codes)
    if route is not None:
        routes = frozenset({route})
    elif atc in every:
        routes = local_routes(atc) or frozenset()
    else:
        return every
    local = tuple(code for code in every if (local_routes(code) or frozenset()) & routes)
    general = tuple(code for code in every if local_routes(code) is None)
    return local or general or every
