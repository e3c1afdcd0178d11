"""What one regional store asks the owner of trace codes, and what it is told. Idempotent by code and supply."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Literal, Protocol, Self
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from services.dispatch.domain.regional_stores import ONE_STORE, RegionalStores
from services.dispatch.domain.trace_code_events import PackFacts, Place
from services.dispatch.domain.values import CODE_LENGTH_MAX, LOT_LENGTH_MAX, QUANTITY_MAX, TraceCode
from services.seedwork.model import Immutable

CODES_PER_QUESTION_MAX = 50
"""Each is a stream at its owner, and a use case touches at most 100."""
STORE_NAME_MAX = 40

Operation = Literal["reserve", "release", "spend", "discard", "return"]
"""`reserve`: taken by a supply that is being dispensed; at its owner the code is sold. `release`: the supply is undone
and the pack on the shelf again. `spend`: the pack is destroyed, lost, or was taken back from a patient. `discard`:
so much of it was on a shelf and is sold no more. `return`: the pack is at a counter where nobody sold it. In place of a
supply stands what names that discard, or that try."""
Code = Annotated[str, Field(max_length=CODE_LENGTH_MAX)]


Refused = Literal[
    "trace_code.repeated",
    "trace_code.not_free",
    "trace_code.foreign_product",
    "trace_code.pack_used_up",
    "trace_code.unknown",
    "trace_code.not_sold",
]
"""Why an owner does not reserve a code, or does not know it as sold, by the error catalogue."""


class CodeOfStore(Immutable):
    """A code and the store that owns it."""

    code: str
    store: str


class OwnedPack(Immutable):
    """A pack whose code another store owns, and what a supply takes of it."""

    store: str = Field(max_length=STORE_NAME_MAX)
    pack: PackFacts
    quantity: int


class Said(BaseModel):
    """What an owner says: what its release says beyond ours is ignored. A question is not: a store that asks for more
    than its owner understands waits until that one is upgraded, too."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class AskedCode(Immutable):
    """One code of a question. What its pack is counts when it is reserved."""

    code: TraceCode
    product: Code = ""
    pharmacy: Code = ""
    region: Code = ""
    lot: Annotated[str, Field(max_length=LOT_LENGTH_MAX)] = ""
    expiry: date | None = None
    pack_size: int = Field(default=1, ge=1, le=QUANTITY_MAX)
    quantity: int = Field(default=1, ge=1, le=QUANTITY_MAX)

    @property
    def facts(self) -> PackFacts:
        return PackFacts(**self.model_dump(exclude={"quantity"}))


class Question(Immutable):
    """Of one supply to one owner. `asked_by`: the store whose supply it is; `at`: when it is asked there."""

    asked_by: str = Field(min_length=1, max_length=STORE_NAME_MAX)
    supply_id: UUID
    operation: Operation
    at: AwareDatetime
    codes: tuple[AskedCode, ...] = Field(min_length=1, max_length=CODES_PER_QUESTION_MAX)

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        if len({each.code for each in self.codes}) < len(self.codes):
            raise ValueError("a code stands twice")
        return self


class FirstSale(Said):
    """Where, when and by which supply the owner knows it to have been sold."""

    pharmacy: str
    region: str = ""
    at: AwareDatetime | None = None
    supply_id: UUID | None = None

    @property
    def place(self) -> Place:
        return Place(**dict(self))


class Word(Said):
    """What the owner says of one code: done (also when it was done before), or why not, by the error catalogue."""

    code: str
    problem: Refused | None = None
    found: str = ""
    first: FirstSale | None = None
    """Of a repeat: what the owner knew of the code, and where it was sold first."""
    product: str = ""
    """Of a repeated return: what the pack is."""


class TraceCodeOwner(Protocol):
    """The way to the other regional stores."""

    @property
    def stores(self) -> RegionalStores: ...

    def ask(self, store: str, question: Question) -> Sequence[Word] | None:
        """One word per code of the question; None when the store cannot be reached, or does not answer in time: then
        nothing is known, and the same question may be asked again. Never raises."""


class NoOtherStore:
    """Where there is one store: nobody to ask."""

    stores = ONE_STORE

    def ask(self, store: str, question: Question) -> Sequence[Word] | None:  # noqa: ARG002
        """Whoever owned a code before the stores were one is not there any more."""
        return None


def asked(pack: OwnedPack) -> AskedCode:
    """The whole pack, as it is reserved."""
    return AskedCode(**dict(pack.pack), quantity=pack.quantity)
