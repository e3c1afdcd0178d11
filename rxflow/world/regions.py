"""The counties of the demo world: real divisions (GB/T 2260) with the coordinates of their centres."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from importlib.resources import files


@dataclass(frozen=True)
class Region:
    """One county. `insurance_city` is the pooling area (统筹区) its people are insured in."""

    code: str
    province: str
    city: str
    county: str
    insurance_city: str
    latitude: float
    longitude: float
    hospitals: int
    pharmacies: int

    @property
    def full_name(self) -> str:
        return f"{self.province}{self.city}{self.county}"


def load_regions() -> tuple[Region, ...]:
    """All counties, in the file's order: neighbours stand together."""
    rows = files("rxflow.world").joinpath("regions.csv").read_text(encoding="utf-8").splitlines()
    return tuple(
        Region(
            code=row["code"],
            province=row["province"],
            city=row["city"],
            county=row["county"],
            insurance_city=row["insurance_city"],
            latitude=float(row["latitude"]),
            longitude=float(row["longitude"]),
            hospitals=int(row["hospitals"]),
            pharmacies=int(row["pharmacies"]),
        )
        for row in csv.DictReader(rows)
    )
