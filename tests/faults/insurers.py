"""The simulated insurer as a process beside an installation, told what may go wrong and what time it is."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import orjson

from rxflow.free_ports import free_ports
from rxflow.installation import Installation
from rxflow.supervisor import Child
from services.insurance.adapters.simulated_insurer.app import PATH
from services.seedwork.calendar import ZONE
from tests.support.waiting import eventually

LATE_SECONDS = 5.5
"""Just longer than the gateway waits."""
BEGINS_AT = 8
"""Hour of the day on which a soak begins: it must not run into the next one by itself."""


@dataclass(frozen=True)
class FarInsurer:
    """One insurer beyond the network. Whatever it is told it is told again should it have died meanwhile."""

    code: str
    port: int
    journal: Path
    seed: int = 0

    @classmethod
    def beside(cls, directory: Path, code: str, seed: int) -> FarInsurer:
        return cls(code, free_ports(1)[0], directory / "insurer.journal", seed)

    def child(self, installation: Installation) -> Child:
        command = ("simulate", "insurer", self.code, "--journal", str(self.journal), "--port", str(self.port))
        options = ("--seed", str(self.seed), "--late-seconds", str(LATE_SECONDS))
        log = installation.logs / "insurer.log" if installation.logs else None
        return Child("insurer", (sys.executable, "-m", "rxflow.cli", *command, *options), installation.environment, log)

    def entry(self, steps: str) -> dict[str, Any]:
        """How the register names it from now on."""
        reached = {"interface": "national", "steps": steps, "url": f"http://127.0.0.1:{self.port}{PATH}"}
        content = {"name": "远端医疗保障局", "region": self.code.removeprefix("I"), **reached}
        return {"code": self.code, "content": content, "valid_from": "2020-01-01"}

    def begin(self, ahead: timedelta, chances: Mapping[str, float]) -> None:
        """It was killed and started again, and has forgotten what it was told."""
        self.may_go_wrong(chances)
        self.move_clock(ahead)

    def may_go_wrong(self, chances: Mapping[str, float]) -> None:
        self._put("mishaps", dict(chances))

    def move_clock(self, ahead: timedelta) -> None:
        self._put("clock", {"offset_seconds": int(ahead.total_seconds())})

    def _put(self, what: str, body: Any) -> None:
        url = f"http://127.0.0.1:{self.port}/control/{what}"

        def told() -> bool:
            try:
                return httpx.put(url, json=body, timeout=5, trust_env=False).status_code == httpx.codes.NO_CONTENT
            except httpx.TransportError:
                return False

        eventually(told, within=30, describe=f"the insurer to hear of {what}")

    def standing(self) -> dict[str, int]:
        """What it has booked and not taken back, by the number we gave it, and by how much otherwise than it answered
        (fen): by its journal."""
        numbers: dict[str, tuple[str, int]] = {}
        for kind, msgid, _day, content in map(orjson.loads, self.journal.read_bytes().splitlines()):
            if kind in {"book", "reserve"}:
                numbers[msgid] = content["medins_setl_id"], content["off"]
            if kind == "take_back":
                del numbers[msgid]
        return dict(numbers.values())


@dataclass
class Calendar:
    """The one day that insurance and its insurer live in, whatever the machine's clock says."""

    stage: Any
    insurer: FarInsurer
    ahead: timedelta

    @classmethod
    def of(cls, stage: Any, insurer: FarInsurer) -> Calendar:
        now = datetime.now(ZONE)
        begin = (now + timedelta(days=1)).replace(hour=BEGINS_AT, minute=0, second=0, microsecond=0)
        calendar = cls(stage, insurer, begin - now)
        calendar.tell()
        return calendar

    @property
    def day(self) -> date:
        return (datetime.now(ZONE) + self.ahead).date()

    def move(self, by: timedelta) -> None:
        self.ahead += by
        self.tell()

    def tell(self) -> None:
        """Also to an insurer that was started again."""
        self.insurer.move_clock(self.ahead)
        self.stage.cast.administrator().move_clock("insurance", int(self.ahead.total_seconds()))


def with_rates(installation: Installation, factor: float) -> Installation:
    """Few people do the work of many."""
    return replace(installation, settings={**installation.settings, "rate_factor": factor})
