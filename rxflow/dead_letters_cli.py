"""`rxflow dead-letters`: events a consumer could not handle, and what a person decides about them."""

from __future__ import annotations

import getpass
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from contracts.topology import PORTS

if TYPE_CHECKING:
    from services.seedwork.dead_letters import DeadLetter

app = typer.Typer(
    help="Events that were set aside because a consumer could not handle them. Their stream waits behind them.",
    no_args_is_help=True,
)
console = Console()
errors = Console(stderr=True)

SHOWN_MAX = 50
Service = Annotated[str, typer.Argument(help="The consumer: one of its dead letters is meant.", metavar="SERVICE")]
Number = Annotated[int, typer.Argument(help="Number of the dead letter.", metavar="ID")]


@app.command("list")
def list_letters(
    service: Annotated[str | None, typer.Argument(help="Only this consumer's.", metavar="[SERVICE]")] = None,
) -> None:
    """List those that wait for a person, the oldest first."""
    from services.seedwork import dead_letters  # noqa: PLC0415

    table = Table("service", "id", "event", "of", "number", "since", "reason")
    for name in [service] if service else PORTS:
        with _store(name) as database:
            for letter in dead_letters.waiting(database, page=SHOWN_MAX):
                place = (letter.envelope.type, str(letter.stream_id), str(letter.public_seq))
                table.add_row(name, str(letter.id), *place, letter.poisoned_at, letter.reason)
    if table.row_count:
        console.print(table)
    else:
        console.print("no dead letters")


@app.command()
def show(service: Service, number: Number) -> None:
    """Show one, with its envelope. Personal fields are sealed."""
    from services.seedwork import dead_letters  # noqa: PLC0415

    with _store(service) as database:
        letter = dead_letters.show(database, number)
    console.print_json(json.dumps(_shown(letter)))


@app.command()
def replay(service: Service, number: Number) -> None:
    """Let the consumer try again, once the cause is mended."""
    from services.seedwork import dead_letters  # noqa: PLC0415

    with _store(service) as database:
        letter = dead_letters.replay(database, number, getpass.getuser())
    console.print(f"{letter.envelope.type} is tried again; its stream goes on behind it")


@app.command()
def skip(
    service: Service,
    number: Number,
    reason: Annotated[str, typer.Option(help="Why it may stay without effect; kept with your name.", min=1)],
) -> None:
    """Pass it without an effect, on your word: the stream goes on behind it."""
    from services.seedwork import dead_letters  # noqa: PLC0415

    if not reason.strip():
        errors.print("say why: --reason", style="red")
        raise typer.Exit(2)
    with _store(service) as database:
        letter = dead_letters.skip(database, number, getpass.getuser(), reason.strip())
    console.print(f"{letter.envelope.type} is skipped; its stream goes on behind it")


@app.command()
def discard(
    service: Service,
    number: Number,
    reason: Annotated[str, typer.Option(help="Why; kept with your name.", min=1)],
) -> None:
    """Throw away one that was altered on its way, or a fork of what is handled; the producer's own copy counts."""
    from services.seedwork import dead_letters  # noqa: PLC0415

    if not reason.strip():
        errors.print("say why: --reason", style="red")
        raise typer.Exit(2)
    with _store(service) as database:
        letter = dead_letters.discard(database, number, getpass.getuser(), reason.strip())
    console.print(f"what was kept of {letter.envelope.type} is discarded; its producer's own copy counts")


@contextmanager
def _store(service: str) -> Iterator[Any]:
    """The consumer's database. A letter that is not there, or cannot be skipped, ends the command."""
    from rxflow.running import settings_or_exit  # noqa: PLC0415
    from services.seedwork.dead_letters import Genuine, NoSuchLetter, NotNext  # noqa: PLC0415
    from services.seedwork.store.opening import blocking_database  # noqa: PLC0415

    if service not in PORTS:
        errors.print(f"no service {service}: there are {', '.join(PORTS)}", style="red")
        raise typer.Exit(2)
    database = blocking_database(settings_or_exit(errors).service_database_url(service), 1)
    database.open()
    try:
        yield database
    except NoSuchLetter as error:
        errors.print(f"no dead letter {error}", style="red", markup=False)
        raise typer.Exit(1) from None
    except NotNext as error:
        errors.print(f"cannot skip number {error}", style="red", markup=False)
        raise typer.Exit(1) from None
    except Genuine as error:
        errors.print(f"dead letter {error} was not altered: replay or skip it", style="red", markup=False)
        raise typer.Exit(1) from None
    finally:
        database.close()


def _shown(letter: DeadLetter) -> dict[str, Any]:
    return {
        "id": letter.id,
        "consumer": letter.consumer,
        "upstream": letter.upstream,
        "reason": letter.reason,
        "poisoned_at": letter.poisoned_at,
        "settled": letter.settled,
        "envelope": json.loads(letter.envelope.to_wire()),
    }
