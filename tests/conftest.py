"""Profiles of the whole suite: `RXFLOW_TEST_PROFILE` is dev (default), ci or nightly.

They say how many examples Hypothesis tries and whether tests marked `nightly` run. The seed of a run is printed and can
be given again with `--hypothesis-seed`; workers of a parallel run share it through the environment.
"""

import os
import random

import pytest
from hypothesis import HealthCheck, core, settings

pytest_plugins = ("tests.support.plugin",)

SEED = "RXFLOW_TEST_SEED"
PROFILE = os.environ.get("RXFLOW_TEST_PROFILE", "dev")

for name, examples in (("dev", 30), ("ci", 100), ("nightly", 2000)):
    settings.register_profile(
        name,
        max_examples=examples,
        deadline=None,  # a loaded machine is no failure
        print_blob=True,
        suppress_health_check=[HealthCheck.too_slow],
    )
settings.load_profile(PROFILE)


def pytest_configure(config: pytest.Config) -> None:
    if core.global_force_seed is None:
        core.global_force_seed = int(os.environ.setdefault(SEED, str(random.getrandbits(32))))


def pytest_runtest_setup(item: pytest.Item) -> None:
    if PROFILE != "nightly" and item.get_closest_marker("nightly"):
        pytest.skip("nightly only")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    terminalreporter.write_line(f"hypothesis: profile {PROFILE}, --hypothesis-seed={core.global_force_seed}")
