"""What tests of the kernel share."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from services.seedwork.logs import OWN_PACKAGES, configure_logging


@pytest.fixture
def logged() -> Iterator[Any]:
    """The lines that were logged since the start of the test, parsed."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    stream = io.StringIO()
    configure_logging("info", stream)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    for own in OWN_PACKAGES:
        logging.getLogger(own).setLevel(logging.NOTSET)
    structlog.reset_defaults()
    root.handlers[:] = handlers
    root.setLevel(level)
