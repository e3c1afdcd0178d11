"""`rxflow restored` and `rxflow restore-check`: a store came back from a backup and its consumers remember more.

1. stop the service, restore its database
2. rxflow restored SERVICE          the epoch is raised; commands are refused, nothing is published
3. start the service
4. rxflow restore-check SERVICE     streams of which consumers know more are set aside; all others go on
5. rxflow release-stream SERVICE STREAM   a person has looked: the stream goes on
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer
from rich.console import Console
from rich.table import Table

from contracts.topology import PORTS

if TYPE_CHECKING:
    from services.seedwork.settings import Settings

console = Console()
errors = Console(stderr=True)

SET_ASIDE = 1
WRONG_USE = 2
NOT_DECIDED = 3
Stream = Annotated[UUID, typer.Argument(help="The stream, as restore-check or readiness names it.", metavar="STREAM")]
Service = Annotated[str, typer.Argument(help="Whose database was restored.", metavar="SERVICE")]


def restored(service: Service) -> None:
    """Say that a service's database was restored from a backup, before the service is started again.

    Until `rxflow restore-check` it refuses commands and publishes nothing.
    """
    from services.seedwork.restoring import declare_restored  # noqa: PLC0415

    with _store(service, _settings()) as database:
        epoch = declare_restored(database)
    console.print(f"{service}: epoch {epoch}; commands are refused until `rxflow restore-check {service}`")


def restore_check(service: Service) -> None:
    """Compare a restored service with what its consumers have handled of it, and let commands in again.

    Exit status: 0 nothing differs, 1 streams were set aside for a person, 3 a consumer did not answer (nothing is
    decided; try again).
    """
    import httpx  # noqa: PLC0415

    from services.seedwork.identity import service_token  # noqa: PLC0415
    from services.seedwork.restoring import check, consumers_of, handled_by_http  # noqa: PLC0415

    settings = _settings()
    with _store(service, settings) as database:
        try:
            ahead = check(database, service, handled_by_http(service, settings.peer, service_token(settings, service)))
        except httpx.HTTPError as error:
            errors.print(f"not decided: {error} ({', '.join(consumers_of(service))} must answer)", style="red")
            raise typer.Exit(NOT_DECIDED) from None
    if not ahead:
        console.print(f"{service}: no consumer is ahead; commands are let in again")
        return
    table = Table("stream", "number", "handled by", title=f"{len(ahead)} set aside; all others go on")
    for each in ahead:
        table.add_row(str(each.stream_id), str(each.public_seq), each.consumer)
    console.print(table)
    raise typer.Exit(SET_ASIDE)


def release_stream(service: Service, stream: Stream) -> None:
    """Let a stream that was set aside go on; it is published again, and nothing takes effect twice.

    Exit status: 0 released, 1 it was not set aside.
    """
    from services.seedwork.restoring import release  # noqa: PLC0415

    with _store(service, _settings()) as database:
        released = release(database, service, stream)
    if not released:
        errors.print(f"{stream} was not set aside by {service}", style="red")
        raise typer.Exit(1)
    console.print(f"{stream} goes on")


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    app.command("release-stream")(release_stream)
    app.command("restored")(restored)
    app.command("restore-check")(restore_check)


def _settings() -> Settings:
    from rxflow.running import settings_or_exit  # noqa: PLC0415

    return settings_or_exit(errors)


@contextmanager
def _store(service: str, settings: Settings) -> Iterator[Any]:
    from services.seedwork.store.opening import blocking_database  # noqa: PLC0415

    if service not in PORTS:
        errors.print(f"no service {service}: there are {', '.join(PORTS)}", style="red")
        raise typer.Exit(WRONG_USE)
    database = blocking_database(settings.service_database_url(service), 1)
    database.open()
    try:
        yield database
    finally:
        database.close()
