"""A repeated trace code is on the board of the authorities where it was sold and where it turned up."""

from pathlib import Path
from typing import Any

import pytest

from contracts.events.dispatch_later import CodePlace, TraceCodeRepeated
from contracts.roles import Role
from services.shortage.api import router
from tests.support.http_caller import Caller
from tests.unit.shortage.conftest import HANGZHOU, NINGBO, NOW, XIAN, Region

HASH = "cd" * 32


def repeated(first: str = HANGZHOU, second: str = XIAN, **changes: Any) -> TraceCodeRepeated:
    fields: dict[str, Any] = {
        "code_sha256": HASH,
        "product": "XA01",
        "kind": "sale",
        "found": "sold",
        "first": CodePlace(pharmacy="P1", region=first, at=NOW),
        "second": CodePlace(pharmacy="P2", region=second, at=NOW),
    }
    return TraceCodeRepeated(**{**fields, **changes})


class Board:
    def __init__(self, region: Region, keys: Path) -> None:
        self._call = Caller(region.store, router, keys)

    def of(self, authority: str | None, role: Role = Role.REGULATOR) -> Any:
        token = self._call.token("R", role, **({"region": authority} if authority else {}))
        return self._call(token, "GET", "/integrity-alarms")

    def hashes(self, authority: str | None) -> list[str]:
        return [item["code_sha256"] for item in self.of(authority).json()["items"]]


@pytest.fixture
def board(region: Region, tmp_path: Path) -> Board:
    return Board(region, tmp_path)


def test_authorities_of_both_places_and_above_see_it(region: Region, board: Board) -> None:
    region.store.react(repeated())

    for authority in ("330000", "330100", "610000", "000000"):
        assert board.hashes(authority) == [HASH], authority
    (alarm,) = board.of("330000").json()["items"]
    assert (alarm["first"]["pharmacy"], alarm["second"]["pharmacy"], alarm["kind"]) == ("P1", "P2", "sale")


@pytest.mark.parametrize("authority", ["320000", "330200", None])
def test_others_do_not(region: Region, board: Board, authority: str | None) -> None:
    region.store.react(repeated())

    assert board.hashes(authority) == []


def test_pharmacists_have_no_board(board: Board) -> None:
    assert board.of("330000", Role.PHARMACIST).status_code == 403


def test_the_same_repeat_told_again_is_one_alarm(region: Region, board: Board) -> None:
    region.store.react(repeated())
    region.store.react(repeated())
    region.store.react(repeated(second=NINGBO))

    assert len(board.hashes("330000")) == 2
