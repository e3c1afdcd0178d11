"""The command line. Heavy things are imported by the commands that need them: `rxflow --help` is quick."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated, NoReturn
from uuid import UUID

import typer
from rich.console import Console

from contracts.roles import Role
from contracts.topology import PORTS
from rxflow import bench_cli, courier_cli, dead_letters_cli, reconcile_cli, restore_cli, simulate_cli, webhooks_cli

app = typer.Typer(
    name="rxflow",
    help="Electronic prescriptions: circulation, retail fill, insurance settlement and shortage monitoring.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(bench_cli.app, name="bench")
app.add_typer(dead_letters_cli.app, name="dead-letters")
app.add_typer(simulate_cli.app, name="simulate")
app.add_typer(webhooks_cli.app, name="webhooks")
restore_cli.register(app)
app.command()(courier_cli.courier)
app.command()(reconcile_cli.reconcile)
console = Console()
errors = Console(stderr=True)

WRONG_USE = 2
World = Annotated[bool, typer.Option("--world", help="Load the demo world's registers, so that its people can work.")]
Logs = Annotated[Path | None, typer.Option(help="Directory for the processes' logs; default: their output is shown.")]
Organisation = Annotated[str | None, typer.Option(help="Code of the institution, pharmacy, courier or insurer.")]
Subject = Annotated[str | None, typer.Option(help="Who: a person's code. Default: the demo world's first.")]
KINDS = (
    "person, institution, review_agreement, drug, family_contract, pharmacy, courier, insurer, designation, "
    "catalogue_entry, audit_rules, benefit_policy, delivery_tariff, stock, orders, members, assistance, filings, "
    "direct_reports, price_jumps, stop_notices, drug_lists, openfda_shortages, canada_shortages, shortage_register, "
    "knowledge or revocation"
)
IN_BULK = {"stock", "orders", "members", "assistance", "filings"}
REPORTS = {
    "direct_reports",
    "price_jumps",
    "stop_notices",
    "drug_lists",
    "openfda_shortages",
    "canada_shortages",
    "shortage_register",
}
REVOCATION = "revocation"
File = Annotated[
    Path,
    typer.Argument(
        help="CSV with a header, or a JSON list; of supply also XLSX; knowledge: a directory or a document; "
        "revocation: a CRL.",
        exists=True,
    ),
]
Keep = Annotated[Path | None, typer.Option(help="Keep data and logs here. Default: var/demo, replaced each time.")]
ServiceName = Annotated[str, typer.Argument(help=f"One of {', '.join(PORTS)}.", metavar="SERVICE")]


@app.command()
def up(
    *,
    world: World = False,
    logs: Logs = None,
) -> None:
    """Run the whole system on this machine until Ctrl-C: migrated, supervised, restarted where something dies.

    By default it keeps its data in ./var and is in development mode: it prints a token for each role.
    """
    from rxflow.up import run_up  # noqa: PLC0415

    raise typer.Exit(run_up(console, load_world=world, logs=logs))


@app.command()
def serve(
    service: ServiceName,
    *,
    api: Annotated[bool, typer.Option("--api", help="Serve commands and queries over HTTP.")] = False,
    worker: Annotated[bool, typer.Option("--worker", help="Take events, run timers and the relay.")] = False,
) -> None:
    """Run one process of one service, in the foreground, as RXFLOW_* says."""
    import os  # noqa: PLC0415

    _known(service)
    if api == worker:
        _fail("say either --api or --worker", WRONG_USE)
    # Replaces this process: a worker must be made cooperative before anything else is imported.
    kind = "api" if api else "worker"
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-m", f"services.{service}", kind])  # noqa: S606


@app.command()
def migrate() -> None:
    """Bring all databases to the current tables; does nothing where they are."""
    from rxflow.running import migrate_all, settings_or_exit  # noqa: PLC0415

    for name, revisions in migrate_all(settings_or_exit(errors)):
        console.print(f"{name:<10} {', '.join(revisions)}")


@app.command()
def token(
    role: Annotated[Role, typer.Option(help="The role of the bearer.")],
    subject: Subject = None,
    organisation: Organisation = None,
    patient_ref: Annotated[UUID | None, typer.Option(help="A patient's reference.")] = None,
    region: Annotated[str | None, typer.Option(help="Division code, GB/T 2260.")] = None,
    hours: Annotated[float, typer.Option(min=0.01, max=24 * 30, help="How long it is accepted.")] = 12,
) -> None:
    """Print a bearer token of the development issuer (RXFLOW_DEVELOPMENT=1)."""
    from rxflow.running import settings_or_exit  # noqa: PLC0415
    from rxflow.tokens import Bearer, bearer_of, issuer_or_exit, token_for  # noqa: PLC0415

    bearer = Bearer(role, subject, organisation, patient_ref, region) if subject else bearer_of(role)
    if bearer is None:
        _fail(f"the demo world has nobody for the role {role.value}: say --subject", WRONG_USE)
    issuer = issuer_or_exit(settings_or_exit(errors), errors)
    typer.echo(token_for(issuer, bearer, int(hours * 3600)))


@app.command()
def certify(
    code: Annotated[str, typer.Argument(help="The person's code.")],
    public_key: Annotated[Path, typer.Argument(help="Their P-256 public key as JWK.", exists=True, dir_okay=False)],
) -> None:
    """Print a certificate of the development authority for a person's key (RXFLOW_DEVELOPMENT=1)."""
    import json  # noqa: PLC0415

    from rxflow import development_authority  # noqa: PLC0415
    from rxflow.running import settings_or_exit  # noqa: PLC0415
    from services.seedwork.failures import ConfigurationError  # noqa: PLC0415

    try:
        jwk = json.loads(public_key.read_text())
        typer.echo(development_authority.certify(settings_or_exit(errors), code, jwk), nl=False)
    except ConfigurationError as error:
        _fail(str(error), 1)
    except (ValueError, AttributeError) as error:
        _fail(f"{public_key} is no P-256 public key: {error}", WRONG_USE)


