"""What the lists of the jurisdiction say of drugs: class and lists, by date; loaded row by row, obeyed when grading."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from contracts.supply_reports import ListedRow
from services.seedwork.calendar import civil_day
from services.seedwork.model import Outcome, Refusal
from services.seedwork.usecase import Decision, Load, Moment, UseCase
from services.shortage.application.import_books import Books, opened
from services.shortage.application.import_rows import Read, answered, counted, refused, too_many
from services.shortage.application.nodes import Loading
from services.shortage.domain.known_drugs import DrugListed, known_drug_ref, list_drug
from services.shortage.domain.policy import POLICIES, ShortagePolicy
from services.shortage.domain.values import DrugClass, DrugList


def import_lists(rows: Sequence[Read]) -> UseCase:
    """Rows of lists. What they say counts from their day on, of cases that are open when they are judged next."""
    if refusal := too_many(rows):
        return refused(refusal)

    def decide(moment: Moment) -> Loading[Decision]:
        drugs = [known_drug_ref(each.row.drug_key) for each in rows if each.row is not None]
        books = yield from opened(drugs, ())
        answers = [answered(read.key, read if read.row is None else _listed(read.row, books)) for read in rows]
        return Decision(books.changes(moment.now), counted(answers))

    return UseCase((), decide)


def _listed(row: ListedRow, books: Books) -> Outcome:
    drug = known_drug_ref(row.drug_key)
    listed = DrugListed(
        drug_key=row.drug_key,
        drug_class=DrugClass(row.drug_class),
        lists=tuple(sorted({DrugList(word) for word in row.lists.split("|") if word})),
        valid_from=row.valid_from,
        valid_until=row.valid_until,
        source=row.source,
    )
    outcome = list_drug(books.state(drug), listed)
    if not isinstance(outcome, Refusal):
        books.add(drug, outcome)
    return outcome


def knowing(policy: ShortagePolicy, drug_key: str, now: datetime) -> Loading[ShortagePolicy]:
    """The policy with what the lists say of this drug today."""
    (drug,) = yield Load.of(known_drug_ref(drug_key))
    return policy.knowing(drug_key, drug.state.profile(civil_day(now)))


def policy_of(drug_key: str, moment: Moment) -> Loading[ShortagePolicy]:
    """What holds of this drug today."""
    return (yield from knowing(POLICIES.on(civil_day(moment.now), moment.jurisdiction), drug_key, moment.now))
