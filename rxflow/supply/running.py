"""One run: worlds of consecutive seeds, lived and watched, with thresholds from calm worlds of other seeds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import count

from rxflow.supply.living import Lived, lived
from rxflow.supply.scoring import Score
from rxflow.supply.setting import Episode, Setting
from rxflow.supply.silences import SilenceScore
from rxflow.supply.tuning import tuned
from rxflow.supply.watching import Tuning, watched
from services.shortage.domain.policy import ShortagePolicy

CALM_OFFSET = 1_000_000
"""Seeds of calm worlds are so far from those of judged ones."""
CALM_DRUGS = 30


@dataclass
class Result:
    """What a run found."""

    setting: Setting
    policy: ShortagePolicy
    seeds: tuple[int, ...]
    calm_seeds: tuple[int, ...]
    tuning: Tuning
    scores: dict[str, Score] = field(default_factory=dict)
    calm: dict[str, Score] = field(default_factory=dict)
    """Of the calm worlds, in which every alarm is false and nothing hides one."""
    episodes: list[Episode] = field(default_factory=list)
    silences: SilenceScore = field(default_factory=SilenceScore)


def run(
    policy: ShortagePolicy,
    setting: Setting,
    seed: int,
    worlds: int = 1,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> Result:
    """Lives `worlds` worlds from `seed` on. `progress(done, total)` hears of every drug."""
    calm = replace(setting, drugs=min(setting.drugs, CALM_DRUGS))
    calm_seeds = (seed + CALM_OFFSET,)
    tuning = tuned(policy.detection, calm, calm_seeds)
    seeds = tuple(range(seed, seed + worlds))
    result = Result(setting, policy, seeds, calm_seeds, tuning)
    total = worlds * setting.drugs + len(calm_seeds) * calm.drugs
    done = count(1)

    def told() -> None:
        progress(next(done), total)

    for each in calm_seeds:
        _judge(lived(replace(calm, calm=True), each), each, policy, tuning, result.calm, told)
    for each in seeds:
        world = lived(setting, each)
        result.episodes += world.episodes
        result.silences.add(world, policy.detection)
        _judge(world, each, policy, tuning, result.scores, told)
    return result


def _judge(
    world: Lived,
    seed: int,
    policy: ShortagePolicy,
    tuning: Tuning,
    scores: dict[str, Score],
    told: Callable[[], None],
) -> None:
    """Every drug of a world."""
    for drug in range(world.setting.drugs):
        episodes = [episode for episode in world.episodes if episode.drug == drug]
        for name, alarms in watched(world, drug, seed, policy.detection, tuning).items():
            scores.setdefault(name, Score()).add(episodes, alarms, world.setting.history, world.setting.days)
        told()
