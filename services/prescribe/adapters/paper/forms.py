"""Which form a prescription is printed on: colour of the paper and mark in the corner, as data."""

from __future__ import annotations

from importlib.resources import files

from pydantic import Field

from services.prescribe.application.documents import Paper
from services.seedwork.model import Immutable


class Form(Immutable):
    """One row; it fits when everything that it names is so."""

    mark: str
    paper: str = Field(pattern=r"^#[0-9a-f]{6}$")
    drug_classes: frozenset[str] | None = None
    visit_kind: str | None = None
    under_years: int | None = None

    def fits(self, paper: Paper) -> bool:
        return (
            (self.drug_classes is None or bool(self.drug_classes & paper.drug_classes))
            and (self.visit_kind is None or self.visit_kind == paper.visit_kind)
            and (self.under_years is None or paper.age_years < self.under_years)
        )


class Forms(Immutable):
    """The rows in their order: the first that fits is taken; the last fits always."""

    source: str
    forms: tuple[Form, ...] = Field(min_length=1)

    def of(self, paper: Paper) -> Form:
        return next(form for form in self.forms if form.fits(paper))


FORMS = Forms.model_validate_json(files(__package__).joinpath("forms.json").read_bytes())
