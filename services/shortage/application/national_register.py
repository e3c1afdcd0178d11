"""What prescribe's register tells: which drug keys there are, who signs for an authority, and which institutions may
report."""

from __future__ import annotations

from contracts.envelope import Envelope
from contracts.events.prescribe import RegisterEntryRecorded
from contracts.registers import Drug
from services.seedwork.model import Loaded
from services.seedwork.reference import EntryState
from services.seedwork.register_loading import copy_entry
from services.seedwork.usecase import Decision, Moment, UseCase
from services.shortage.application.leaving import register_reporter
from services.shortage.application.officers import COPIES, OFFICER
from services.shortage.domain.known_drugs import DrugKnown, KnownDrugState, know_drug, known_drug_ref


def on_entry_recorded(event: RegisterEntryRecorded, _envelope: Envelope) -> UseCase:
    """A drug's key, the entry of somebody who signs for an authority, or of an institution; of others nothing is
    kept."""
    if event.kind == "drug":
        return _drug_known(event)
    if event.kind == "person":
        return _person_known(event)
    if event.kind == "institution":
        return register_reporter(event)
    return UseCase((), lambda _moment: Decision.nothing())


def _drug_known(event: RegisterEntryRecorded) -> UseCase:
    """It is known from now on, and stays so: of a drug that was withdrawn there is something to tell."""
    drug = Drug.model_validate(event.content)
    shown = drug.model_dump(include={"generic_name", "english_name", "form", "strength", "atc"})
    known = DrugKnown(drug_key=drug.drug_key, **shown)

    def decide(_moment: Moment, state: Loaded[KnownDrugState]) -> Decision:
        return Decision.on(state, know_drug(state.state, known))

    return UseCase((known_drug_ref(drug.drug_key),), decide)


def _person_known(event: RegisterEntryRecorded) -> UseCase:
    """Who no longer signs for an authority is known as one who does not."""
    copied = copy_entry(COPIES, event)

    def decide(moment: Moment, known: Loaded[EntryState]) -> Decision:
        if OFFICER not in event.content.get("professions", ()) and not known.exists:
            return Decision.nothing()
        decided: Decision = copied.decide(moment, known)  # type: ignore[assignment]
        return decided

    return UseCase(copied.streams, decide)