@app.command()
def load(
    kind: Annotated[str, typer.Argument(help=KINDS)],
    file: File,
    *,
    quiet: Annotated[bool, typer.Option("--quiet", help="Show only the rows that were not taken.")] = False,
    pharmacy: Annotated[str | None, typer.Option(help="stock, orders: whose, where the file does not say.")] = None,
    reporter: Annotated[str | None, typer.Option(help="Reports: whose, where the file does not say.")] = None,
    trust: Annotated[str, typer.Option(help="Reports: own, official or third_party.")] = "official",
    mapping: Annotated[
        Path | None, typer.Option(help="Registers: JSON, what their columns and words mean here.", exists=True)
    ] = None,
) -> None:
    """Load reference data into the service that owns it, row by row. The same file again changes nothing.
    A revocation list of a certificate authority goes into this machine's trust directory; its apis see it in a second.

    Opening stock and running orders of pharmacies, and what insurers say of their members (CSV in UTF-8 or GB18030),
    are booked row by row, each row once.

    Reports of supply, makers' stop notices, jumps of prices and public registers of shortages (openFDA, Drug Shortages
    Canada, any other by a mapping; CSV, JSON, XLSX) are read as a stream and kept once by key and content.

    A set of knowledge is loaded whole, from its own day on, or not at all.

    Exit status: 0 all rows are in, 1 some were not taken, 2 the file cannot be loaded at all.
    The token is taken from RXFLOW_TOKEN, or made by the development issuer.
    """
    from rxflow.knowledge_cli import KIND, load_knowledge  # noqa: PLC0415
    from rxflow.load_cli import load_file, load_revocation  # noqa: PLC0415

    if kind == KIND:
        raise typer.Exit(load_knowledge(console, errors, file))
    if kind in IN_BULK:
        from rxflow.bulk_cli import load_file_in_bulk  # noqa: PLC0415

        raise typer.Exit(load_file_in_bulk(console, errors, kind, file, pharmacy, quiet=quiet))
    if kind in REPORTS:
        from rxflow.report_cli import load_file_of_reports  # noqa: PLC0415

        raise typer.Exit(
            load_file_of_reports(
                console, errors, kind, file, reporter=reporter, trust=trust, mapping=mapping, quiet=quiet
            )
        )
    if kind == REVOCATION:
        raise typer.Exit(load_revocation(console, errors, file))
    raise typer.Exit(load_file(console, errors, kind, file, quiet=quiet))


