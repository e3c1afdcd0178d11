"""Members, assistance identities and filings in bulk, row by row (`contracts.insured`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from contracts.insured import AssistanceRow, FilingRow, MemberRow, PeriodRow
from services.insurance.application.members import decide_member
from services.insurance.application.registers import INSURANCE_REGISTER
from services.insurance.domain.accumulator import Counted, YearFigures, accumulator_of
from services.insurance.domain.dated_status import AssistanceIdentity, Filing, import_assistance, import_filing
from services.insurance.domain.member import MEMBER_TRANSITIONS, ImportMember, MemberFacts, MemberState, member_of
from services.seedwork.forgotten import forgotten_ref
from services.seedwork.model import Outcome, Refusal, StreamRef
from services.seedwork.reference import EntryState, entry
from services.seedwork.row_imports import Books, Importing, import_rows
from services.seedwork.usecase import Moment, UseCase

Row = TypeVar("Row", AssistanceRow, FilingRow)


def member_word(row: MemberRow) -> ImportMember:
    """The row as the command that takes it over."""
    figures = YearFigures(
        deductible_used=row.deductible_used,
        pooled_paid=row.pooled_paid,
        burden=row.burden,
        funds=row.funds,
        counters={name: Counted(**found.model_dump()) for name, found in row.counters.items()},
    )
    facts = row.model_dump(include={*MemberFacts.model_fields} & {*MemberRow.model_fields})
    return ImportMember(patient_ref=row.patient_ref, as_of=row.as_of, facts=MemberFacts(**facts), figures=figures)


def import_members(rows: Sequence[Mapping[str, Any]]) -> UseCase:
    """Who is insured with whom, and where they stand in the year."""

    def streams(row: MemberRow) -> tuple[StreamRef[Any], ...]:
        return member_of(row.patient_ref), accumulator_of(row.patient_ref, row.as_of.year)

    def facts(row: MemberRow) -> tuple[StreamRef[Any], ...]:
        return entry(INSURANCE_REGISTER, "insurer", row.insurer), forgotten_ref(row.patient_ref)

    def book(row: MemberRow, books: Books, _moment: Moment) -> Outcome:
        member, accumulator = streams(row)
        insurer, forgotten = facts(row)
        if books.state(forgotten).forgotten:
            return Refusal("patient.forgotten")
        known: EntryState = books.state(insurer)
        decided = decide_member(member_word(row), books.state(member), books.state(accumulator), known)
        if isinstance(decided, Refusal):
            return decided
        books.add(member, decided.of_member)
        books.add(accumulator, decided.of_year)
        return decided.of_member + decided.of_year

    return import_rows(Importing(MemberRow, streams, facts, book), rows)


def import_assistances(rows: Sequence[Mapping[str, Any]]) -> UseCase:
    """Who has an assistance identity (医疗救助身份), from when until when."""

    def said(row: AssistanceRow, member: MemberState) -> Outcome:
        content = AssistanceIdentity(**_content(row, AssistanceIdentity))
        return import_assistance(member.assistances, row.patient_ref, row.as_of, content)

    return _import_periods(AssistanceRow, "ImportAssistance", said, rows)


def import_filings(rows: Sequence[Mapping[str, Any]]) -> UseCase:
    """Who has filed for care out of area (异地就医备案), for where, from when until when."""

    def said(row: FilingRow, member: MemberState) -> Outcome:
        return import_filing(member.filings, row.patient_ref, row.as_of, Filing(**_content(row, Filing)))

    return _import_periods(FilingRow, "ImportFiling", said, rows)


def _content(row: PeriodRow, form: type[Filing] | type[AssistanceIdentity]) -> dict[str, Any]:
    return row.model_dump(include=set(form.model_fields))


def _import_periods(
    form: type[Row], trigger: str, said: Callable[[Row, MemberState], Outcome], rows: Sequence[Mapping[str, Any]]
) -> UseCase:
    def book(row: Row, books: Books, _moment: Moment) -> Outcome:
        ref = member_of(row.patient_ref)
        member: MemberState = books.state(ref)
        if books.state(forgotten_ref(row.patient_ref)).forgotten:
            return Refusal("patient.forgotten")
        if not MEMBER_TRANSITIONS.allows(member.state, trigger):
            return Refusal("member.unknown")
        outcome = said(row, member)
        if not isinstance(outcome, Refusal):
            books.add(ref, outcome)
        return outcome

    return import_rows(
        Importing(form, lambda row: (member_of(row.patient_ref),), lambda row: (forgotten_ref(row.patient_ref),), book),
        rows,
    )
