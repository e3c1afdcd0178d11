"""Pages out of the tables that all services share: errors, roles, topology, settings."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import Any

from pydantic.fields import FieldInfo

from contracts.errors import CATALOGUE, Problem
from contracts.events import EVENTS
from contracts.rates import RATES
from contracts.roles import PATIENTS_ALONE, RIGHTS, SCOPES, Role
from contracts.topology import (
    DEAD_LETTER_EXCHANGE,
    DELIVERY_LIMIT,
    EXCHANGE,
    FAMILIES,
    POISON_QUEUE,
    PORTS,
    UNROUTED_EXCHANGE,
    UNROUTED_QUEUE,
    queue_name,
)
from rxflow.docs.markdown import code, codes, page, table
from services.seedwork import settings
from services.seedwork.settings import Settings

OTHER_VARIABLES = {
    "RXFLOW_TOKEN": "`rxflow load`: the bearer token to use; without it the development issuer makes one",
    "RXFLOW_COURIER_SECRET": "`rxflow courier`: the webhook secret shared with the courier",
    "RXFLOW_REQUIRE_SERVERS": "tests: 1 makes a missing PostgreSQL or RabbitMQ a failure; `.ci/run` sets it",
    "RXFLOW_TEST_DATABASE_URL": "tests: the PostgreSQL server they may make databases on; local defaults are tried",
    "RXFLOW_TEST_BROKER_URL": "tests: the RabbitMQ broker they may make virtual hosts on; local defaults are tried",
    "RXFLOW_TEST_PROFILE": "tests: how many examples the property tests try",
    "RXFLOW_FAULTS_PRESCRIPTIONS": "tests: how many prescriptions run while processes are killed",
    "RXFLOW_FAULTS_FIGURES": "tests: a file that takes the figures of the runs with kills",
    "RXFLOW_SOAK_SUPPLIES": "tests: how many supplies the long soak with the simulated insurer lives through",
    "RXFLOW_BENCH_PRESCRIPTIONS": "benchmarks: how many prescriptions retail's figures are measured beside",
    "RXFLOW_BENCH_INTAKE_SHARE": "benchmarks: which share of its sizes intake is measured at, for a try",
    "RXFLOW_TEST_SEED": "tests: the seed of the property tests",
    "RXFLOW_SUPERVISED": "set by the supervisor for its children: the pipe that tells them when it is gone",
    "RXFLOW_VERSION": "`docker-compose.yml`: tag of the image",
    "RXFLOW_SITE": "`docker-compose.yml`: host name the edge serves",
    "RXFLOW_UID": "`docker-compose.yml`: user of our containers",
    "RXFLOW_GID": "`docker-compose.yml`: group of our containers",
}
"""Variables that are no settings of a process. A test compares the names with the tree."""


_ERRORS = (
    "Every problem a service answers with is `application/problem+json` (RFC 9457) with a `code` out of this "
    "catalogue. Clients branch on `code`: codes never change. A *final* refusal is kept and answered again, "
    "unchanged, to a repeat under the same `Idempotency-Key`; the others are not kept, so a repeat is tried anew."
)


def errors_page() -> str:
    """The error catalogue, by area."""
    areas: dict[str, list[Problem]] = defaultdict(list)
    for problem in CATALOGUE.values():
        areas[problem.code.partition(".")[0]].append(problem)
    parts = [_ERRORS]
    for area in sorted(areas):
        rows = (
            (code(each.code), each.status, "yes" if each.final else "no", each.title, each.meaning)
            for each in sorted(areas[area], key=lambda each: each.code)
        )
        parts += [f"## {area}", table(("code", "status", "final", "title", "meaning"), rows)]
    return page("Errors", *parts)


def roles_page() -> str:
    """Who may do what."""
    rights = ((code(right), codes(sorted(role.value for role in holders))) for right, holders in RIGHTS.items())
    roles = (
        (code(role.value), codes(right for right, holders in RIGHTS.items() if role in holders) or "nothing")
        for role in Role
    )
    scopes = ((code(scope.value), codes(sorted(given))) for scope, given in SCOPES.items())
    return page(
        "Roles and rights",
        "A token has one role. An endpoint asks for one right; whose records the bearer sees (own patients, own "
        "pharmacy, own region) is decided with the record. In the OpenAPI documents `x-right` names the right of "
        "each operation.",
        "## Right by right",
        table(("right", "roles"), rights),
        "## Role by role",
        table(("role", "may"), roles),
        "## What a representative may do",
        "The token of a representative (代理人, 监护人) names the patient (`patient_ref`). Each request is answered as "
        "to the patient where an appointment of this account is in force today and its scope gives the right; it is "
        "looked at again with the save, and what is recorded names both: `<account> for patient <patient_ref>`. "
        "Prescribe obeys an appointment and its withdrawal at once, the others as soon as they hear of it. Who may be "
        "appointed, by whom and for how long: [policies](policies.md) (`representatives`).",
        table(("scope", "rights"), scopes),
        "The patient's alone:",
        table(("right", "why"), ((code(right), why) for right, why in PATIENTS_ALONE.items())),
    )


def rates_page() -> str:
    """Who may ask how often."""
    parts: list[str] = []
    for service, rates in RATES.items():
        classes = ((code(each.name), code(f"{each.method} {each.path}"), each.meaning) for each in rates.classes)
        rows = []
        for name, other in rates.others.items():
            named = rates.rates.get(name, {}).items()
            rows += [(code(name), code(role.value), f"{rate.per_second:g}", rate.burst) for role, rate in named]
            rows.append((code(name), "everybody else", f"{other.per_second:g}", other.burst))
        parts += [
            f"## {service}",
            table(("class", "requests, the first that matches", "why"), classes),
            table(("class", "kind of actor", "per second", "at once"), rows),
        ]
    return page(
        "Rates",
        "Each actor has a bucket of its own per class of requests: so many at once, then so many a second. Who asks "
        "more often is answered with 429, `rate.exceeded` and `Retry-After`; nothing is decided and nobody else is "
        "kept waiting. What is of no class named here is `read`. `RXFLOW_RATE_FACTOR` multiplies all of them. Each "
        "api process counts by itself. Wrong codes are counted and locked beside this, in the record.",
        *parts,
    )


def topology_page() -> str:
    """Exchanges, queues, families, ports."""
    families = (
        (
            code(family.name),
            family.producer,
            codes(name for name, event in sorted(EVENTS.items()) if family.name == event.FAMILY),
            codes(queue_name(consumer, family.name) for consumer in family.consumers),
        )
        for family in FAMILIES
    )
    places = (
        (code(EXCHANGE), "topic, durable", "every event; the routing key is the family"),
        (
            code(UNROUTED_EXCHANGE),
            "fanout, durable",
            f"alternate of {EXCHANGE}; fills {code(UNROUTED_QUEUE)}, an alarm",
        ),
        (
            code(DEAD_LETTER_EXCHANGE),
            "durable",
            f"what exceeds {DELIVERY_LIMIT} deliveries; fills {code(POISON_QUEUE)}",
        ),
    )
    return page(
        "Topology",
        "Every service declares all of it at start, so nothing published is unroutable only because a consumer has "
        "not been started yet. A consumer takes a family whole, because numbers are contiguous per stream.",
        "## Families",
        table(("family", "producer", "events", "queues"), families),
        "## Exchanges",
        table(("exchange", "kind", "what goes there"), places),
        "## Ports",
        table(("service", "api listens on"), PORTS.items()),
    )


def settings_page() -> str:
    """What a process can be told."""
    meanings = setting_meanings()
    rows = (
        (code(variable(name)), meanings[variable(name)], _type(field), code(_default(field)) or "none")
        for name, field in Settings.model_fields.items()
    )
    return page(
        "Settings",
        "Environment variables, checked once at start; a wrong one stops the process with its reason. No service asks "
        "which database or broker it runs on.",
        table(("variable", "meaning", "type", "default"), rows),
        "## Other variables",
        table(("variable", "meaning"), ((code(name), meaning) for name, meaning in OTHER_VARIABLES.items())),
    )


def variable(field: str) -> str:
    return f"RXFLOW_{field.upper()}"


def setting_meanings() -> dict[str, str]:
    """variable -> meaning, out of the table in the settings' own docstring."""
    rows = re.findall(r"^\| (RXFLOW_[^|]*)\|([^|]*)\|", settings.__doc__ or "", flags=re.MULTILINE)
    return {name.strip(): meaning.strip() for names, meaning in rows for name in names.split(",")}


def _type(field: FieldInfo) -> str:
    annotation: Any = field.annotation
    name = (
        annotation.__name__ if isinstance(annotation, type) and not hasattr(annotation, "__args__") else str(annotation)
    )
    name = name.replace("typing.", "").replace("pathlib.", "")
    bounds = {"ge": ">=", "gt": ">", "le": "<=", "lt": "<", "min_length": "length >="}
    told = [
        f"{sign} {getattr(mark, bound)}"
        for mark in field.metadata
        for bound, sign in bounds.items()
        if getattr(mark, bound, None) is not None
    ]
    return ", ".join([code(name), *told])


def _default(field: FieldInfo) -> str:
    value = field.get_default(call_default_factory=True)
    if isinstance(value, bool):
        return str(int(value))
    return "" if value is None else str(value)
