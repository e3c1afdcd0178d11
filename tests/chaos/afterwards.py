"""What happens when the load has ended: rest, every accepted command once more, the deadlines, an operator's look."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from time import monotonic

import httpx

from contracts.topology import PORTS
from rxflow.play.cast import Cast
from rxflow.play.journey import FINAL
from tests.chaos.deeds import Scene, move_clocks
from tests.chaos.load import Load
from tests.chaos.notes import Accepted, Breach
from tests.chaos.poison import dead_letters, poisoned
from tests.chaos.recovery import Watch
from tests.chaos.stories import Told
from tests.chaos.witness import send_again
from tests.faults.systems import rxflow

REST_SECONDS = 300.0
READY_SECONDS = 120.0
END_SECONDS = 180.0
STEP_SECONDS = 0.5
TELL_SECONDS = 15.0
REPLAY_THREADS = 6
REPLAYS_AT_ONCE = 200
TRIES_MAX = 20
PAST_ALL_DEADLINES_SECONDS = 4 * 24 * 3600
Tell = Callable[[str], None]


def until(condition: Callable[[], bool], seconds: float, tell: Tell, progress: Callable[[], str]) -> bool:
    """Whether it came about in time; tells now and then how far it is."""
    end = monotonic() + seconds
    told = monotonic()
    pause = Event()
    while not condition():
        if monotonic() > end:
            return False
        if monotonic() - told > TELL_SECONDS:
            told = monotonic()
            tell(progress())
        pause.wait(STEP_SECONDS)
    return True


def rest(load: Load, watch: Watch, tell: Tell) -> str:
    """Everybody has come to an end and every service is ready; otherwise what is not."""
    ended = until(
        lambda: load.under_way == 0, REST_SECONDS, tell, lambda: f"waiting for {load.under_way} prescriptions to end"
    )
    if not ended:
        return f"{load.under_way} prescriptions did not come to an end within {REST_SECONDS:g} s"
    return ready(watch, tell)


def ready(watch: Watch, tell: Tell) -> str:
    """Every service is; otherwise what is not."""
    if until(lambda: not watch.look().failing, READY_SECONDS, tell, lambda: f"not ready: {dict(watch.look().failing)}"):
        return ""
    return f"not ready: {dict(watch.look().failing)}"


def repeat(accepted: Sequence[Accepted], tell: Tell) -> list[Breach]:
    """Each accepted command again, under its key: the first answer again, said to be that."""
    breaches: list[Breach] = []
    with httpx.Client(timeout=30, trust_env=False) as http, ThreadPoolExecutor(REPLAY_THREADS) as pool:
        for first in range(0, len(accepted), REPLAYS_AT_ONCE):
            part = accepted[first : first + REPLAYS_AT_ONCE]
            breaches += [breach for found in pool.map(lambda each: list(_repeat(http, each)), part) for breach in found]
            if first and first % (25 * REPLAYS_AT_ONCE) == 0:
                tell(f"{first} of {len(accepted)} commands repeated")
    return breaches


def _repeat(http: httpx.Client, accepted: Accepted) -> Iterator[Breach]:
    response = None
    for _ in range(TRIES_MAX):
        try:
            response = send_again(http, accepted.sent)
        except httpx.TransportError:
            continue
        if response.status_code != 503:
            break
        Event().wait(STEP_SECONDS)
    sent = accepted.sent
    what = f"{sent.method} {sent.service}{sent.path}"
    if response is None or response.status_code >= 400:
        said = response.text[:200] if response is not None else "nothing"
        yield Breach("lost", f"{what} was accepted; its repeat got {said}", accepted.at)
    elif response.headers.get("Idempotent-Replay") != "true":
        yield Breach("doubled", f"{what} was accepted; its repeat was not the first answer again", accepted.at)
    elif response.status_code != accepted.status or response.content != accepted.body:
        yield Breach("lost", f"{what} was answered {accepted.body[:200]!r}, then {response.text[:200]}", accepted.at)


def let_deadlines_pass(scene: Scene, cast: Cast, told: Iterable[Told], tell: Tell) -> None:
    """The clock moves on past every deadline; returns when all have ended, or nothing ends any more."""
    move_clocks(scene.administrator, scene.clock_ahead_seconds + PAST_ALL_DEADLINES_SECONDS)
    left = {each.prescription_id: each for each in told if each.journey is not None and each.step != "issuing"}

    def all_ended() -> bool:
        for name, each in list(left.items()):
            assert each.journey is not None
            if str(cast.prescriber(each.plan.doctor).prescription(each.journey.prescription_id)["status"]) in FINAL:
                del left[name]
        return not left

    until(all_ended, END_SECONDS, tell, lambda: f"{len(left)} prescriptions have not ended yet")


def operator_look(scene: Scene, watch: Watch, tell: Tell) -> dict[str, str]:
    """What the command line says; empty where all is well."""
    found = {"readiness": ready(watch, tell)}
    for service in PORTS:
        verified = rxflow(scene.house.installation, "verify", service)
        found[f"verify {service}"] = "" if verified.returncode == 0 else verified.stdout[-500:] + verified.stderr[-500:]
        letters = dead_letters(scene.house.installation, service)
        found[f"dead letters {service}"] = f"{len(letters)} wait for a person" if letters else ""
    waiting = poisoned(scene.house)
    if waiting > scene.undecodable:
        found["poison queue"] = f"{waiting} messages, {scene.undecodable} were put there"
    elif waiting < scene.undecodable:
        found["poison queue"] = f"{waiting} messages of {scene.undecodable}: some were lost"
    return found
