"""Regional stores: each region runs a dispatch service with a store of its own, and each trace code (药品追溯码) has
one owner among them, which decides about its sale (一码一销 over all regions).

The owner is the store with the greatest SHA-256 of `store|code`: every store works it out alone, and one that is added
becomes the owner of its share only, while all other codes stay where they are (rendezvous hashing: Thaler and
Ravishankar 1998).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass


@dataclass(frozen=True)
class RegionalStores:
    """Names of all stores, the own one too. Without names there is one store, and it owns every code."""

    names: frozenset[str] = frozenset()
    own: str = ""

    def owner(self, code: str) -> str:
        """Of a code in its normal form."""
        return max(self.names, key=lambda name: hashlib.sha256(f"{name}|{code}".encode()).digest(), default=self.own)

    def elsewhere(self, code: str) -> str | None:
        """The owner, where it is another store than this one."""
        owner = self.owner(code)
        return None if owner == self.own else owner


ONE_STORE = RegionalStores()
