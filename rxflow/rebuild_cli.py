"""`rxflow rebuild`: asks the leader to make read models anew, from event one."""

from __future__ import annotations

from importlib import import_module

from rich.console import Console

from services.seedwork.projector import ask_for_rebuild
from services.seedwork.settings import Settings
from services.seedwork.store.opening import blocking_database


def rebuild_read_models(console: Console, errors: Console, settings: Settings, service: str, only: str | None) -> int:
    """0: asked for, 2: there is no such read model."""
    projections = import_module(f"services.{service}.composition").SERVICE.projections
    chosen = [each for each in projections if only in {None, each.name}]
    if not chosen:
        names = ", ".join(each.name for each in projections)
        errors.print(f"{service} has no read model {only}: there are {names}", style="red", markup=False)
        return 2
    database = blocking_database(settings.service_database_url(service), 1)
    database.open()
    try:
        for projection in chosen:
            ask_for_rebuild(database, projection)
            console.print(f"{projection.name} is made anew by the worker that leads; until then its old rows answer")
    finally:
        database.close()
    return 0
