"""What the registers and the patient's record say, in the domain's words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

from contracts import registers as content
from services.prescribe.domain.patient_record import LEAVING, PatientState
from services.prescribe.domain.registers import Drug, Institution, Known, KnownPatient, Prescriber
from services.seedwork.reference import EntryState


def known(
    patient: PatientState, person: EntryState, institution: EntryState, drugs: Sequence[EntryState], day: date
) -> Known:
    """All that an issue is checked against, as it holds on this day."""
    return Known(
        prescriber=prescriber_entry(person, day),
        institution=_institution(institution, day),
        patient=_patient(patient),
        drugs={drug.code: drug for drug in (drug_entry(entry, day) for entry in drugs) if drug},
    )


def signing_keys(person: EntryState) -> tuple[content.SigningKey, ...]:
    """The public keys a person's register entry names."""
    known_person = person.read(content.Person)
    return known_person.keys if known_person else ()


def prescriber_entry(entry: EntryState, day: date) -> Prescriber | None:
    """What the register says of a doctor on this day."""
    person = entry.read(content.Person)
    if person is None:
        return None
    return Prescriber(
        code=entry.code,
        in_force=entry.in_force(day),
        professions=frozenset(person.professions),
        sites=_in_force(person.sites, "institution", day) | {person.organisation: True},
        rights=_in_force(person.dated_rights, "drug_class", day)
        | dict.fromkeys(map(str, person.prescribing_rights), True),
        antibacterial_levels=frozenset(
            str(right.level) for right in person.antibacterial_rights if right.in_force(day)
        ),
        title=person.title,
        specialties=frozenset(person.specialties),
        practising_since=person.practising_since,
    )


def _in_force(granted: Iterable[content.Dated], what: str, day: date) -> dict[str, bool]:
    """What is granted -> whether any of its grants holds that day."""
    found: dict[str, bool] = {}
    for grant in granted:
        name = str(getattr(grant, what))
        found[name] = found.get(name, False) or grant.in_force(day)
    return found


def _institution(entry: EntryState, day: date) -> Institution | None:
    institution = entry.read(content.Institution)
    if institution is None:
        return None
    return Institution(code=entry.code, in_force=entry.in_force(day), region=institution.region, kind=institution.kind)


def drug_entry(entry: EntryState, day: date) -> Drug | None:
    """What the register says of a product on this day."""
    drug = entry.read(content.Drug)
    if drug is None:
        return None
    return Drug(
        code=entry.code,
        in_force=entry.in_force(day),
        generic_name=drug.generic_name,
        form=drug.form,
        strength=drug.strength,
        base_unit=drug.base_unit,
        pack_size=drug.pack_size,
        splittable=drug.splittable,
        dose_unit=drug.dose_unit,
        dose_per_base_unit=drug.dose_per_base_unit,
        daily_dose_max=drug.daily_dose_max,
        drug_class=str(drug.drug_class),
        medicine_type=drug.medicine_type,
        antibacterial_level=str(drug.antibacterial_level) if drug.antibacterial_level else None,
        restricted_use=drug.restricted_use,
        deliverable=drug.deliverable,
        cold_chain=drug.cold_chain,
        atc=drug.atc,
        english_name=drug.english_name,
    )


def _patient(state: PatientState) -> KnownPatient | None:
    if state.identity is None:
        return None
    identity = state.identity
    return KnownPatient(
        name=identity.name,
        sex=identity.sex,
        birth_date=identity.birth_date,
        facts=state.facts,
        leaving=state.status == LEAVING,
    )
