"""The limits of prescribing: dated data of one jurisdiction, not constants."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import Field

from services.prescribe.domain.registers import Drug
from services.prescribe.domain.values import IntentKind, MedicineKind
from services.seedwork.model import Immutable
from services.seedwork.policies import DatedPolicy, read_policies

VisitKind = Literal["outpatient", "emergency"]
RecordKind = Literal["ordinary", "psychotropic_2", "toxic", "psychotropic_1", "narcotic", "dispensed", "online_visit"]
"""Why a prescription must be kept: the classes of its drugs, that something was handed out, how the visit was held."""
OTHER_FORM = "other"
"""The group of a form that the policy does not name."""


class Limit(Immutable):
    """A limit that a written reason raises, up to an end."""

    usual: int = Field(ge=1)
    with_reason: int = Field(ge=1)


class LongTerm(Immutable):
    """Long-term supply (长期处方): how long, when an assessment is needed, how instalments open, what is excluded."""

    days_usual: int = Field(ge=1)
    days_max: int = Field(ge=1)
    """With a written assessment and the patient's signature."""
    instalment_days_max: int = Field(ge=1)
    lead_days: int = Field(ge=0)
    """Before what was supplied is used up, unless the plan names fewer."""
    open_days: int = Field(ge=1)
    """How long a later instalment may be held."""
    visit_kinds: frozenset[VisitKind]
    """Where it may be prescribed: an emergency has days of its own, no plan goes past them."""
    excluded_classes: frozenset[str]
    excluded_atc: tuple[str, ...]
    """Leading characters of ATC codes."""
    cold_chain_excluded: bool

    def excludes(self, drug_class: str, atc: str, *, cold_chain: bool) -> bool:
        anti_infective = atc.startswith(self.excluded_atc) if self.excluded_atc else False
        return drug_class in self.excluded_classes or anti_infective or (cold_chain and self.cold_chain_excluded)


class DoseFrequency(Immutable):
    """What a code of frequency means: `times` doses in each `per_days` days; as needed, or one dose only."""

    times: int = Field(default=1, ge=1, le=24)
    per_days: int = Field(default=1, ge=1, le=31)
    as_needed: bool = False
    once: bool = False

    def doses(self, days: int) -> int:
        """In so many days, beginning with the first; each dose of a period is taken on a day of its own."""
        if self.once:
            return 1
        periods, rest = divmod(days, self.per_days)
        return periods * self.times + min(self.times, rest)


class DrugGroup(Immutable):
    """Drugs by what the register says of them: every criterion that is given holds. Empty: no criterion."""

    name: str
    drug_classes: frozenset[str] = frozenset()
    medicine_types: frozenset[str] = frozenset()
    atc: tuple[str, ...] = ()
    not_atc: tuple[str, ...] = ()
    generic_names: tuple[str, ...] = ()
    """Parts of the name: salts and forms are written with it."""
    not_generic_names: tuple[str, ...] = ()
    forms: frozenset[str] = frozenset()


class AmountLimit(DrugGroup):
    """How much of a class may be written at once. `diagnoses`: the limit of those who have one of these diseases."""

    diagnoses: tuple[str, ...] = ()
    days: Limit | None = None
    single_dose: bool = False
    daily_doses_max: int | None = None
    """As many times the largest dose of a day (极量) that the register names."""


class Antibacterials(Immutable):
    """Rights by level; `levels` from the freest to the most restricted."""

    levels: tuple[str, ...]
    titles: dict[str, str]
    """level -> the lowest title that may prescribe it"""
    never_outpatient: frozenset[str]
    beyond_level_days: int
    """In an emergency one level beyond the own right, for so many days, with a reason."""


class OnlineVisits(Immutable):
    """What a prescription out of an online visit needs."""

    return_visits_only: bool
    excluded_classes: frozenset[str]
    guardian_below_years: int
    guardian_specialties: frozenset[str]
    practice_years_min: int
    authorisation_no: bool


