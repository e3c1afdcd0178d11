"""Structured logs: one JSON object per line, with the correlation id, without personal data.

Which fields a line may have is a list, not a habit: what is not on it is left out and only its name is shown under
`withheld`. Exceptions are logged with type and place; their text may quote what a person typed, so it is left out too.
"""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Mapping, MutableMapping
from typing import Any, TextIO

import orjson
import structlog

FIELDS: frozenset[str] = frozenset(
    {
        "event",
        "level",
        "timestamp",
        "logger",
        "component",
        "correlation_id",
        "causation_id",
        "error",
        "service",
        "process",
        "method",
        "route",
        "status",
        "role",
        "duration_ms",
        "reason",
        "code",
        "aggregate",
        "family",
        "stream",
        "version",
        "public_seq",
        "log_index",
        "message_id",
        "type",
        "topic",
        "consumer",
        "producer",
        "upstream",
        "queue",
        "kind",
        "due_at",
        "attempts",
        "count",
        "lag",
        "age_seconds",
        "seconds",
        "projection",
        "name",
        "ok",
        "host",
        "port",
        "pid",
        "exit_code",
        "store_epoch",
        "withheld",
    }
)
TEXT_CHARACTERS_MAX = 500
STACK_FRAMES_MAX = 25
OWN_PACKAGES = ("services", "rxflow")


def configure_logging(level: str = "info", stream: TextIO | None = None) -> None:
    """Once per process, before anything logs. `logging` comes out likewise: ours from `level`, libraries' warnings."""
    out = stream or sys.stderr
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _place_of_error,
        _only_known_fields,
    ]
    structlog.configure(
        processors=[*shared, _render],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(out),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(out)
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[structlog.stdlib.add_logger_name, *shared],
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _render],
    )
    handler.setFormatter(formatter)
    handler.addFilter(_without_texts_of_errors)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    for own in OWN_PACKAGES:
        logging.getLogger(own).setLevel(level.upper())


def logger(name: str) -> Any:
    """A logger; it takes the process's configuration when it logs first."""
    return structlog.get_logger(component=name)


def _without_texts_of_errors(record: logging.LogRecord) -> bool:
    """`logger.warning("no store: %r", error)` names the kind of error; the text of a database's may quote a row."""
    if isinstance(record.args, tuple):
        record.args = tuple(type(arg).__qualname__ if isinstance(arg, BaseException) else arg for arg in record.args)
    return True


def _place_of_error(_logger: Any, _method: str, line: MutableMapping[str, Any]) -> Mapping[str, Any]:
    """`error`: types and places, from where it was raised outwards."""
    exc_info = line.pop("exc_info", None)
    error = sys.exc_info()[1] if exc_info is True else exc_info[1] if isinstance(exc_info, tuple) else exc_info
    if isinstance(error, BaseException):
        frames = traceback.extract_tb(error.__traceback__)[-STACK_FRAMES_MAX:]
        line["error"] = {
            "type": type(error).__qualname__,
            "cause": type(error.__cause__ or error.__context__).__qualname__,
            "at": [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in reversed(frames)],
        }
    return line


def _only_known_fields(_logger: Any, _method: str, line: MutableMapping[str, Any]) -> Mapping[str, Any]:
    private = {name: value for name, value in line.items() if name.startswith("_")}  # structlog's own
    known = {name: _short(value) for name, value in line.items() if name in FIELDS}
    withheld = sorted(line.keys() - known.keys() - private.keys())
    return {**known, **private, "withheld": withheld} if withheld else {**known, **private}


def _short(value: Any) -> Any:
    return value[:TEXT_CHARACTERS_MAX] if isinstance(value, str) else value


def _render(_logger: Any, _method: str, line: MutableMapping[str, Any]) -> str:
    return orjson.dumps(line, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
