"""The streams of one request of an import, each with what its rows so far have added to it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from services.seedwork.model import DomainEvent, Loaded, StreamRef
from services.seedwork.usecase import Change, Load
from services.shortage.application.nodes import Loading
from services.shortage.domain.known_drugs import KnownDrugState, known_drug_ref
from services.shortage.domain.watch import Sign, note_signs, watch_ref


@dataclass
class Books:
    """The streams of one request, each with what the rows so far have added to it, and the signs of each drug."""

    loaded: Mapping[UUID, Loaded[Any]]
    events: dict[UUID, list[DomainEvent]] = field(default_factory=dict)
    signs: dict[str, list[Sign]] = field(default_factory=dict)
    in_question: set[tuple[str, str]] = field(default_factory=set)
    """Drugs and nodes with an open case: nobody else asks who has enough, as most have."""
    _states: dict[UUID, Any] = field(default_factory=dict)

    def state(self, ref: StreamRef[Any]) -> Any:
        changed = self._states.get(ref.stream_id)
        return self.loaded[ref.stream_id].state if changed is None else changed

    def add(self, ref: StreamRef[Any], events: Sequence[DomainEvent]) -> None:
        self._states[ref.stream_id] = ref.aggregate.fold(events, self.state(ref))
        self.events.setdefault(ref.stream_id, []).extend(events)

    def knows(self, drug_key: str) -> bool:
        state: KnownDrugState = self.state(known_drug_ref(drug_key))
        return state.known is not None

    def changes(self, judge_at: datetime) -> tuple[Change, ...]:
        """`judge_at`: when the signs have their effect."""
        for drug_key, signs in self.signs.items():
            self.add(watch_ref(drug_key), note_signs(drug_key, signs, judge_at))
        return tuple(Change(self.loaded[stream], tuple(new)) for stream, new in self.events.items() if new)


def opened(streams: Sequence[StreamRef[Any]], drug_keys: Iterable[str]) -> Loading[Books]:
    """These streams, and of each drug whether it is known and the watch over it."""
    drugs = sorted(drug_keys)
    wanted = [*streams, *map(known_drug_ref, drugs), *map(watch_ref, drugs)]
    refs = {ref.stream_id: ref for ref in wanted}
    loaded = (yield Load(tuple(refs.values()))) if refs else ()
    return Books({each.stream_id: each for each in loaded})
