"""`python -m rxflow.docs`: render, check, or save the contracts of a release."""

from __future__ import annotations

import argparse
import sys

from rxflow.docs.releases import NotReleased, broken_promises, project_version, save_release
from rxflow.docs.rendering import outdated, render


def main(arguments: list[str] | None = None) -> int:
    """Exit status: 0 all is as it should be, 1 it is not."""
    parser = argparse.ArgumentParser(prog="python -m rxflow.docs", description="Docs and contracts out of the code.")
    parser.add_argument("--check", action="store_true", help="write nothing; say what is outdated or broken")
    commands = parser.add_subparsers(dest="command")
    release = commands.add_parser("release", help="save today's contracts under contracts/schemas/<version>")
    release.add_argument("version", nargs="?", default=project_version(), help="default: the project's version")
    release.add_argument("--unpublished", action="store_true", help="save again a release that nobody has yet")
    chosen = parser.parse_args(arguments)
    if chosen.command == "release":
        return _release(chosen.version, unpublished=chosen.unpublished)
    if chosen.check:
        return _check()
    for name in render():
        _say(f"docs/{name}")
    return 0


def _release(version: str, *, unpublished: bool) -> int:
    try:
        save_release(version, unpublished=unpublished)
    except NotReleased as refused:
        _say(str(refused))
        return 1
    _say(f"contracts/schemas/{version} is saved")
    return 0


def _check() -> int:
    found = [f"docs/{name} is outdated: make docs" for name in outdated()]
    found += [f"promised in {version}: {each}" for version, each in broken_promises()]
    for line in found:
        _say(line)
    return 1 if found else 0


def _say(text: str) -> None:
    print(text)  # noqa: T201 - it is a command


if __name__ == "__main__":
    sys.exit(main())
