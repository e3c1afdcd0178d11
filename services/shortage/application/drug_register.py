"""What prescribe's register of drugs tells: which drug keys there are."""

from __future__ import annotations

from contracts.envelope import Envelope
from contracts.events.prescribe import RegisterEntryRecorded
from contracts.registers import Drug
from services.seedwork.model import Loaded
from services.seedwork.usecase import Decision, Moment, UseCase
from services.shortage.domain.known_drugs import DrugKnown, KnownDrugState, know_drug, known_drug_ref


def on_drug_recorded(event: RegisterEntryRecorded, _envelope: Envelope) -> UseCase:
    """A drug's key is known from now on, and stays so: of a drug that was withdrawn there is something to tell."""
    if event.kind != "drug":
        return UseCase((), lambda _moment: Decision.nothing())
    drug = Drug.model_validate(event.content)
    shown = drug.model_dump(include={"generic_name", "english_name", "form", "strength", "atc"})
    known = DrugKnown(drug_key=drug.drug_key, **shown)

    def decide(_moment: Moment, state: Loaded[KnownDrugState]) -> Decision:
        return Decision.on(state, know_drug(state.state, known))

    return UseCase((known_drug_ref(drug.drug_key),), decide)
