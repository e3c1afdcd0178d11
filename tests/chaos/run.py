"""One run from beginning to end."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from random import Random
from time import monotonic
from typing import Any
from uuid import uuid4

from contracts.roles import Role
from rxflow.client import Connection
from rxflow.installation import Installation
from rxflow.play.cast import Cast
from rxflow.play.stage import Stage
from rxflow.tokens import tokens_of
from rxflow.world import build_world
from services.seedwork.calendar import ZONE
from services.seedwork.identity import development_issuer
from services.seedwork.settings import Settings
from tests.chaos import afterwards, seen
from tests.chaos.deeds import Scene, move_clocks
from tests.chaos.faults import FAULTS, Fault
from tests.chaos.figures import Outcome, figures
from tests.chaos.house import House
from tests.chaos.invalid import Strangers
from tests.chaos.invariants import breaches
from tests.chaos.load import ATTEMPTS_MAX, Load, Patience, PatientConnection
from tests.chaos.memory import Sampler, growth
from tests.chaos.mistreatment import Mistreatment, background
from tests.chaos.notes import Breach, Notes
from tests.chaos.recovery import Watch
from tests.chaos.stories import Author, Teller
from tests.chaos.witness import Witness

STATUS_SECONDS = 30.0
EXPIRED_SINCE_SECONDS = 3600
Tell = Callable[[str], None]


@dataclass(frozen=True)
class Options:
    """What was asked for. `faults`: by name; `rate`: prescriptions a second."""

    minutes: float = 30.0
    every: float = 20.0
    seed: int = 1
    rate: float = 1.0
    invalid_share: float = 0.1
    under_way_max: int = 400
    patience_seconds: float = 240.0
    faults: Mapping[str, Fault] = None  # type: ignore[assignment]
    report: Path = Path("var/chaos.json")

    def __post_init__(self) -> None:
        if self.faults is None:
            object.__setattr__(self, "faults", FAULTS)


class Run:
    """Everything that takes part in one run of a house."""

    def __init__(self, house: House, options: Options, tell: Tell, stack: ExitStack) -> None:
        self.house, self.options, self.tell = house, options, tell
        installation, seed = house.installation, options.seed
        self.notes = Notes()
        self.patience = Patience(options.patience_seconds)
        self.witness = Witness(
            self.notes,
            {port: service for service, port in installation.ports.items()},
            _strangers(installation),
            seed=seed,
            invalid_share=options.invalid_share,
        )
        self.witness.mischievous = False
        connection = stack.enter_context(PatientConnection(installation.addresses, self.patience, self.witness))
        # one that nothing disturbs and nobody calls off, for whoever looks
        quiet = stack.enter_context(Connection(installation.addresses, attempts_max=ATTEMPTS_MAX))
        world = build_world(as_of=datetime.now(ZONE).date())
        self.cast = Cast(world, quiet, tokens_of(installation))
        self.stage = Stage(Cast(world, connection, tokens_of(installation)))
        self.load = Load(
            Author(self.stage, seed),
            Teller(self.stage),
            self.notes,
            self.patience,
            rate=options.rate,
            under_way_max=options.under_way_max,
        )
        self.scene = Scene(house, self.cast.administrator(), Random(seed))
        self.watch = Watch(installation, self.load.completions)
        self.memory = Sampler(house.pids)
        self.mistreatment = Mistreatment(self.scene, self._possible(), self.watch, tell, seed=seed)

    def _possible(self) -> dict[str, Fault]:
        return {name: fault for name, fault in self.options.faults.items() if name not in self.not_run()}

    def not_run(self) -> dict[str, str]:
        """Faults that this machine cannot be done."""
        disks = {"broker's disk full": "rabbit", "database's disk full": "postgres"}
        return {
            name: "not run: mounting is not allowed"
            for name, kind in disks.items()
            if name in self.options.faults and kind not in self.house.disks
        }

    def live(self) -> None:
        """Load and faults, until the time is over."""
        begun = monotonic()
        seconds = self.options.minutes * 60
        self.witness.mischievous = True
        self.memory.start()
        self.watch.start()
        loading = background(lambda: self.load.run(begun + seconds, self.options.seed), "load")
        faulting = background(lambda: self.mistreatment.run(seconds, self.options.every), "faults")
        while loading.is_alive() or faulting.is_alive():
            loading.join(STATUS_SECONDS / 2)
            faulting.join(STATUS_SECONDS / 2)
            self.tell(self._status(monotonic() - begun))
        self.mistreatment.close()

    def judge(self) -> Outcome:
        """Rest, then everything that was promised."""
        troubles = [f"{each.name}: {each.trouble}" for each in self.mistreatment.committed if each.trouble]
        unrest = afterwards.rest(self.load, self.watch, self.tell)
        self.mistreatment.look_around()
        self.watch.stop()
        self.memory.stop()
        self.witness.mischievous = False
        self.patience.call_off()
        self.load.close()
        ended_at = monotonic()
        found = list(self.notes.breaches)
        found += [
            Breach("lost", f"{told.plan.story} stopped at {told.step}: {told.stopped}", told.begun_at)
            for told in self.load.told
            if told.stopped
        ]
        accepted = list(self.notes.accepted)
        self.tell(f"repeating {len(accepted)} accepted commands")
        found += afterwards.repeat(accepted, self.tell)
        self.tell("letting every deadline pass")
        afterwards.let_deadlines_pass(self.scene, self.cast, self.load.told, self.tell)
        self.tell("asking everybody what he sees")
        checks = {
            "rest": unrest,
            "open loop": self.load.not_open(),
            **afterwards.operator_look(self.scene, self.watch, self.tell),
        }
        picture = seen.look(self.cast, self.load.told, accepted, lambda n: self.tell(f"{n} prescriptions looked at"))
        found += breaches(picture, accepted)
        return Outcome(
            seed=self.options.seed,
            minutes=self.options.minutes,
            every=self.options.every,
            rate=self.options.rate,
            figures=figures(self.options.faults, self.mistreatment.committed, self.notes.refusals, found, ended_at),
            not_run=self.not_run(),
            troubles=troubles,
            breaches=found,
            memory=growth(self.memory.samples),
            load=self.load.summary(),
            calls={
                **self.notes.summary(),
                "altered events": self.scene.altered,
                "broker restarts": self.scene.broker_restarts,
            },
            checks=checks,
        )

    def close(self) -> None:
        """Whatever is still going on, as after Ctrl-C."""
        self.patience.call_off()
        self.mistreatment.close()
        self.load.close()
        self.witness.close()

    def _status(self, seconds: float) -> str:
        endings = self.load.endings()
        held_back = f", {self.load.held_back} held back: too many under way" if self.load.held_back else ""
        return (
            f"{seconds:5.0f} s: {len(self.load.told)} prescriptions started, {endings['settled']} settled,"
            f" {self.load.under_way} under way{held_back}; {self.notes.calls} calls,"
            f" {len(self.notes.refusals)} refused, {len(self.notes.breaches)} wrong"
        )


def run(house: House, options: Options, tell: Tell) -> Outcome:
    """The house as it was given, live and judged."""
    with ExitStack() as stack:
        run_ = Run(house, options, tell, stack)
        stack.callback(run_.close)
        tell("waiting until all are ready")
        house.system.wait_until_ready()
        tell("loading the registers")
        run_.stage.load_registers()
        move_clocks(run_.scene.administrator, run_.scene.clock_ahead_seconds)
        run_.live()
        return run_.judge()


def write(outcome: Outcome, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(outcome.as_json(), ensure_ascii=False, indent=1, default=_plain) + "\n")


def _plain(value: Any) -> str:
    return str(value)


def _strangers(installation: Installation) -> Strangers:
    issuer = development_issuer(Settings(**installation.settings))
    nobody = uuid4()
    foreign = issuer.issue_token(f"patient-{nobody}", Role.PATIENT, patient_ref=nobody)
    expired = issuer.issue_token("administrator", Role.SYSTEM_ADMIN, lifetime_seconds=-EXPIRED_SINCE_SECONDS)
    return Strangers(expired, foreign)
