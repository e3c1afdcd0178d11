"""Where pharmacies are: places in degrees of latitude and longitude, distances in metres."""

from __future__ import annotations

import math

EARTH_RADIUS_METRES = 6_371_000
METRES_PER_DEGREE = 111_195


def box(latitude: float, longitude: float, radius_metres: int) -> dict[str, float]:
    """A place and the degrees around it, as parameters of the queries; a little more than the circle.

    `narrow`: what a degree of longitude is there, of a degree of latitude.
    """
    high = radius_metres / METRES_PER_DEGREE
    narrow = max(0.01, math.cos(math.radians(latitude)))
    wide = high / narrow
    around = {"south": latitude - high, "north": latitude + high, "west": longitude - wide, "east": longitude + wide}
    return {**around, "latitude": latitude, "longitude": longitude, "narrow": narrow}


def distance_metres(a: tuple[float, float], b: tuple[float, float]) -> int:
    """Great-circle distance (haversine) between two places, as (latitude, longitude) in degrees."""
    (lat1, lon1), (lat2, lon2) = ((math.radians(x), math.radians(y)) for x, y in (a, b))
    half = math.sin((lat2 - lat1) / 2) ** 2 + math.cos(lat1) * math.cos(lat2) * math.sin((lon2 - lon1) / 2) ** 2
    return round(2 * EARTH_RADIUS_METRES * math.asin(math.sqrt(half)))