class RepresentativeKind(Immutable):
    """Who becomes a representative of this kind by whose word, and for how long; `source`: law, or local policy."""

    appointed_by: Literal["patient", "institution"]
    for_minors: bool
    """For patients who are not of age: it ends by itself the day before they are. Otherwise for those who are."""
    days_max: int | None = Field(default=None, ge=1)
    source: str


class Representatives(Immutable):
    """Who may act for a patient (代理, 监护)."""

    adult_from_years: int = Field(ge=0)
    """From this birthday on people decide for themselves, and may decide for others."""
    max_at_once: int = Field(ge=1)
    begins_within_days: int = Field(ge=0)
    kinds: dict[str, RepresentativeKind]


class Policy(DatedPolicy):
    """What holds from one day on, until the next entry of the file."""

    version: str
    sources: dict[str, str] = Field(default_factory=dict)
    """Field -> the paragraphs its rows rest on, where `source` is not precise enough."""
    lines_max: dict[MedicineKind, int]
    medicine_types: dict[MedicineKind, frozenset[str]]
    """Which types of medicine stand on which kind of prescription."""
    written_alone: tuple[DrugGroup, ...]
    tcm_diagnosis_for: frozenset[MedicineKind]
    forbidden_phrases: tuple[str, ...]
    diagnosis_pattern: str
    form_groups: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """Group -> parts of the names of its forms; the first group that fits."""
    frequencies: dict[str, DoseFrequency]
    split_packs: bool
    days: dict[VisitKind, Limit]
    amounts: tuple[AmountLimit, ...]
    """The first one that fits a drug and the patient's diagnoses counts."""
    validity_days: Limit
    never_circulate: frozenset[str]
    never_delivered: tuple[DrugGroup, ...]
    titles: dict[str, int] = Field(default_factory=dict)
    """title -> its rank, where a rule asks for one"""
    antibacterials: Antibacterials | None = None
    institution_visits: dict[str, frozenset[Literal["in_person", "online"]]]
    """Kind of institution -> the visits it may hold."""
    weight_below_days: int = Field(ge=0)
    """Younger patients are prescribed for by a weight that is stated."""
    online_visits: OnlineVisits | None = None
    insurance_kinds: frozenset[IntentKind]
    disease_code_pattern: str
    self_pay_reasons: frozenset[str]
    amendments_max: int = Field(ge=0)
    cancellation_answer_minutes: int = Field(ge=1)
    cancellations_max: int = Field(ge=1)
    forgetting_wait_hours: int = Field(ge=1)
    """From the request until the patient is forgotten: nothing undoes it, and by then every list has followed."""
    records_kept_years: dict[RecordKind, int]
    """From the last day of validity; a prescription that is of several kinds is kept for the longest."""
    representatives: Representatives | None = None
    """None: nobody acts for a patient here."""
    long_term: LongTerm | None = None
    """None: the jurisdiction has no supply in instalments."""

    def is_diagnosis(self, code: str) -> bool:
        return re.fullmatch(self.diagnosis_pattern, code) is not None

    def form_group(self, form: str) -> str:
        """The group of a drug's form, by its name."""
        return next(
            (group for group, parts in self.form_groups.items() if any(part in form for part in parts)), OTHER_FORM
        )

    def belongs(self, drug: Drug, group: DrugGroup) -> bool:
        """Whether a drug is one of a group."""
        return (
            (not group.drug_classes or drug.drug_class in group.drug_classes)
            and (not group.medicine_types or drug.medicine_type in group.medicine_types)
            and (not group.atc or drug.atc.startswith(group.atc))
            and not (group.not_atc and drug.atc.startswith(group.not_atc))
            and (not group.generic_names or any(name in drug.generic_name for name in group.generic_names))
            and not any(name in drug.generic_name for name in group.not_generic_names)
            and (not group.forms or self.form_group(drug.form) in group.forms)
        )

    def may_be_delivered(self, drug: Drug) -> bool:
        """What is not delivered goes over the counter only: by law (网络销售禁止清单) or by the drug's nature."""
        return drug.deliverable and not any(self.belongs(drug, group) for group in self.never_delivered)


POLICIES = read_policies("services.prescribe.domain", Policy)
CN = POLICIES.of("cn")
