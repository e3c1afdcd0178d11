"""Region nodes: the tree of county, city, province and nation, named by leading digits of the division code.

GB/T 2260: 330102 is a county, 3301 its city, 33 its province; the nation is the empty node.
"""

from __future__ import annotations

from enum import StrEnum
from functools import lru_cache

from stdnum import numdb


class Level(StrEnum):
    """The level of administration of a node."""

    COUNTY = "county"
    CITY = "city"
    PROVINCE = "province"
    NATION = "nation"


DIGITS = {Level.COUNTY: 6, Level.CITY: 4, Level.PROVINCE: 2, Level.NATION: 0}


def node_at(region: str, level: Level) -> str:
    """The node of this level that a county lies in."""
    return region[: DIGITS[level]]


def node_of(code: str) -> str:
    """The node a division code names: 330000 is the province 33, 000000 the nation."""
    while code.endswith("00"):
        code = code[:-2]
    return code


def as_node(region: str) -> str:
    """The node that a report means, whether it names it by its digits or by its division code: 330000 is the province
    33, and no county. 000000 stays what it is, no division: who means the nation leaves the region empty."""
    return node_of(region) or region


def covers(node: str, other: str) -> bool:
    """Whether `other` is this node or lies in it."""
    return other.startswith(node)


def common_node(one: str, other: str) -> str:
    """The smallest node that both lie in."""
    return next(one[:digits] for digits in sorted(DIGITS.values(), reverse=True) if one[:digits] == other[:digits])


@lru_cache(maxsize=4096)
def known_node(node: str) -> bool:
    """Whether GB/T 2260 has this division; the nation is known, too."""
    return not node or all(found for _, found in numdb.get("cn/loc").info(node.ljust(DIGITS[Level.COUNTY], "0")))
