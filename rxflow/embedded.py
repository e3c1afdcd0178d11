"""The two processes of an embedded installation: all five apis, or all five workers.

python -m rxflow.embedded api|worker
"""

from __future__ import annotations

import sys

from contracts.topology import PORTS
from rxflow import lifeline

USAGE = "usage: python -m rxflow.embedded api|worker"


def run_apis() -> int:
    """Five applications in one process, each on its port."""
    from rxflow.serving import serve  # noqa: PLC0415 - a worker must not load it
    from services.seedwork.logs import configure_logging  # noqa: PLC0415
    from services.seedwork.serving import api_app  # noqa: PLC0415
    from services.seedwork.settings import Settings  # noqa: PLC0415

    settings = Settings()
    configure_logging(settings.log_level)
    return serve([(api_app(name, settings), settings.port(name)) for name in PORTS], host=settings.host)


def run_workers() -> int:
    """Five containers in one process; the in-process broker lives here."""
    import services.seedwork.green  # noqa: F401, PLC0415 - first: before anything that must be patched
    from services.seedwork.logs import configure_logging  # noqa: PLC0415
    from services.seedwork.serving import run_workers as run  # noqa: PLC0415
    from services.seedwork.settings import Settings  # noqa: PLC0415

    settings = Settings()
    configure_logging(settings.log_level)
    return run(list(PORTS), settings)


def main(arguments: list[str]) -> int:
    match arguments:
        case ["api"]:
            lifeline.hold_on()
            return run_apis()
        case ["worker"]:
            lifeline.hold_on()
            return run_workers()
        case _:
            print(USAGE, file=sys.stderr)  # noqa: T201
            return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
