"""`rxflow webhooks`: where a party is called, what could not be delivered, and what a person decides about it.

It asks the running service as the party itself, so the log names who decided, and nobody sees another's endpoints.
"""

from __future__ import annotations

import getpass
import os
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING, Annotated, cast

import typer
from rich.console import Console
from rich.table import Table

from contracts.roles import Role
from contracts.topology import PORTS

if TYPE_CHECKING:
    from rxflow.client.subscriber import Subscriber
    from rxflow.client.transport import Service as Caller

app = typer.Typer(help="Webhook endpoints of a party, and messages that could not be delivered.", no_args_is_help=True)
console = Console(soft_wrap=True)
errors = Console(stderr=True, soft_wrap=True)

SHOWN_MAX = 200
REFUSED, WRONG_USE = 1, 2
BEARERS = {"insurance": Role.INSURANCE_OFFICER, "shortage": Role.REGULATOR}
"""Who has endpoints there."""
Service = Annotated[str, typer.Argument(help=f"One of {', '.join(BEARERS)}.", metavar="SERVICE")]
Endpoint = Annotated[str, typer.Argument(help="The endpoint's id.", metavar="ENDPOINT")]
Place = Annotated[int, typer.Argument(help="The message's place, as the list of dead letters has it.", min=0)]
Party = Annotated[
    str | None,
    typer.Option(help="The insurer's code, or the authority's region. Not needed with a token in RXFLOW_TOKEN."),
]


@app.command("list")
def list_endpoints(service: Service, party: Party = None) -> None:
    """List the party's endpoints: how each stands, what waits, what is dead."""
    table = Table("endpoint", "url", "kinds", "status", "waiting", "dead", "failures")
    with _subscriber(service, party) as subscriber:
        rows = list(islice(subscriber.endpoints(), SHOWN_MAX + 1))
        for each in rows[:SHOWN_MAX]:
            status = f"{each['status']}: {each['reason']}" if each["reason"] else each["status"]
            counts = (str(each[name]) for name in ("waiting", "dead", "failures"))
            table.add_row(each["endpoint_id"], each["url"], ", ".join(each["kinds"]), status, *counts)
    _show(table, len(rows), "no endpoints")


@app.command("dead")
def list_dead(service: Service, endpoint: Endpoint, party: Party = None) -> None:
    """List what could not be delivered and waits for a person; the rest of its stream waits behind it."""
    table = Table("place", "kind", "of", "message", "attempts", "last answer", "since")
    with _subscriber(service, party) as subscriber:
        rows = list(islice(subscriber.deliveries(endpoint, "dead"), SHOWN_MAX + 1))
        for each in rows[:SHOWN_MAX]:
            told = (each["kind"], each["stream_id"], each["message_id"], str(each["attempts"]))
            last = each["error"] if each["answer"] is None else each["answer"]
            table.add_row(str(each["place"]), *told, str(last), each["made_at"])
    _show(table, len(rows), "no dead letters")


@app.command()
def replay(service: Service, endpoint: Endpoint, place: Place, party: Party = None) -> None:
    """Try one again, with all its attempts and under its id, once the cause is mended."""
    with _subscriber(service, party) as subscriber:
        subscriber.replay(endpoint, place)
    console.print(f"{place} is sent again; its stream goes on behind it")


@app.command()
def skip(
    service: Service,
    endpoint: Endpoint,
    place: Place,
    reason: Annotated[str, typer.Option(help="Why the party goes without it; kept with the token's person.")],
    party: Party = None,
) -> None:
    """Go without one: its stream goes on behind it."""
    with _subscriber(service, party) as subscriber:
        subscriber.skip(endpoint, place, reason)
    console.print(f"{place} is skipped; its stream goes on behind it")


def _show(table: Table, found: int, nothing: str) -> None:
    console.print(table if found else nothing)
    if found > SHOWN_MAX:
        console.print(f"the first {SHOWN_MAX} are shown; there are more")


@contextmanager
def _subscriber(service: str, party: str | None) -> Iterator[Subscriber]:
    """The party at the running service; what it refuses, or does not answer, ends the command."""
    from rxflow.client import Addresses, Connection, Session  # noqa: PLC0415
    from rxflow.client.failures import NoAnswer, Problem  # noqa: PLC0415
    from rxflow.client.subscriber import Subscriber  # noqa: PLC0415
    from rxflow.running import settings_or_exit  # noqa: PLC0415

    if service not in BEARERS:
        errors.print(f"{service} calls nobody: {', '.join(BEARERS)} do", style="red", markup=False)
        raise typer.Exit(WRONG_USE)
    settings = settings_or_exit(errors)
    token = os.environ.get("RXFLOW_TOKEN") or _development_token(service, party)
    with Connection(Addresses({each: settings.peer(each) for each in PORTS})) as connection:
        try:
            yield Subscriber(Session(connection, token), cast("Caller", service))
        except (Problem, NoAnswer) as error:
            errors.print(str(error), style="red", markup=False)
            raise typer.Exit(REFUSED) from None


def _development_token(service: str, party: str | None) -> str:
    """Of the development issuer, in the name of whoever is at this machine."""
    from rxflow.running import settings_or_exit  # noqa: PLC0415
    from rxflow.tokens import issuer_or_exit  # noqa: PLC0415

    if party is None:
        errors.print("say --party, or set RXFLOW_TOKEN", style="red", markup=False)
        raise typer.Exit(WRONG_USE)
    issuer, role = issuer_or_exit(settings_or_exit(errors), errors), BEARERS[service]
    region = party if role is Role.REGULATOR else None
    return issuer.issue_token(getpass.getuser(), role, organisation=None if region else party, region=region)
