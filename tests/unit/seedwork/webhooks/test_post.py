"""One call: where it may go, how long it may take, and what becomes of whatever goes wrong."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from services.seedwork.settings import Settings
from services.seedwork.webhooks.addresses import allowed, wrong_with
from services.seedwork.webhooks.policy import WEBHOOKS, asked_to_wait
from services.seedwork.webhooks.post import Answer, Letter, Post, post_to_named
from tests.support.certificates import new_key
from tests.support.webhook_receiver import Receiver


def letter(url: str, deadline_seconds: float = 5.0) -> Letter:
    return Letter(url, b"{}", {"webhook-id": "msg_1"}, deadline_seconds)


def here(*addresses: str) -> Any:
    return lambda _host, _port: addresses


@pytest.mark.parametrize(
    ("url", "wrong"),
    [
        ("https://insurer.example/hooks?tenant=1", None),
        ("https://93.184.215.14:8443/hooks", None),
        ("https://[2606:4700::1111]/", None),
        ("http://insurer.example/hooks", "scheme"),
        ("ftp://insurer.example/hooks", "scheme"),
        ("//insurer.example/hooks", "scheme"),
        ("https:///hooks", "form"),
        ("https://insurer.example:99999/", "form"),
        ("https://insurer.example/a b", "form"),
        ("https://医保.example/", "form"),
        ("https://" + "a" * 500, "form"),
        ("https://[::1/", "form"),
        ("https://user:word@insurer.example/", "credentials"),
        ("https://insurer.example/#part", "fragment"),
        ("https://127.0.0.1/", "address"),
        ("https://localhost/", "address"),
        ("https://metadata.internal/", "address"),
        ("https://10.1.2.3/", "address"),
        ("https://169.254.169.254/latest", "address"),
        ("https://100.64.0.1/", "address"),
        ("https://[::ffff:10.0.0.1]/", "address"),
        ("https://[fd00::1]/", "address"),
        ("https://2130706433/", "address"),
    ],
)
def test_only_public_places_are_called_and_by_https(url: str, wrong: str | None) -> None:
    assert wrong_with(url, development=False) == wrong


def test_in_development_mode_this_machine_is_called_too() -> None:
    for url in ("http://127.0.0.1:8080/", "http://localhost/", "https://[::1]/", "http://insurer.example/"):
        assert wrong_with(url, development=True) is None
    assert wrong_with("http://10.0.0.1/", development=True) == "address"
    assert wrong_with("ftp://127.0.0.1/", development=True) == "scheme"


def test_an_administrator_may_name_a_private_place_but_no_other_way_there() -> None:
    wrong = {"https://10.0.0.1/": None, "http://10.0.0.1/": "scheme", "https://a:b@10.0.0.1/": "credentials"}
    assert {url: wrong_with(url, development=False, private=True) for url in wrong} == wrong
    assert wrong_with("http://10.0.0.1/", development=False, private=True, plain=True) is None
    assert wrong_with("ftp://10.0.0.1/", development=False, private=True, plain=True) == "scheme"


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1%eth0",
        "fc00::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "64:ff9b::a00:1",
        "2002:a00:1::",
        "2001:0:53aa:64c:0:0:f5ff:fffe",
    ],
)
def test_what_others_cannot_reach_is_not_reached_through_us(address: str) -> None:
    assert not allowed(address, development=False)


def test_public_addresses_are_allowed() -> None:
    for address in ("93.184.215.14", "2606:4700::1111", "64:ff9b::808:808", "2002:808:808::"):
        assert allowed(address, development=False)


def test_a_name_that_leads_inside_is_not_called(subscriber: Receiver) -> None:
    url = f"http://insurer.example:{subscriber.port}/"
    for addresses in (["10.0.0.1"], ["127.0.0.1", "10.0.0.1"], []):
        assert Post(development=True, resolving=here(*addresses))(letter(url)) == Answer(None, "address")
    assert subscriber.received == []


def test_the_checked_address_is_the_one_that_is_called(subscriber: Receiver) -> None:
    answered = Post(development=True, resolving=here("127.0.0.1"))(
        letter(f"http://insurer.example:{subscriber.port}/in?a=1")
    )
    assert answered == Answer(204)
    assert subscriber.received[0].headers["host"] == f"insurer.example:{subscriber.port}"


def test_the_url_is_looked_at_again_at_each_call(subscriber: Receiver) -> None:
    assert Post(development=False)(letter(subscriber.url)) == Answer(None, "url: scheme")
    assert Post(development=False, resolving=here("127.0.0.1"))(letter("https://insurer.example/")) == Answer(
        None, "address"
    )
    assert subscriber.received == []


def test_whom_an_administrator_names_may_stand_in_a_private_network_but_not_without_tls() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"127.0.0.1:{taken.getsockname()[1]}/"
        assert Post(development=False)(letter(f"https://{url}")) == Answer(None, "url: address")
        post = Post(development=False, private=True)
        assert post(letter(f"https://{url}")) == Answer(None, "no_connection")
        assert post(letter(f"http://{url}")) == Answer(None, "url: scheme")


def test_in_a_closed_network_it_is_called_without_tls_where_the_settings_say_so(subscriber: Receiver) -> None:
    said = [post_to_named(Settings(plain_http=plain))(letter(subscriber.url)) for plain in (False, True)]
    assert said == [Answer(None, "url: scheme"), Answer(204)]


def test_an_answer_is_told_as_far_as_it_is_not_too_long(subscriber: Receiver) -> None:
    def answer(length: int) -> Any:
        return lambda handler: handler.wfile.write(b"HTTP/1.1 201 Created\r\n\r\n" + b"a" * length)

    subscriber.replies.extend([answer(16 * 1024), answer(16 * 1024 + 1)])
    said = [Post(development=True)(letter(subscriber.url)) for _ in range(2)]

    assert [(each.status, len(each.body)) for each in said] == [(201, 16 * 1024), (201, 0)]


def test_who_writes_may_expect_more_and_send_more(subscriber: Receiver) -> None:
    subscriber.replies.append(lambda handler: handler.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n" + b"a" * 100_000))
    big = replace(letter(subscriber.url), body=b"b" * 100_000)
    post = Post(development=True)

    assert post(big) == Answer(None, "too_large")
    assert len(post(replace(big, body_bytes_max=100_000, answer_bytes_max=100_000)).body) == 100_000
    assert len(subscriber.received[0].body) == 100_000


def test_nobody_there_no_name_and_no_http_are_failures(subscriber: Receiver) -> None:
    post = Post(development=True)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        assert post(letter(f"http://127.0.0.1:{taken.getsockname()[1]}/")) == Answer(None, "no_connection")

    def unknown(_host: str, _port: int) -> Iterator[str]:
        raise socket.gaierror("unknown name")

    assert Post(development=True, resolving=unknown)(letter("http://nowhere.example/")) == Answer(None, "no_connection")

    def babble(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"SSH-2.0-hello\r\n\r\n")

    subscriber.replies.append(babble)
    assert post(letter(subscriber.url)) == Answer(None, "no_http")


def test_one_deadline_holds_for_the_whole_call(subscriber: Receiver) -> None:
    subscriber.replies.extend([subscriber.drip, subscriber.hang])
    begun = time.monotonic()
    for _ in range(2):
        assert Post(development=True)(letter(subscriber.url, 0.4)) == Answer(None, "time_out")
    assert time.monotonic() - begun < 5


def test_an_answer_without_end_is_not_read_to_its_end(subscriber: Receiver) -> None:
    sent = []

    def pour(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
        try:
            for _ in range(2000):
                handler.wfile.write(b"a" * 65536)
                sent.append(65536)
        except OSError:
            return

    subscriber.replies.append(pour)
    assert Post(development=True)(letter(subscriber.url)) == Answer(200)
    assert sum(sent) < 64 * 1024 * 1024


def own_certificate(directory: Path, name: str) -> Path:
    """A certificate that this name signed for itself, and its key, in one file."""
    key, named = new_key(), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    begun = datetime.now(UTC) - timedelta(hours=1)
    certificate = (
        x509.CertificateBuilder(named, named, key.public_key(), 7, begun, begun + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = directory / "tls.pem"
    plain = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file.write_bytes(plain + certificate.public_bytes(Encoding.PEM))
    return file


@contextmanager
def tls_server(directory: Path) -> Iterator[tuple[int, str]]:
    """A server of the name insurer.example that answers 204 once per connection, and its certificate."""
    certificate = own_certificate(directory, "insurer.example")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(20)

        def serve() -> None:
            for _ in range(2):
                try:
                    connection, _address = listening.accept()
                    with context.wrap_socket(connection, server_side=True) as secured:
                        secured.recv(65536)
                        secured.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")
                except OSError:
                    continue

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listening.getsockname()[1], str(certificate)
        thread.join(20)


def test_a_certificate_must_be_the_names_own(tmp_path: Path) -> None:
    with tls_server(tmp_path) as (port, certificate):
        trusting = ssl.create_default_context(cafile=certificate)
        post = Post(development=True, tls=trusting, resolving=here("127.0.0.1"))
        assert post(letter(f"https://insurer.example:{port}/")) == Answer(204)
        assert post(letter(f"https://other.example:{port}/")) == Answer(None, "no_connection")


def test_waits_grow_to_a_limit_and_are_shortened_by_chance() -> None:
    policy = WEBHOOKS.of("cn").versions[-1]
    waits = [policy.wait_seconds(attempts, 0.0) for attempts in range(1, policy.attempts_max)]
    assert waits == sorted(waits)
    assert waits[:4] == [5, 20, 80, 320]
    assert waits[-1] == policy.wait_seconds_max
    assert policy.wait_seconds(1, 1.0) == pytest.approx(3.5)
    least = sum(waits) * (1 - policy.jitter_percent / 100)
    assert least > policy.pause_after_hours * 3600, "who never answers is paused before anything is dead"


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        (None, 0),
        ("", 0),
        ("120", 120),
        (" 7 ", 7),
        ("-1", 0),
        ("٣", 0),
        ("Sat, 28 Feb 2026 16:01:00 GMT", 60),
        ("Sat, 28 Feb 2026 16:01:00 -0000", 60),
        ("Sat, 28 Feb 2026 15:00:00 GMT", 0),
        ("Mon, 99999999999999999999 Jan 2026 00:00:00 GMT", 0),
        ("tomorrow", 0),
    ],
)
def test_retry_after_is_seconds_or_a_date_and_anything_else_asks_for_nothing(said: str | None, seconds: float) -> None:
    assert asked_to_wait(said, datetime(2026, 2, 28, 16, 0, tzinfo=UTC)) == seconds
