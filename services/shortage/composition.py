"""What the shortage service is made of. It has a right to no personal data, and none reaches it."""

from __future__ import annotations

from services.seedwork.composition import Retained, Service
from services.seedwork.webhooks.endpoint import ENDPOINT
from services.shortage.application import responses
from services.shortage.application.detecting import judge_facts
from services.shortage.application.following import CHANGES
from services.shortage.application.heartbeat import HEARTBEAT
from services.shortage.application.intake import judge_signs
from services.shortage.application.lots import spread_lot
from services.shortage.application.officers import COPIES
from services.shortage.application.reactions import REACTIONS, TOGETHER
from services.shortage.application.reports import kept
from services.shortage.application.translation import TRANSLATE
from services.shortage.application.use_cases import (
    alert_silence,
    dismiss_quiet,
    end_reporting,
    escalate_tasks,
    judge_period,
)
from services.shortage.domain.allocation import ALLOCATION
from services.shortage.domain.case import CASE, PERIOD, QUIET, TASK
from services.shortage.domain.detector import DETECTOR
from services.shortage.domain.effect import EFFECT, MEASURE
from services.shortage.domain.integrity import INTEGRITY
from services.shortage.domain.known_drugs import KNOWN_DRUG
from services.shortage.domain.lots import LOT, SPREAD
from services.shortage.domain.orders import ORDER_SIGNALS
from services.shortage.domain.policy import POLICIES
from services.shortage.domain.protocol import PROTOCOL, UNTIL
from services.shortage.domain.report_issue import REPORT_ISSUE
from services.shortage.domain.reporter import LEAVE, REPORTER, SILENCE
from services.shortage.domain.reports import REPORTS
from services.shortage.domain.response import ANSWERABLE, RESPONSE
from services.shortage.domain.shelves import SHELVES
from services.shortage.domain.signals import SIGNALS
from services.shortage.domain.stop_notice import STOP_NOTICE
from services.shortage.domain.watch import FACTS, WATCH
from services.shortage.domain.watch import SIGNS as SIGNS_WAIT
from services.shortage.projections import (
    METADATA,
    facts,
    history,
    integrity,
    known_drugs,
    reporters,
    responses_list,
    supply,
    webhooks,
)
from services.shortage.projections.cases import SHORTAGE_CASES

SERVICE = Service(
    name="shortage",
    port=8105,
    aggregates=(
        LOT,
        SIGNALS,
        REPORTS,
        STOP_NOTICE,
        ORDER_SIGNALS,
        SHELVES,
        DETECTOR,
        CASE,
        PROTOCOL,
        ALLOCATION,
        RESPONSE,
        EFFECT,
        COPIES,
        INTEGRITY,
        KNOWN_DRUG,
        WATCH,
        REPORTER,
        REPORT_ISSUE,
        ENDPOINT,
    ),
    translate=TRANSLATE,
    react=REACTIONS,
    together=TOGETHER,
    timers={
        (LOT.name, SPREAD): spread_lot,
        (CASE.name, QUIET): dismiss_quiet,
        (CASE.name, PERIOD): judge_period,
        (CASE.name, TASK): escalate_tasks,
        (PROTOCOL.name, UNTIL): responses.end_protocol,
        (RESPONSE.name, ANSWERABLE): responses.end_response,
        (EFFECT.name, MEASURE): responses.measure_effect,
        (WATCH.name, SIGNS_WAIT): judge_signs,
        (WATCH.name, FACTS): judge_facts,
        (REPORTER.name, SILENCE): alert_silence,
        (REPORTER.name, LEAVE): end_reporting,
    },
    projections=(
        SHORTAGE_CASES,
        integrity.PROJECTION,
        known_drugs.PROJECTION,
        supply.PROJECTION,
        responses_list.PROJECTION,
        facts.PROJECTION,
        reporters.PROJECTION,
        history.PROJECTION,
        webhooks.PROJECTION,
    ),
    webhooks=CHANGES,
    jurisdictions=POLICIES.names,
    retained=(Retained(history.FACTS, history.OVER, kept),),
    heartbeat=HEARTBEAT,
    metadata=METADATA,
)
