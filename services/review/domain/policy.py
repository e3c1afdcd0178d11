"""The limits review works with: a dated data file per jurisdiction, so that a rule can change without a release."""

from __future__ import annotations

from pydantic import Field

from services.seedwork.model import Immutable
from services.seedwork.policies import DatedPolicy, read_policies


class Escalation(Immutable):
    """How long a case may wait, and how often it climbs when it does."""

    minutes: int = Field(gt=0, description="from the opening of a case to its deadline")
    minutes_emergency: int = Field(gt=0)
    repeat_minutes: int = Field(gt=0, description="from one level to the next")
    levels_max: int = Field(ge=1)


class SecondReviewer(Immutable):
    """When one pharmacist's pass is not enough."""

    confirmed_severity: str = Field(description="a finding this severe, or worse, that the prescriber confirmed")
    drug_classes: tuple[str, ...]
    per_mille: int = Field(ge=0, le=1000, description="of all other passes, at random")


class Sampling(Immutable):
    """How many passed prescriptions are drawn for comment (处方点评)."""

    per_mille: int = Field(ge=0, le=1000, description="of all that are passed, at random")
    month_min: int = Field(ge=0, description="comments an institution owes in a month, if it has so many prescriptions")


class ClassSupply(Immutable):
    """How long a supply of a regulatory class may be; the first row that fits a line holds. Empty: fits all."""

    drug_classes: tuple[str, ...]
    forms: tuple[str, ...] = Field(default=(), description="part of the dosage form")
    atc: str = Field(default="", description="start of the ATC code")
    diagnoses: tuple[str, ...] = Field(default=(), description="start of one of the ICD-10 codes")
    days_max: int = Field(gt=0)
    reason_extends: bool = Field(default=False, description="an accepted reason makes more of it lawful")
    source: str


class ScreeningLimits(Immutable):
    """What the rules measure by; facts of medicines are not here but in the knowledge base."""

    lines_max: int = Field(gt=0)
    days_max: int = Field(gt=0)
    days_max_emergency: int = Field(gt=0)
    accepted_reasons: tuple[str, ...] = Field(
        description="a longer supply is explained by a reason that names one of these"
    )
    validity_days: int = Field(gt=0, description="validity that needs no reason")
    validity_days_max: int = Field(gt=0)
    infant_days: int = Field(gt=0, description="younger than this many days: the weight is stated")
    vague_phrases: tuple[str, ...]
    herbal_forms: tuple[str, ...] = Field(description="dosage forms of herbal pieces (饮片)")
    herbal_injection_form: str | None = Field(
        default=None,
        description="part of the form that makes a Chinese patent medicine an injection; None: it stands beside others",
    )
    patents_beside_pieces: bool = Field(
        default=False, description="whether Chinese patent medicines may stand on a prescription of herbal pieces"
    )
    pieces_for_pattern: bool = Field(
        default=True, description="whether pieces are prescribed by a pattern of Chinese medicine"
    )
    class_supply: tuple[ClassSupply, ...]
    antibacterial_beyond_level_days: int | None = Field(
        default=None,
        gt=0,
        description="for so long the next level is lawful in an emergency (越级使用); None: rights do not go by level",
    )
    antibacterial_atc: tuple[str, ...]
    antibacterial_days_max: int = Field(gt=0)
    antibacterial_long_indications: tuple[str, ...] = Field(description="ICD-10: infections treated for longer")
    allergens_besides_medicines: tuple[str, ...] = Field(
        description="stated allergies to these are to no medicine, or say that there is none"
    )
    childbearing_days: tuple[int, int] = Field(description="ages in days at which pregnancy is asked for")
    many_medicines: int = Field(gt=0, description="as many different medicines at once are told")
    renewal_days: int = Field(ge=0, description="a medicine that ends within these days is renewed, not doubled")


class ReviewPolicy(DatedPolicy):
    """What holds from one day on. `version` is named in every finding, so that a screening explains itself."""

    version: str
    lease_minutes: int = Field(gt=0, description="how long a taken case stays with its reviewer")
    escalation: Escalation
    second_reviewer: SecondReviewer
    sampling: Sampling
    batch_cases_max: int = Field(gt=0, le=50, description="cases one request may pass")
    screening: ScreeningLimits
    result_codes: dict[str, str] = Field(description="official code -> its text")
    serious_codes: tuple[str, ...] = Field(description="codes a prescription may be refused for")


POLICIES = read_policies("services.review.domain", ReviewPolicy)
CN = POLICIES.of("cn")
