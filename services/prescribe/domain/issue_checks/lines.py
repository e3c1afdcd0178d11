"""The lines: how many, of what, together with what, and how they are to be used."""

from __future__ import annotations

from services.prescribe.domain.issue_checks.written import Written
from services.seedwork.model import Refusal
from services.seedwork.wording import phrase_in


def line_count(written: Written) -> Refusal | None:
    """N3.3: one to five drugs, one per line, numbered from 1; herbal pieces are as many as the recipe has."""
    lines, most = written.content.lines, written.policy.lines_max[written.content.medicine_kind]
    if not 1 <= len(lines) <= most:
        return Refusal("line.count", {"lines": len(lines), "max": most})
    if [line.line for line in lines] != list(range(1, len(lines) + 1)):
        return Refusal("line.numbering", {"lines": [line.line for line in lines]})
    if len({line.product for line in lines}) < len(lines):
        return Refusal("line.drug_twice", {"products": [line.product for line in lines]})
    return None


def drugs_known(written: Written) -> Refusal | None:
    """N3.4: each drug by a code of the register, in force today."""
    for line in written.content.lines:
        drug = written.known.drugs.get(line.product)
        if drug is None:
            return Refusal("drug.unknown", {"line": line.line, "product": line.product})
        if not drug.in_force:
            return Refusal("drug.not_in_force", {"line": line.line, "product": line.product})
    return None


def medicine_kind(written: Written) -> Refusal | None:
    """N3.2: herbal pieces (中药饮片) stand on a prescription of their own (处方管理办法 §6)."""
    kind = written.content.medicine_kind
    for line, drug in written.lines():
        if drug.medicine_type not in written.policy.medicine_types[kind]:
            facts = {"line": line.line, "medicine_type": drug.medicine_type, "medicine_kind": kind}
            return Refusal("line.medicine_kind", facts)
    return None


def written_alone(written: Written) -> Refusal | None:
    """N3.2: so do injections of herbs (中药注射剂; 医疗机构处方审核规范 §13)."""
    policy = written.policy
    for group in policy.written_alone:
        members = [line.line for line, drug in written.lines() if policy.belongs(drug, group)]
        if members and len(members) < len(written.content.lines):
            return Refusal("line.written_alone", {"lines": members, "group": group.name})
    return None


def clear_directions(written: Written) -> Refusal | None:
    """N3.5: dose and use are stated; `as directed` (遵医嘱, 自用) is forbidden."""
    for line in written.content.lines:
        said = (line.route, line.dose_unit, line.instructions, line.herb_note)
        phrase = phrase_in(written.policy.forbidden_phrases, *said)
        if phrase:
            return Refusal("line.as_directed", {"line": line.line, "phrase": phrase})
    return None


def infusion(written: Written) -> Refusal | None:
    """A8: what is mixed goes into another line of this prescription; a solvent has a name and a volume."""
    numbers = {line.line for line in written.content.lines}
    for line in written.content.lines:
        if line.mixed_with is not None and line.mixed_with not in numbers - {line.line}:
            return Refusal("line.mixed_with", {"line": line.line, "mixed_with": line.mixed_with})
        if (line.solvent is None) != (line.solvent_ml is None):
            return Refusal("line.solvent", {"line": line.line})
    return None
