"""A worker for the tests, run as a program of its own because it must be green.

It takes the family `case` as the consumer `prescribe`, does with each event what the event's data says, and tells what
happened on its standard output. A loop publishes every batch that appears in the spool directory, as a relay would.
"""

from __future__ import annotations

from services.seedwork import runner  # first: it makes the process green  # isort: skip

import argparse
import json
import logging
import os
import shutil
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import eventlet
from eventlet.patcher import original
from kombu import Connection

from contracts.topology import POISON_QUEUE
from services.seedwork.messaging import topology
from services.seedwork.messaging.entrypoint import HEARTBEAT_SECONDS, Delivery, consuming, reliable_events
from services.seedwork.messaging.errors import TryLaterError
from services.seedwork.messaging.loops import repeatedly
from services.seedwork.messaging.publisher import Outgoing, Publisher, publisher_to

SETTINGS = argparse.Namespace()
TRIES: Counter[int] = Counter()


def tell(line: str) -> None:
    os.write(1, f"{line}\n".encode())


def act(data: dict[str, Any]) -> None:
    """What an event's data asks for."""
    number = data["number"]
    TRIES[number] += 1
    if "sleep" in data:
        eventlet.sleep(data["sleep"])
    if "block" in data and TRIES[number] == 1:
        original("time").sleep(data["block"])
    if TRIES[number] <= data.get("away", 0):
        raise TryLaterError("the store is away")
    if TRIES[number] <= data.get("fail", 0):
        raise RuntimeError("the event asked to fail")
    if TRIES[number] <= data.get("timeout", 0):
        raise eventlet.Timeout(0)


class Worker:
    name = "prescribe"

    @reliable_events("prescribe", "case", batch=20, linger_seconds=0.05, backoff_seconds=0.1)
    def take(self, deliveries: list[Delivery]) -> None:
        bodies = [delivery.envelope.parsed_body().data for delivery in deliveries]
        numbers = ",".join(str(data["number"]) for data in bodies)
        tell(f"began {numbers};")
        for data in bodies:
            act(data)
        tell(f"handled {numbers};{' redelivered' if deliveries[0].redelivered else ''}")


class Relay:
    name = "relay"
    publisher: Publisher | None = None

    @repeatedly(idle_seconds=0.02, stop_seconds=2)
    def relay(self) -> bool:
        batches = sorted(Path(SETTINGS.spool).glob("*.batch"))
        files = [path for batch in batches for path in sorted(batch.iterdir())]
        if any(path.name.startswith("broken") for path in files):
            remove(batches)
            raise RuntimeError("the step was asked to fail")
        if files:
            if Relay.publisher is None:
                Relay.publisher = publisher_to(SETTINGS.url, deadline_seconds=2)
            Relay.publisher.publish([Outgoing("case", path.stem, path.read_bytes()) for path in files])
            remove(batches)
            tell(f"published {len(files)}")
        return False


def remove(batches: list[Path]) -> None:
    for batch in batches:
        shutil.rmtree(batch)


class Net:
    """Tells what falls into the poison queue."""

    name = "net"
    channel: Any = None

    @repeatedly(idle_seconds=0.05, stop_seconds=2)
    def empty(self) -> bool:
        if Net.channel is None:
            Net.channel = Connection(SETTINGS.url).channel()
            topology.declare_everything(Net.channel)
        message = Net.channel.basic_get(POISON_QUEUE)
        if message is not None:
            message.channel.basic_ack(message.delivery_info["delivery_tag"])
            tell(f"poison {message.body!r} from {message.headers['x-first-death-queue']};")
        return message is not None


def declare_otherwise() -> None:
    """The queue as an older version might have declared it."""
    with Connection(SETTINGS.url) as connection:
        connection.channel().queue_declare(
            "prescribe.case", durable=True, auto_delete=False, arguments={"x-queue-type": "quorum"}
        )


def report_consuming(started: runner.DeadlineRunner) -> None:
    def watch() -> None:
        last = None
        while True:
            now = consuming(list(started.containers))
            if now != last:
                tell(f"consuming {json.dumps(now)}")
                last = now
            eventlet.sleep(0.02)

    eventlet.spawn_n(watch)
    tell("started")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("spool")
    parser.add_argument("--watch-poison", action="store_true")
    parser.add_argument("--declare-otherwise", action="store_true")
    parser.add_argument("--grace", type=float, default=10)
    parser.add_argument("--heartbeat", type=float, default=HEARTBEAT_SECONDS)
    parser.parse_args(namespace=SETTINGS)
    logging.basicConfig(level=logging.INFO, stream=sys.stdout)
    if SETTINGS.declare_otherwise:
        declare_otherwise()
    services = [Worker, Relay, Net] if SETTINGS.watch_poison else [Worker, Relay]
    config = {"AMQP_URI": SETTINGS.url, "HEARTBEAT": SETTINGS.heartbeat}
    sys.exit(runner.run(services, config, SETTINGS.grace, started=report_consuming))