@app.command("replay-review")
def replay_review(
    knowledge: Annotated[Path, typer.Option(help="The set to try: a directory or a JSON document.", exists=True)],
    since: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="Cases opened on this day or later.")],
    out: Annotated[Path | None, typer.Option(help="Write the differences here, as JSON.", dir_okay=False)] = None,
) -> None:
    """Screen past cases with another set of knowledge and show which decisions would differ, and what would be told.

    Nothing is changed. Exit status: 0 no decision would differ, 1 some would, 2 the set cannot be read.
    """
    from rxflow.replay_cli import replay_review as replayed  # noqa: PLC0415
    from rxflow.running import settings_or_exit  # noqa: PLC0415

    raise typer.Exit(replayed(console, errors, settings_or_exit(errors), knowledge, since.date(), out))


@app.command("replay-audit")
def replay_audit(
    rules: Annotated[Path, typer.Option(help="The set of rules to try: a JSON document.", exists=True, dir_okay=False)],
    since: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="Supplies claimed on this day or later.")],
    out: Annotated[Path | None, typer.Option(help="Write the differences here, as JSON.", dir_okay=False)] = None,
) -> None:
    """Audit past supplies with another set of rules and show what would have been found. Nothing is changed.

    Exit status: 0 nothing would differ, 1 something would, 2 the set cannot be read.
    """
    from rxflow.audit_replay_cli import replay_audit as replayed  # noqa: PLC0415
    from rxflow.running import settings_or_exit  # noqa: PLC0415

    raise typer.Exit(replayed(console, errors, settings_or_exit(errors), rules, since.date(), out))


@app.command()
def verify(
    service: ServiceName,
    public_key: Annotated[
        Path | None, typer.Option(help="JWK of the checkpoint key; default: the installation's own.", exists=True)
    ] = None,
) -> None:
    """Check that a store is what it was: every stream's chain, every signed checkpoint, and their witness.

    Exit status: 0 all holds, 1 not.
    """
    from rxflow.running import settings_or_exit  # noqa: PLC0415
    from rxflow.verify_cli import verify_store  # noqa: PLC0415

    _known(service)
    raise typer.Exit(verify_store(console, settings_or_exit(errors), service, public_key))


@app.command()
def rebuild(
    service: ServiceName,
    only: Annotated[str | None, typer.Argument(help="One read model; default: all of them.", metavar="NAME")] = None,
) -> None:
    """Make a service's read models anew, from event one. Lists answer with the old rows until the new ones are whole.

    Exit status: 0 the leading worker is asked, 2 there is no such read model.
    """
    from rxflow.rebuild_cli import rebuild_read_models  # noqa: PLC0415
    from rxflow.running import settings_or_exit  # noqa: PLC0415

    _known(service)
    raise typer.Exit(rebuild_read_models(console, errors, settings_or_exit(errors), service, only))


@app.command()
def demo(keep: Keep = None) -> None:
    """Play the main job in an installation of its own: 30 prescriptions from signature to settlement.

    Exit status: 0 all ended as written, 1 not.
    """
    from rxflow.demo import run_demo  # noqa: PLC0415

    raise typer.Exit(run_demo(console, keep))


def main() -> None:
    """The entry point of the `rxflow` script."""
    app()


def _known(service: str) -> None:
    if service not in PORTS:
        _fail(f"no service {service}: there are {', '.join(PORTS)}", WRONG_USE)


def _fail(text: str, status: int = 1) -> NoReturn:
    errors.print(text, style="red", markup=False)
    raise typer.Exit(status)


if __name__ == "__main__":
    main()
