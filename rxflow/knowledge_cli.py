"""`rxflow load knowledge`: sends a set to review, which takes all of it or says what is wrong, row by row."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from contracts.topology import PORTS
from rxflow.client import Addresses, Connection, Session
from rxflow.client.failures import NoAnswer, Problem
from rxflow.load_cli import NOT_LOADABLE, SOME_NOT_TAKEN, administrator_token
from rxflow.running import settings_or_exit
from services.review.application.library import deflate
from services.review.domain.knowledge.files import Unreadable, gather

KIND = "knowledge"


def load_knowledge(console: Console, errors: Console, path: Path) -> int:
    """The exit status: 0 the set is in, 1 it was refused and nothing of it taken, 2 it cannot be read or sent."""
    try:
        document = gather(path)
    except Unreadable as error:
        errors.print(str(error), style="red", markup=False)
        return NOT_LOADABLE
    settings = settings_or_exit(errors)
    with Connection(Addresses({service: settings.peer(service) for service in PORTS})) as connection:
        session = Session(connection, administrator_token(settings, errors))
        try:
            answer = session.command("review", "/knowledge", {"deflated": deflate(document)}).body
        except Problem as problem:
            _tell(errors, problem)
            return SOME_NOT_TAKEN
        except NoAnswer as error:
            errors.print(str(error), style="red", markup=False)
            return NOT_LOADABLE
    entries = sum(answer["entries"].values())
    console.print(
        f"{answer['version']}: {entries} entries, {answer['result']}, in force from {answer['in_force_from']}"
    )
    return 0


def faults_table(rows: Iterable[Mapping[str, Any]]) -> Table:
    """What is wrong with a set, row by row."""
    table = Table("file", "entry", "what", "why")
    for row in rows:
        table.add_row(row["section"], row["entry"], row["what"], row["why"])
    return table


def _tell(errors: Console, problem: Problem) -> None:
    errors.print(f"{problem.code}: {problem.detail}", style="red", markup=False)
    rows: list[dict[str, Any]] = problem.facts.get("rows", [])
    if not rows:
        return
    errors.print(faults_table(rows))
    errors.print(f"{problem.facts['faults']} faults; nothing of the set was taken")
