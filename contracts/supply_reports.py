"""Rows in which others bring what they know of the supply of medicines: direct reports (短缺药品信息直报), makers' stop
notices (停产报告), jumps of prices, records of public registers; and what the lists say of each drug (短缺药品清单).

Used by whoever sends them and by shortage, which reads each row for itself.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from services.seedwork.wording import SAID

ROWS_PER_REQUEST_MAX = 24
"""Each row is kept with its reporter and noted with its drug, and one save touches at most a hundred streams."""
EARLIEST, LATEST = datetime(1900, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
"""At the ends of what a machine can write (0001, 9999) no day before or after can be told, and no civil day of another
zone: what lies there was never meant."""


def _in_these_centuries(moment: datetime) -> datetime:
    if not EARLIEST <= moment < LATEST:
        raise ValueError(f"not between {EARLIEST.year} and {LATEST.year}")
    return moment


Instant = Annotated[AwareDatetime, AfterValidator(_in_these_centuries)]
DRUGS_MAPPED_MAX = 5_000
COLUMNS_JOINED_MAX = 5
Key = Annotated[str, Field(min_length=1, max_length=300)]
Region = Annotated[str, Field(pattern=r"^(\d{6}|\d{4}|\d{2}|)$", description="region node; empty: the nation")]
Trust = Literal["own", "official", "third_party"]
Price = Annotated[int, Field(gt=0, le=10**10, description="fen a pack")]
Amount = Annotated[int, Field(ge=0, le=10**12, description="base units")]
Note = Annotated[str, Field(max_length=2000)]


class SupplyRow(BaseModel):
    """Unknown columns are refused: a misspelt one would be lost silently."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ToldRow(SupplyRow):
    """What every report says: `key` is the source's own key of it; the same key and content again changes nothing.

    `reporter` and `trust`: who says it and how far they may be trusted; without them, those of the whole import.
    `reported_at`: when the source said it; without it, when it arrived.
    """

    key: Key
    drug_key: Key = Field(description="generic name | form | strength")
    region: Region = ""
    occurred_at: Instant
    reported_at: Instant | None = None
    reporter: Key | None = None
    trust: Trust | None = None
    note: Note = ""


class DirectReportRow(ToldRow):
    """An institution, a wholesaler or a maker reports how it is supplied."""

    status: Annotated[int, Field(ge=1, le=4)] | None = Field(
        default=None, description="1 充足, 2 较充足, 3 短缺, 4 严重短缺; none: it does not say"
    )
    on_hand: Amount | None = None


class PriceRow(ToldRow):
    """A price has changed: a jump often comes before a shortage, for whoever has some can ask for more."""

    price_before: Price
    price: Price


class RegisterRow(SupplyRow):
    """A record of a public register, brought into this form by its shape. The drug by its key, or by the words that the
    register has for it."""

    key: Key
    drug_key: Key | None = None
    name: Annotated[str, Field(max_length=300)] = ""
    form: Annotated[str, Field(max_length=300)] = ""
    strength: Annotated[str, Field(max_length=300)] = ""
    atc: Annotated[str, Field(max_length=10)] = ""
    region: Region = ""
    status: Annotated[int, Field(ge=1, le=4)] | None = None
    occurred_at: Instant
    reported_at: Instant | None = None
    reporter: Key | None = None
    trust: Trust | None = None
    note: Note = ""


class StopRow(SupplyRow):
    """A maker stops a drug; `reference` is its own number of the notice. `how_ended`: it goes on after all, or
    delivers again."""

    reference: Key
    maker: Key
    drug_key: Key
    stops_on: date
    planned: bool = True
    sole_supplier: bool = False
    restored_by: date | None = None
    reason: Annotated[str, Field(min_length=1, max_length=2000, pattern=SAID)]
    reported_at: Instant | None = None
    how_ended: Literal["withdrawn", "restored"] | None = None


DrugList = Literal["national_shortage", "key_monitoring", "provincial_shortage", "volume_based", "essential"]
LISTS: tuple[str, ...] = get_args(DrugList)


def _lists(words: str) -> str:
    unknown = sorted({word for word in words.split("|") if word} - set(LISTS))
    if unknown:
        raise ValueError(f"no list is called {', '.join(unknown)}; there are {', '.join(LISTS)}")
    return words


class ListedRow(SupplyRow):
    """What the lists of the jurisdiction say of one drug from a day on; what an earlier row said ends there.

    `drug_class` by 国卫办药政函〔2019〕625号: A nothing can take its place, B something in part, C something wholly.
    `lists`, joined by `|`: national_shortage (国家短缺药品清单), key_monitoring (国家临床必需易短缺药品重点监测清单),
    provincial_shortage (省级清单), volume_based (集采中选), essential (国家基本药物目录); empty: on none.
    """

    drug_key: Key
    drug_class: Literal["A", "B", "C"] = "B"
    lists: Annotated[str, Field(max_length=200), AfterValidator(_lists)] = ""
    valid_from: date
    valid_until: date | None = Field(default=None, description="the last day; none: until another row begins")
    source: Annotated[str, Field(min_length=1, max_length=300, description="the document that says so")]

    @model_validator(mode="after")
    def in_order(self) -> ListedRow:
        if self.valid_until is not None and self.valid_until < self.valid_from:
            raise ValueError("valid_until is before valid_from")
        return self


Column = Annotated[str, Field(min_length=1, max_length=200)]
Columns = Annotated[list[Column], Field(min_length=1, max_length=COLUMNS_JOINED_MAX)]


class RegisterMapping(BaseModel):
    """How the columns of somebody's register become a `RegisterRow`; the mapping file of a generic CSV.

    `columns`: field -> a column, or several that are joined by `|`. `constants`: field -> what it always is.
    `status`: the register's word -> 1 to 4, or null where it says nothing of supply. `drugs`: the register's word for
    a drug (what `drug_key` is read as, or the key or name of a record) -> the drug key here. `date_format` as strptime
    reads it; empty: ISO 8601. A day without a time is the begin of the civil day.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    columns: Annotated[dict[Column, Column | Columns], Field(max_length=20)] = {}
    constants: Annotated[dict[Column, Annotated[str, Field(max_length=300)]], Field(max_length=20)] = {}
    status: Annotated[
        dict[Annotated[str, Field(max_length=200)], Annotated[int, Field(ge=1, le=4)] | None], Field(max_length=200)
    ] = {}
    drugs: Annotated[dict[Key, Key], Field(max_length=DRUGS_MAPPED_MAX)] = {}
    date_format: Annotated[str, Field(max_length=40)] = ""


ROWS: dict[str, type[BaseModel]] = {
    "direct_reports": DirectReportRow,
    "price_jumps": PriceRow,
    "stop_notices": StopRow,
    "drug_lists": ListedRow,
}
"""Kinds whose rows are sent as they stand in the file."""
REGISTERS: dict[str, str] = {
    "openfda_shortages": "results",
    "canada_shortages": "data",
    "shortage_register": "rows",
}
"""Kinds whose rows are records of a register, and under what their JSON file has them."""
ROUTES: dict[str, str] = {
    "direct_reports": "/imports/direct-reports",
    "price_jumps": "/imports/price-jumps",
    "stop_notices": "/imports/stop-notices",
    "drug_lists": "/imports/drug-lists",
    "openfda_shortages": "/imports/registers/openfda",
    "canada_shortages": "/imports/registers/drug-shortages-canada",
    "shortage_register": "/imports/registers/generic",
}
Record = dict[str, Any]
