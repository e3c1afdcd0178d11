"""A subscriber's server on this machine: keeps what it was sent, answers as it is told, hangs where it is asked to."""

from __future__ import annotations

import base64
import hashlib
import hmac
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import orjson


@dataclass(frozen=True)
class Received:
    """One call as it arrived."""

    headers: dict[str, str]
    body: bytes

    @property
    def message_id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def content(self) -> dict[str, Any]:
        content: dict[str, Any] = orjson.loads(self.body)
        return content

    def is_signed_with(self, secret: str) -> bool:
        """By hand, as Standard Webhooks 1.0.0 says: base64 of HMAC-SHA256 over `id.timestamp.body`."""
        key = base64.b64decode(secret.removeprefix("whsec_"))
        text = f"{self.message_id}.{self.headers['webhook-timestamp']}.".encode() + self.body
        expected = "v1," + base64.b64encode(hmac.new(key, text, hashlib.sha256).digest()).decode()
        return expected in self.headers["webhook-signature"].split(" ")


Reply = int | Callable[[BaseHTTPRequestHandler], None]


@dataclass
class Receiver:
    """`replies` are given one after the other; after them everything is taken (204)."""

    port: int = 0
    replies: deque[Reply] = field(default_factory=deque)
    received: list[Received] = field(default_factory=list)
    release: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hooks"

    def told(self) -> list[str]:
        """What the messages say, in the order they came."""
        return [each.content["data"]["text"] for each in self.received]

    def hang(self, handler: BaseHTTPRequestHandler) -> None:
        """No answer until the test releases it."""
        self.release.wait(30)
        handler.send_response(204)
        handler.end_headers()

    def drip(self, handler: BaseHTTPRequestHandler) -> None:
        """An answer whose header comes byte by byte, for ten seconds."""
        try:
            for piece in [b"HTTP/1.1 200 OK\r\nX-A: "] + [b"a"] * 200:
                handler.wfile.write(piece)
                handler.wfile.flush()
                if self.release.wait(0.05):
                    return
        except OSError:
            return


@contextmanager
def receiver() -> Iterator[Receiver]:
    here = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            here.received.append(Received(headers, body))
            reply = here.replies.popleft() if here.replies else 204
            if callable(reply):
                reply(self)
                return
            self.send_response(reply)
            if 300 <= reply < 400:
                self.send_header("Location", "/elsewhere")
            self.end_headers()

        def do_PUT(self) -> None:
            self.do_POST()

        def log_message(self, *_: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    here.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield here
    finally:
        here.release.set()
        server.shutdown()
        server.server_close()
        thread.join()
