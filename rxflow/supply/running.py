"""One run: worlds of consecutive seeds, lived and watched, with thresholds from calm worlds of other seeds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from rxflow.supply.living import lived
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
    total = worlds * setting.drugs
    for number, each in enumerate(seeds):
        world = lived(setting, each)
        result.episodes += world.episodes
        result.silences.add(world, policy.detection)
        for drug in range(setting.drugs):
            episodes = [episode for episode in world.episodes if episode.drug == drug]
            for name, alarms in watched(world, drug, each, policy.detection, tuning).items():
                score = result.scores.setdefault(name, Score())
                score.add(episodes, alarms, setting.history, setting.days)
            progress(number * setting.drugs + drug + 1, total)
    return result
