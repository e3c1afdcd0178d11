"""Logs that can be kept: structured, correlated, without personal data."""

import logging
from typing import Any

import structlog

from services.seedwork.logs import logger


def test_a_line_is_one_json_object_with_the_correlation(logged: Any) -> None:
    with structlog.contextvars.bound_contextvars(correlation_id="c-1"):
        logger("relay").info("batch published", count=3)
    (line,) = logged()
    assert {
        "component": "relay",
        "event": "batch published",
        "count": 3,
        "correlation_id": "c-1",
    }.items() <= line.items()
    assert line["level"] == "info"
    assert line["timestamp"].endswith("Z")


def test_a_field_that_is_not_on_the_list_is_withheld_by_name(logged: Any) -> None:
    logger("api").warning("odd", patient_name="张三", count=1)
    (line,) = logged()
    assert line["withheld"] == ["patient_name"]
    assert "张三" not in str(line)


def test_an_exception_is_told_by_type_and_place(logged: Any) -> None:
    try:
        try:
            raise KeyError("张三")
        except KeyError as cause:
            raise ValueError("110101 in a text") from cause
    except ValueError:
        logger("api").exception("failed")
    (line,) = logged()
    assert (line["error"]["type"], line["error"]["cause"]) == ("ValueError", "KeyError")
    assert "test_logs.py" in line["error"]["at"][0]
    assert "张三" not in str(line)
    assert "110101" not in str(line)


def test_levels_below_the_configured_one_are_silent(logged: Any) -> None:
    logger("api").debug("noise")
    assert logged() == []


def test_long_text_is_cut(logged: Any) -> None:
    logger("api").info("x" * 5000)
    assert len(logged()[0]["event"]) == 500


def test_libraries_log_in_the_same_form_from_warnings_on(logged: Any) -> None:
    logging.getLogger("kombu").info("quiet")
    logging.getLogger("kombu").warning("connection lost, %s tries", 3)
    (line,) = logged()
    assert (line["logger"], line["level"], line["event"]) == ("kombu", "warning", "connection lost, 3 tries")


def test_our_own_loggers_speak_from_the_configured_level_on(logged: Any) -> None:
    logging.getLogger("services.seedwork.relay").info("batch of %s", 3)
    logging.getLogger("services.seedwork.relay").debug("quiet")
    assert [line["event"] for line in logged()] == ["batch of 3"]


def test_the_text_of_an_error_is_logged_nowhere(logged: Any) -> None:
    try:
        raise ValueError("张三")
    except ValueError as error:
        logging.getLogger("services.seedwork.consumer").exception("event %s failed", "e-1")
        logging.getLogger("services.seedwork.runtime").warning("the store does not answer: %r", error)
    failed, silent = logged()
    assert failed["error"]["type"] == "ValueError"
    assert silent["event"] == "the store does not answer: 'ValueError'"
    assert "张三" not in str(logged())
