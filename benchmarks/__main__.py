"""`python -m benchmarks [name…]`: measures, prints a table and fails when a gate does not hold."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib import import_module

from benchmarks.measuring import Figure

NAMES = ("store", "relay", "api", "effect", "screening", "reconciliation", "settlement", "intake", "retail")


def figures(names: list[str]) -> Iterator[Figure]:
    for name in names or NAMES:
        yield from import_module(f"benchmarks.{name}").figures()


def line(figure: Figure) -> str:
    gate = "" if figure.gate is None else f"{'>=' if figure.at_least else '<='} {figure.gate:g}"
    verdict = "" if figure.gate is None else "holds" if figure.holds else "FAILS"
    return f"| {figure.name} | {figure.value:.2f} {figure.unit} | {gate} | {verdict} | {figure.note} |"


def main(names: list[str]) -> int:
    print("| figure | measured | gate | | rates |\n|---|---|---|---|---|")
    failed = 0
    for figure in figures(names):
        print(line(figure), flush=True)
        failed += not figure.holds
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
