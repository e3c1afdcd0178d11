"""All rendered files: what each should say now, and which do not."""

from __future__ import annotations

from pathlib import Path

from rxflow.docs.asyncapi import asyncapi_document
from rxflow.docs.audit import audit_page
from rxflow.docs.issuing import issuing_page
from rxflow.docs.openapi import openapi_documents
from rxflow.docs.reference import errors_page, rates_page, roles_page, settings_page, topology_page
from rxflow.docs.schemas import CONTRACTS, as_text
from rxflow.docs.screening import screening_page
from rxflow.docs.services import policies_page, privacy_page, transitions_page
from rxflow.docs.shortage import shortage_page
from rxflow.docs.simulation import simulation_page
from rxflow.docs.webhooks import webhooks_page

DOCS = CONTRACTS.parent / "docs"


def rendered() -> dict[str, str]:
    """path below `docs/` -> text."""
    pages = {
        "audit.md": audit_page(),
        "errors.md": errors_page(),
        "issuing.md": issuing_page(),
        "roles.md": roles_page(),
        "rates.md": rates_page(),
        "screening.md": screening_page(),
        "shortage.md": shortage_page(),
        "simulation.md": simulation_page(),
        "topology.md": topology_page(),
        "settings.md": settings_page(),
        "transitions.md": transitions_page(),
        "policies.md": policies_page(),
        "privacy.md": privacy_page(),
        "webhooks.md": webhooks_page(),
        "asyncapi.json": as_text(asyncapi_document()),
    }
    return pages | {f"openapi/{name}.json": as_text(document) for name, document in openapi_documents().items()}


def outdated(docs: Path = DOCS) -> list[str]:
    """Rendered files that are missing or say something else than the code."""
    return [name for name, text in rendered().items() if not _says(docs / name, text)]


def render(docs: Path = DOCS) -> list[str]:
    """Writes what is outdated; which files that were."""
    written = []
    for name, text in rendered().items():
        if not _says(docs / name, text):
            (docs / name).parent.mkdir(parents=True, exist_ok=True)
            (docs / name).write_text(text, encoding="utf-8")
            written.append(name)
    return written


def _says(path: Path, text: str) -> bool:
    return path.is_file() and path.read_text(encoding="utf-8") == text
