"""A beat of the heartbeat, and whether a report shows what came of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from services.seedwork.calendar import civil_day
from services.seedwork.clock import to_micros
from services.seedwork.composition import Cadence, Heartbeat
from services.seedwork.model import Refusal
from services.seedwork.usecase import Answer, Change, Decision, Find, Load, Moment, UseCase
from services.shortage.application.lots import take_unfilled
from services.shortage.application.nodes import Loading
from services.shortage.application.reports import SETTLED, supply_days
from services.shortage.domain.case import case_id, case_ref
from services.shortage.domain.commands import DismissCase
from services.shortage.domain.decisions import dismiss_case
from services.shortage.domain.heartbeat import COUNTY, beat_signals, case_nodes, heartbeat_key
from services.shortage.domain.policy import POLICIES
from services.shortage.domain.regions import node_at
from services.shortage.domain.report import CASE_ROWS_MAX, DRUGS_MAX, Facts, Question
from services.shortage.domain.report_formulas import formula_of, formula_on

Row = Mapping[str, Any]


def beat_steps(beat: datetime, jurisdiction: str) -> list[UseCase]:
    """The demands of one beat, taken as a batch of pharmacies' would be."""
    policy = POLICIES.on(civil_day(beat), jurisdiction)
    return [take_unfilled(beat_signals(beat, beat, policy))]


def see_beat(beat: datetime) -> UseCase:
    """Whether the report of the heartbeat's node shows its case; then its cases end, and `seen` is true."""
    drug_key = heartbeat_key(beat)

    def decide(moment: Moment) -> Loading[Decision]:
        policy = POLICIES.on(civil_day(moment.now), moment.jurisdiction)
        if drug_key not in (yield from _reported(moment, node_at(COUNTY, policy.case_region_level), policy.version)):
            return Decision.nothing(Answer(200, {"seen": False}))
        refs = [case_ref(case_id(drug_key, node, 1)) for node in case_nodes(policy)]
        loaded = yield Load(tuple(refs))
        over = []
        for case in loaded:
            command = DismissCase(case_id=case.stream_id, reason="heartbeat")
            outcome = dismiss_case(case.state, command, moment.now, authority="")
            if not isinstance(outcome, Refusal):
                over.append(Change(case, tuple(outcome)))
        return Decision(tuple(over), Answer(200, {"seen": True}))

    return UseCase((), decide)


def _reported(moment: Moment, node: str, policy: str) -> Loading[set[str]]:
    """The drugs with a case in the very report that an authority of this node would get now."""
    instant = moment.now - SETTLED
    (sealed,) = yield Find("sealed_by", {"moment": to_micros(instant)})  # type: ignore[misc]
    last = civil_day(instant)
    question = Question(
        kind="cases",
        region=node,
        first=last - timedelta(days=6),
        last=last,
        as_of=instant,
        log_index=min(int(sealed["log_index"]), int(sealed["shown"])),
        jurisdiction=moment.jurisdiction,
        policy=policy,
        algorithm=formula_on(civil_day(instant)).version,
    )
    at = {"log_index": question.log_index, "within": node}
    days, since = supply_days(question)
    cases: Sequence[Row] = yield Find("cases_at", {**at, "since": since, "limit": CASE_ROWS_MAX})  # type: ignore[misc]
    if not cases:
        return set()  # nothing to be seen: the counts need not be made every few seconds
    supply: Sequence[Row] = yield Find("supply_at", {**at, **days, "limit": DRUGS_MAX})  # type: ignore[misc]
    (reporters,) = yield Find("reporters_at", {**at, **days})  # type: ignore[misc]
    content = formula_of(question).build(question, Facts(cases, supply, reporters))
    return {row["drug_key"] for row in content["cases"]}


def cadence(jurisdiction: str, now: datetime) -> Cadence:
    policy = POLICIES.on(civil_day(now), jurisdiction)
    return Cadence(timedelta(minutes=policy.heartbeat_minutes), timedelta(minutes=policy.heartbeat_limit_minutes))


HEARTBEAT = Heartbeat(cadence=cadence, steps=beat_steps, seen=see_beat)
