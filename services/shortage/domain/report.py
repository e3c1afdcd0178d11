"""Reports of shortage monitoring: a pure function of the own log up to a log index, policy and algorithm version.

No clock and no machine is in it, so that the same instant gives the same bytes for ever: also after late commits, which
have a greater log index, and after a rebuild. Beside every figure stand its formula and its inputs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from hashlib import sha256
from typing import Any, Literal

import orjson

from services.seedwork.calendar import civil_day
from services.seedwork.clock import from_micros
from services.seedwork.model import CLASS_VERSION, upcast
from services.shortage.domain.case import CASE, CaseState
from services.shortage.domain.events import CaseSuspected
from services.shortage.domain.regions import covers

CASE_ROWS_MAX = 20_000
"""Events of cases that one report is made from."""
DRUGS_MAX = 5_000
Kind = Literal["weekly", "dashboard", "cases"]
EVENTS = {event.TOPIC: event for event in CASE.events}
GRADES = ("I", "II", "III", "IV")


@dataclass(frozen=True)
class Question:
    """Which report: of a region node, over days that are both inclusive, as it was known at an instant."""

    kind: Kind
    region: str
    first: date
    last: date
    as_of: datetime
    log_index: int
    """Sealed by that instant."""
    jurisdiction: str
    policy: str
    algorithm: str
    """Of the formula in force on the day of the instant (`report_formulas`)."""


@dataclass(frozen=True)
class Facts:
    """What the log held: events of cases in its order, base units by drug and kind, reporters."""

    cases: Sequence[Mapping[str, Any]]
    supply: Sequence[Mapping[str, Any]]
    reporters: Mapping[str, Any]


def build(question: Question, facts: Facts) -> dict[str, Any]:
    """The report as plain values; `canonical` makes its bytes."""
    return _build(question, facts, _case)


def build_with_lists(question: Question, facts: Facts) -> dict[str, Any]:
    """As `build`, and of each case what the lists say of its drug, as it was graded last; none: not graded yet."""
    return _build(question, facts, _case_with_lists)


def _build(
    question: Question, facts: Facts, case: Callable[[CaseState, CaseSuspected], dict[str, Any]]
) -> dict[str, Any]:
    states = [state for state in folded(facts.cases) if covers(question.region, _region(state))]
    shown = [case(state, state.suspected) for state in states if state.suspected]
    shown.sort(key=lambda row: (row["suspected_at"], row["case_id"]), reverse=True)
    drugs = _drugs(facts.supply)
    report: dict[str, Any] = {
        "report": f"shortage_{question.kind}",
        "algorithm": question.algorithm,
        "jurisdiction": question.jurisdiction,
        "policy": question.policy,
        "region": question.region,
        "first": question.first.isoformat(),
        "last": question.last.isoformat(),
        "as_of": _instant(question.as_of),
        "log_index": question.log_index,
        "freshness": _freshness(facts.reporters),
        "completeness": _completeness(facts.reporters),
        "figures": _figures(states, drugs, question),
    }
    if question.kind != "cases":
        report["drugs"] = drugs
    if question.kind != "dashboard":
        report["cases"] = shown
    return report


def canonical(report: Mapping[str, Any]) -> bytes:
    """One form of bytes: keys sorted, UTF-8, no spaces."""
    return orjson.dumps(report, option=orjson.OPT_SORT_KEYS)


def digest(content: bytes) -> str:
    return sha256(content).hexdigest()


def folded(rows: Iterable[Mapping[str, Any]]) -> list[CaseState]:
    """The cases out of their events, in the order in which they began."""
    states: dict[Any, CaseState] = {}
    for row in rows:
        kind, state = EVENTS[row["topic"]], dict(row["state"])
        event = kind.model_validate(upcast(kind, state, state.pop(CLASS_VERSION, 1)))
        states[row["case_id"]] = CASE.evolve(states.get(row["case_id"], CASE.initial), event)
    return list(states.values())


def rate(filled: int, wanted: int) -> str | None:
    """In hundredths of a percent, rounded half up, as text: no float. None: nothing was wanted, which is unknown."""
    if wanted == 0:
        return None
    basis = (filled * 20_000 + wanted) // (2 * wanted)
    return f"{basis // 100}.{basis % 100:02d}"


def _region(state: CaseState) -> str:
    return state.suspected.region if state.suspected else ""


def _case(state: CaseState, suspected: CaseSuspected) -> dict[str, Any]:
    confirmed, ended = state.confirmed, state.ended
    return {
        "case_id": str(suspected.case_id),
        "drug_key": suspected.drug_key,
        "region": suspected.region,
        "state": state.status,
        "grade": state.grade.value if state.grade else None,
        "owner_level": state.owner_level.value if state.owner_level else None,
        "anticipated": state.anticipated,
        "sources": sorted(state.sources),
        "pharmacies": state.evidence.pharmacies if state.evidence else 0,
        "demands": state.evidence.demands if state.evidence else 0,
        "previous_case": str(suspected.previous_case) if suspected.previous_case else None,
        "suspected_at": _instant(suspected.suspected_at),
        "confirmed_at": _instant(confirmed.confirmed_at) if confirmed else None,
        "expected_until": state.restored_by.isoformat() if state.restored_by else None,
        "ended_at": _instant(ended.ended_at) if ended else None,
        "ended_as": ended.ended_as if ended else None,
        "open_responses": len(state.responses),
        "open_tasks": len(state.tasks),
    }


def _case_with_lists(state: CaseState, suspected: CaseSuspected) -> dict[str, Any]:
    inputs = state.inputs
    return {
        **_case(state, suspected),
        "drug_class": inputs.drug_class.value if inputs else None,
        "nationally_listed": inputs.nationally_listed if inputs else None,
    }


def _drugs(supply: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """How well each drug was supplied in these days."""
    by_drug: dict[str, dict[str, tuple[int, int]]] = {}
    for row in supply:
        counts = by_drug.setdefault(row["drug_key"], {})
        counts[row["kind"]] = (int(row["filled"]), int(row["wanted"]))
    return [_drug(name, counts) for name, counts in sorted(by_drug.items())]


def _drug(name: str, counts: Mapping[str, tuple[int, int]]) -> dict[str, Any]:
    ordered, dispensed, unfilled = (counts.get(kind, (0, 0)) for kind in ("ordered", "dispensed", "unfilled"))
    asked = dispensed[0] + unfilled[1]
    return {
        "drug_key": name,
        "order_fill_percent": rate(*ordered),
        "orders_filled": ordered[0],
        "orders_wanted": ordered[1],
        "demand_fill_percent": rate(dispensed[0], asked),
        "dispensed": dispensed[0],
        "unfilled": unfilled[1],
    }


def _figures(states: Sequence[CaseState], drugs: Sequence[Mapping[str, Any]], question: Question) -> list[Any]:
    confirmed = [state for state in states if state.status == "confirmed"]
    ended = [state.ended for state in states if state.ended]
    inside = [each for each in ended if question.first <= civil_day(each.ended_at) <= question.last]
    false = [each for each in inside if each.ended_as.startswith("dismissed")]
    new = [state for state in states if state.confirmed and _within(state.confirmed.confirmed_at, question)]
    again = [state for state in new if state.suspected and state.suspected.previous_case]
    ordered = (sum(row["orders_filled"] for row in drugs), sum(row["orders_wanted"] for row in drugs))
    asked = (sum(row["dispensed"] for row in drugs), sum(row["dispensed"] + row["unfilled"] for row in drugs))
    return [
        *(_count(f"confirmed_grade_{grade}", [s for s in confirmed if s.grade == grade]) for grade in GRADES),
        _count("suspected", [state for state in states if state.status == "suspected"]),
        _count("new_in_period", new),
        _count("back_again_in_period", again),
        _count("ended_in_period", inside),
        _count("dismissed_in_period", false),
        _share(
            "order_fill_percent", "filled / (requested - cancelled), base units, lines placed in the period", ordered
        ),
        _share("demand_fill_percent", "dispensed / (dispensed + unfilled), base units", asked),
    ]


def _within(moment: datetime, question: Question) -> bool:
    return question.first <= civil_day(moment) <= question.last


def _count(name: str, found: Sequence[Any]) -> dict[str, Any]:
    return {"name": name, "value": len(found), "formula": "count of cases", "inputs": {"cases": len(found)}}


def _share(name: str, formula: str, counts: tuple[int, int]) -> dict[str, Any]:
    return {
        "name": name,
        "value": rate(*counts),
        "formula": formula,
        "inputs": {"filled": counts[0], "wanted": counts[1]},
    }


def _freshness(reporters: Mapping[str, Any]) -> dict[str, Any]:
    newest = reporters["newest_at"]
    return {"newest_fact_recorded_at": _instant(from_micros(newest)) if newest is not None else None}


def _completeness(reporters: Mapping[str, Any]) -> dict[str, Any]:
    told, expected = int(reporters["told"]), int(reporters["expected"])
    return {
        "percent": rate(min(told, expected), expected),
        "formula": "pharmacies that told something about the period / pharmacies in the register and not suspended",
        "inputs": {"told": told, "expected": expected},
    }


def _instant(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()
