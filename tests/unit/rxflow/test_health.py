"""Health checks of containers."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from rxflow.health import answers, main, runs


@contextmanager
def server(status: int) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Quiet."""

    with HTTPServer(("127.0.0.1", 0), Handler) as listening:
        thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.server_port}/"
        finally:
            listening.shutdown()
            thread.join()


@pytest.mark.parametrize(("status", "exit_status"), [(200, 0), (503, 1)])
def test_a_service_is_healthy_when_it_says_so(status: int, exit_status: int) -> None:
    with server(status) as url:
        assert main(["url", url]) == exit_status


def test_nobody_listening_is_not_healthy() -> None:
    with server(200) as url:
        pass

    assert not answers(url)


def test_a_process_is_found_by_a_word_of_its_command(tmp_path: Path) -> None:
    for pid, command in {
        "7": b"python\0-m\0services.review\0worker\0",
        "8": b"init\0--api\0",
        "self": b"rxflow.health\0process\0migrate\0",
    }.items():
        (tmp_path / pid).mkdir()
        (tmp_path / pid / "cmdline").write_bytes(command)
    (tmp_path / "9").mkdir()

    assert runs("worker", tmp_path)
    assert not runs("migrate", tmp_path), "the check itself"
    assert not runs("api", tmp_path), "part of an argument"


def test_unknown_questions_show_the_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert "python -m rxflow.health" in capsys.readouterr().err
