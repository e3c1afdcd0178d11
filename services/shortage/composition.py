"""What the shortage service is made of. It has a right to no personal data, and none reaches it."""

from __future__ import annotations

from services.seedwork.composition import Service
from services.shortage.application.reactions import REACTIONS
from services.shortage.application.translation import TRANSLATE
from services.shortage.application.use_cases import dismiss_quiet, escalate_tasks, judge_period
from services.shortage.domain.case import CASE, PERIOD, QUIET, TASK
from services.shortage.domain.detector import DETECTOR
from services.shortage.domain.integrity import INTEGRITY
from services.shortage.domain.orders import ORDER_SIGNALS
from services.shortage.domain.policy import POLICIES
from services.shortage.domain.reports import REPORTS
from services.shortage.domain.signals import SIGNALS
from services.shortage.domain.stop_notice import STOP_NOTICE
from services.shortage.projections import METADATA, integrity
from services.shortage.projections.cases import SHORTAGE_CASES

SERVICE = Service(
    name="shortage",
    port=8105,
    aggregates=(SIGNALS, REPORTS, STOP_NOTICE, ORDER_SIGNALS, DETECTOR, CASE, INTEGRITY),
    translate=TRANSLATE,
    react=REACTIONS,
    timers={
        (CASE.name, QUIET): dismiss_quiet,
        (CASE.name, PERIOD): judge_period,
        (CASE.name, TASK): escalate_tasks,
    },
    projections=(SHORTAGE_CASES, integrity.PROJECTION),
    jurisdictions=POLICIES.names,
    metadata=METADATA,
)
