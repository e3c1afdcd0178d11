"""What shortage knows of a demand that stayed unfilled, and what a case rests on."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from services.seedwork.model import Immutable

Words = Annotated[str, Field(min_length=1, max_length=2000)]
"""Why an authority decided: never empty, never a novel."""


DrugKey = Annotated[str, Field(min_length=1, max_length=300, description="generic name | form | strength")]
RegionNode = Annotated[str, Field(pattern=r"^([0-9]{6}|[0-9]{4}|[0-9]{2}|)$", description="empty: the nation")]


EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)


def happened_by(told: datetime, now: datetime) -> datetime:
    """When something happened that was told to have happened then: not in the future, and not before there were clocks
    that could tell. Machines whose clock is wrong or was never set say both."""
    return max(EARLIEST, min(told, now))


LegalGround = Literal["same_chain", "authority_order"]
"""Why one retail pharmacy may give medicines to another."""


class SourceKind(StrEnum):
    """Where a sign of a shortage comes from. Which kinds are independent of each other is policy."""

    UNFILLED = "unfilled"
    """Demands that pharmacies could not fill."""
    ORDER_LINES = "order_lines"
    DEMAND_SURGE = "demand_surge"
    DAYS_OF_SUPPLY = "days_of_supply"
    DIRECT_REPORT = "direct_report"
    """短缺药品信息直报, of an institution, a wholesaler or a maker."""
    STOP_NOTICE = "stop_notice"
    REGISTER = "register"
    """A public register of shortages."""
    PRICE_JUMP = "price_jump"
    """Who has some left asks for more."""
    REGIONS = "regions"
    """Confirmed cases of several regions: of the nation's case."""


class ResponseKind(StrEnum):
    """What kind of response to a shortage it is."""

    PROTOCOL = "protocol"
    ALLOCATION = "allocation"
    TRANSFER = "transfer"
    RESERVE = "reserve"


class DrugClass(StrEnum):
    """Whether another medicine can take its place (国卫办药政函〔2019〕625号)."""

    A = "A"
    """临床必需不可替代: none can."""
    B = "B"
    """不完全替代."""
    C = "C"
    """完全替代."""


class DrugList(StrEnum):
    """Lists that a drug may stand on (药品管理法 §95)."""

    NATIONAL_SHORTAGE = "national_shortage"
    """国家短缺药品清单."""
    KEY_MONITORING = "key_monitoring"
    """国家临床必需易短缺药品重点监测清单."""
    PROVINCIAL_SHORTAGE = "provincial_shortage"
    VOLUME_BASED = "volume_based"
    """集采中选."""
    ESSENTIAL = "essential"
    """国家基本药物目录."""


NATIONAL = frozenset({DrugList.NATIONAL_SHORTAGE, DrugList.KEY_MONITORING})
"""The lists that make the grade of what cannot be replaced one step worse."""


class DrugProfile(Immutable):
    """What the lists of the jurisdiction say about one drug."""

    drug_class: DrugClass = DrugClass.B
    lists: tuple[DrugList, ...] = ()

    @property
    def nationally_listed(self) -> bool:
        return not NATIONAL.isdisjoint(self.lists)


class Signal(Immutable):
    """A pharmacy was out of a drug. `demand_key` is the same for one prescription line wherever it is tried."""

    demand_key: str
    pharmacy: str
    region: str
    occurred_at: datetime
    contradictory: bool
    event: str | None = None
    """The very event that told it: `<stream>/<number in it>` of its producer."""


class Evidence(Immutable):
    """Counts inside one window of time. Tries of one line are one demand; pharmacies, not tries, are graded."""

    window_hours: int
    demands: int
    pharmacies: int
    in_one_county: int
    counties: int
    cities: int
    provinces: int
    contradictory: int
    county_share: float | None = None
    """The largest share of a county's reporters of the drug that are short of it; None: how many there are is unknown.
    """
    city_share: float | None = None
    first_at: datetime
    last_at: datetime
