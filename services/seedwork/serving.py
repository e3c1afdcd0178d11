"""Entry points of a service's processes: `python -m services.<x> api` and `python -m services.<x> worker`."""

from __future__ import annotations

import argparse
import gc
import sys
from importlib import import_module
from typing import Any

GRACE_SECONDS = 3
"""With an open event stream uvicorn would ignore SIGTERM for ever."""


def api_app(name: str, settings: Any, around: Any = None) -> Any:
    """The ASGI application of one service, in these surroundings (`store.opening`) or the real ones."""
    from contracts.rates import RATES  # noqa: PLC0415
    from services.seedwork.api import create_app  # noqa: PLC0415 - a worker must not import it
    from services.seedwork.api.internal import router as internal  # noqa: PLC0415
    from services.seedwork.runtime import StoreRuntime  # noqa: PLC0415
    from services.seedwork.store.opening import REAL  # noqa: PLC0415

    around = around or REAL
    service = import_module(f"services.{name}.composition").SERVICE
    router = import_module(f"services.{name}.api").router
    runtime = StoreRuntime(service, settings, around)
    routers = (router, internal)
    return create_app(
        service,
        runtime,
        settings=settings,
        routers=routers,
        new_request_id=around.request_id,
        aside=around.aside,
        rates=RATES.get(name),
    )


def run_api(name: str, settings: Any) -> int:
    """Serves one api until it is told to stop."""
    import uvicorn  # noqa: PLC0415

    app = api_app(name, settings)
    leave_out_of_collections()
    uvicorn.run(
        app,
        host=settings.host,
        port=settings.port(name),
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
        timeout_keep_alive=30,
        server_header=False,
    )
    return 0


def leave_out_of_collections() -> None:
    """What was imported stays: looking through it again and again would stop everything for tens of milliseconds."""
    gc.collect()
    gc.freeze()


def run_workers(names: list[str], settings: Any) -> int:
    """Runs the workers of one or more services in this process until it is told to stop."""
    from services.seedwork import runner  # noqa: PLC0415 - makes the process green
    from services.seedwork.worker import WorkerRuntime, nameko_config, worker_class  # noqa: PLC0415

    runtimes = [WorkerRuntime(import_module(f"services.{name}.composition").SERVICE, settings) for name in names]
    leave_out_of_collections()
    for runtime in runtimes:
        runtime.open()
    try:
        return runner.run([worker_class(runtime) for runtime in runtimes], nameko_config(settings))
    finally:
        for runtime in runtimes:
            runtime.close()


def main(name: str, arguments: list[str] | None = None) -> int:
    """The command line of one service."""
    parser = argparse.ArgumentParser(prog=f"python -m services.{name}", description=f"Runs rxflow's {name} service.")
    parser.add_argument("role", choices=("api", "worker"), help="api: HTTP; worker: events, timers and the relay")
    role = parser.parse_args(arguments).role
    if role == "worker":
        import services.seedwork.green  # noqa: F401, PLC0415 - first: before anything that must be patched
    from services.seedwork.logs import configure_logging  # noqa: PLC0415
    from services.seedwork.settings import Settings  # noqa: PLC0415

    settings = Settings()
    configure_logging(settings.log_level)
    return run_api(name, settings) if role == "api" else run_workers([name], settings)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
