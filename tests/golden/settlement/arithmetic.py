"""Reads the golden examples and does their sums again, with nothing of the product: whole numbers as written."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).parent
PARTS = ("own", "over", "first", "scope")
FUNDS = ("hifp", "cvlserv", "hifes", "hifmi", "hifob", "maf", "commercial")
PAYERS = (*FUNDS, "acct", "patient")
Steps = Mapping[str, tuple[str, str, int]]


def half_up(numerator: int, denominator: int) -> int:
    return numerator // denominator + (2 * (numerator % denominator) >= denominator)


OPERATIONS: Mapping[type[ast.operator], Callable[[int, int], int]] = {
    ast.Add: lambda left, right: left + right,
    ast.Sub: lambda left, right: left - right,
    ast.Mult: lambda left, right: left * right,
    ast.FloorDiv: lambda left, right: left // right,
}
FUNCTIONS: Mapping[str, Callable[..., int]] = {"half_up": half_up, "min": min, "max": max}


def value_of(arithmetic: str) -> int:
    """What an arithmetic comes to. Only whole numbers, + - * //, min, max and half_up; anything else is an error."""
    return _value(ast.parse(str(arithmetic), mode="eval").body)


def _value(node: ast.expr) -> int:
    match node:
        case ast.Constant(value=int() as value) if not isinstance(value, bool):
            return value
        case ast.BinOp(left=left, op=operation, right=right):
            return OPERATIONS[type(operation)](_value(left), _value(right))
        case ast.Call(func=ast.Name(id=name), args=arguments):
            return FUNCTIONS[name](*(_value(argument) for argument in arguments))
        case _:
            raise ValueError(f"not an arithmetic of whole numbers: {ast.dump(node)}")


def tables() -> dict[str, Any]:
    return dict(yaml.safe_load((HERE / "tables.yaml").read_text(encoding="utf-8")))


def files() -> Iterator[dict[str, Any]]:
    for path in sorted(HERE.glob("[0-9]-*.yaml")):
        yield yaml.safe_load(path.read_text(encoding="utf-8"))


def of_kind(kind: str) -> dict[str, dict[str, Any]]:
    """The examples of one kind (cases, years, parts) by their ids, each with its source."""
    found: dict[str, dict[str, Any]] = {}
    for file in files():
        for name, example in file.get(kind, {}).items():
            assert name not in found, f"{name} is there twice"
            found[name] = {"source": file["source"], "insured_in": file.get("insured_in", "310100"), **example}
    return found


def complaints(steps: Steps) -> list[str]:
    """What is wrong with the steps of one claim: a sum, or an identity between them."""
    wrong = [
        f"{name}: {arithmetic} is {value_of(arithmetic)}, not {result}"
        for name, (_, arithmetic, result) in steps.items()
        if value_of(arithmetic) != result
    ]
    figures = {name: result for name, (_, _, result) in steps.items()}
    lines = [name.removesuffix(".total") for name in figures if name.endswith(".total")]
    for line in lines:
        parts = sum(figures.get(f"{line}.{part}", 0) for part in PARTS)
        if parts != figures[f"{line}.total"]:
            wrong.append(f"{line}: its parts are {parts}")
    total = sum(figures[f"{line}.total"] for line in lines)
    paid = sum(figures.get(payer, 0) for payer in PAYERS)
    if paid != total:
        wrong.append(f"the payers bear {paid} of {total}")
    if sum(figures.get(fund, 0) for fund in FUNDS) > sum(figures.get(f"{line}.scope", 0) for line in lines):
        wrong.append("the funds pay more than what is in scope")
    for share in ("ded", *PAYERS):
        by_line = [figures[f"{line}.{share}"] for line in lines if f"{line}.{share}" in figures]
        whole = figures.get("deductible" if share == "ded" else share, 0)
        if by_line and sum(by_line) != whole:
            wrong.append(f"{share}: the lines have {sum(by_line)} of {whole}")
    return wrong + [f"{name} is negative" for name, figure in figures.items() if figure < 0]


def complaints_of_year(year: Mapping[str, Any]) -> list[str]:
    """What is wrong with a year: a sum, or what counts after a step."""
    counts = dict(year["start"])
    prefix = "chronic." if year["policy"].startswith("chronic") else ""
    claims: dict[str, dict[str, int]] = {}
    wrong = []
    for event in year["events"]:
        if claim := event.get("authorise"):
            added = {}
            for figure, counted in (("ded", f"{prefix}deductible"), ("hifp", f"{prefix}pooled"), ("hifmi", "hifmi")):
                arithmetic, result = event.get(figure, ["0", 0])
                added[counted] = result
                if value_of(arithmetic) != result:
                    wrong.append(f"{claim}.{figure}: {arithmetic} is not {result}")
            total = sum(packs * price for _, packs, price in event["lines"])
            added["burden"] = total - added[f"{prefix}pooled"]
            claims[claim] = added
            _count(counts, added, 1)
        elif claim := event.get("void") or event.get("reverse"):
            _count(counts, claims.pop(claim), -1)
        wrong += [
            f"after {event}: {name} is {counts.get(name, 0)}"
            for name, expected in event["after"].items()
            if counts.get(name, 0) != expected
        ]
    return wrong


def _count(counts: dict[str, int], added: Mapping[str, int], sign: int) -> None:
    for name, amount in added.items():
        counts[name] = counts.get(name, 0) + sign * amount
