"""Lists of the command line that are cut say so."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner

from rxflow import webhooks_cli

LETTER = {
    "kind": "claim_settled",
    "stream_id": "s",
    "message_id": "m",
    "attempts": 8,
    "error": "no answer",
    "answer": None,
    "made_at": "2026-03-02",
}


@pytest.mark.parametrize(("count", "cut"), [(200, False), (201, True)])
def test_a_list_of_dead_letters_that_is_cut_says_so(monkeypatch: pytest.MonkeyPatch, *, count: int, cut: bool) -> None:
    letters = [{**LETTER, "place": place} for place in range(count)]

    @contextmanager
    def subscriber(_service: str, _party: str | None) -> Iterator[Any]:
        yield SimpleNamespace(deliveries=lambda _endpoint, _status: iter(letters))

    monkeypatch.setattr(webhooks_cli, "_subscriber", subscriber)

    told = CliRunner().invoke(webhooks_cli.app, ["dead", "insurance", "e"])

    assert told.exit_code == 0
    assert told.output.count("2026") == 200
    assert ("the first 200 are shown; there are more" in told.output) is cut
