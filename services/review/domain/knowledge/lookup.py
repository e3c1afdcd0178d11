"""Entries by the selectors they are about: by one, and by pairs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any


class Found:
    """Entries by the key of their selector."""

    def __init__(self, entries: Iterable[Any]) -> None:
        self._by_key: dict[str, list[Any]] = defaultdict(list)
        for entry in entries:
            self._by_key[entry.selector.key].append(entry)

    def of(self, keys: Iterable[str]) -> list[Any]:
        """Sorted by id, so that no order of a file or a set shows."""
        found = [entry for key in keys for entry in self._by_key.get(key, ())]
        return sorted(found, key=lambda entry: str(entry.id))


class Pairs:
    """Entries about two selectors, by the key of the first one; each stands under both, turned round."""

    def __init__(self, entries: Iterable[Any]) -> None:
        self._by_key: dict[str, list[tuple[str, Any]]] = defaultdict(list)
        for entry in entries:
            self._by_key[entry.a.key].append((entry.b.key, entry))
            if entry.a.key != entry.b.key:
                self._by_key[entry.b.key].append((entry.a.key, entry))

    def about(self, keys: frozenset[str]) -> bool:
        """Whether any entry is about this medicine: of most there is none, and their pairs need not be looked at."""
        return not self._by_key.keys().isdisjoint(keys)

    def of(self, one: frozenset[str], other: frozenset[str]) -> Any | None:
        """The entry that says most about two medicines: the narrowest, then the gravest. None: no entry."""
        found = {
            entry.id: entry
            for key in one
            if key in self._by_key
            for other_key, entry in self._by_key[key]
            if other_key in other
        }
        return max(found.values(), key=_weight, default=None)


def _weight(entry: Any) -> tuple[int, int, str]:
    return entry.a.precision + entry.b.precision, int(entry.severity), entry.id
