"""The api of prescribe as it would be without its signature check and without sealing personal fields, to quote what
these two cost apart from everything else. It proves nothing and hides nothing: a measurement, never a way to run.

    python -m benchmarks.unproven_api api
"""

from __future__ import annotations

import sys
from typing import Any
from unittest import mock

from services.prescribe.application import signed_commands
from services.seedwork.serving import main
from services.seedwork.signing import Verified
from services.seedwork.store import mapper


def _believe(_compact: str, keys: Any, *_moment: Any) -> Verified:
    return Verified(next(iter(keys)).kid, b"")


def _leave(*_arguments: Any) -> None:
    """The fields stay as they are."""


if __name__ == "__main__":
    with (
        mock.patch.object(signed_commands, "verify_compact", _believe),
        mock.patch.object(mapper, "seal", _leave),
        mock.patch.object(mapper, "unseal", _leave),
    ):
        sys.exit(main("prescribe"))
