"""`rxflow replay-audit`: past supplies looked at again with a set of audit rules that is not in force yet."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date
from pathlib import Path

from pydantic import ValidationError
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from rxflow.replaying import PastStreams, Report
from services.insurance.composition import SERVICE
from services.insurance.domain.audit.case import audit_of
from services.insurance.domain.audit.findings import AuditFinding
from services.insurance.domain.audit.history import history_of
from services.insurance.domain.audit.prescription import prescription_ref
from services.insurance.domain.audit.replay import Past, Replayed, replay
from services.insurance.domain.audit.rules import RuleSet
from services.insurance.domain.claim import CLAIM, ClaimState
from services.insurance.domain.claim_events import ClaimOpened
from services.insurance.domain.recalled_lots import recalled_lots_ref
from services.seedwork.settings import Settings

SHOWN_MAX = 50
DIFFERS = 1
NOT_READABLE = 2
FIRST_ATTEMPT = 1


def replay_audit(
    console: Console, errors: Console, settings: Settings, path: Path, since: date, out: Path | None
) -> int:
    """The exit status: 0 nothing would differ, 1 something would, 2 the rules cannot be read."""
    try:
        candidate = RuleSet.model_validate_json(path.read_bytes())
    except (ValidationError, OSError) as error:
        errors.print(str(error), style="red", markup=False)
        return NOT_READABLE
    counts: Counter[str] = Counter()
    table = Table("claim", "state", "new or vanished", title=f"{candidate.version} against what was found")
    head = {"rules": candidate.version, "since": since.isoformat()}
    past = PastStreams(settings, SERVICE, ClaimOpened.TOPIC, since)
    with past, Progress(console=console, transient=True) as progress, Report(out, head) as report:
        task = progress.add_task("claims", total=past.count())
        for page in past.pages():
            progress.advance(task, len(page))
            for each in _pasts(past, [loaded.state for loaded in past.load([CLAIM.ref(claim) for claim in page])]):
                again = replay(each, candidate)
                if again is None:  # pragma: no cover - the streams begin by being opened
                    continue
                counts[again.status] += 1
                if again.status == "differs":
                    report.add(again.as_json())
                    if counts["differs"] <= SHOWN_MAX:
                        table.add_row(str(again.as_json()["claim_id"]), each.claim.state, _changes(again))
        report.totals(counts)
    if table.row_count:
        console.print(table)
    told = ", ".join(f"{counts[name]} {name}" for name in ("same", "differs", "uninsured", "uncounted"))
    console.print(f"{counts.total()} supplies: {told}")
    return DIFFERS if counts["differs"] else 0


def _pasts(past: PastStreams, claims: list[ClaimState]) -> Iterator[Past]:
    """The first claim of each supply with what stands beside it."""
    for claim in claims:
        opened = claim.opened
        if opened is None or opened.attempt != FIRST_ATTEMPT or claim.policy_date is None:
            continue
        year, patient, supply = claim.policy_date.year, opened.patient_ref, opened.supply
        products = tuple(dict.fromkeys(line.product for line in opened.lines))
        case, prescription, this, last, *lots = past.load(
            [
                audit_of(supply.supply_id),
                prescription_ref(supply.prescription_id),
                history_of(patient, year),
                history_of(patient, year - 1),
                *(recalled_lots_ref(product) for product in products),
            ]
        )
        recalls = {product: found.state for product, found in zip(products, lots, strict=True)}
        yield Past(claim, case.state, prescription.state, this.state, last.state, recalls)


def _changes(again: Replayed) -> str:
    return "\n".join([_told("+", each) for each in again.new] + [_told("-", each) for each in again.vanished])


def _told(sign: str, finding: AuditFinding) -> str:
    return f"{sign} {finding.grade} {finding.rule} {list(finding.lines)}"
