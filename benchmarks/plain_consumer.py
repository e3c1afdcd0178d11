"""What a commit's way to the next service is measured against: takes a message, inserts one row, acknowledges.

python -m benchmarks.plain_consumer BROKER_URL DATABASE_URL
"""

from __future__ import annotations

import sys
from typing import Any

import psycopg
from kombu import Connection, Consumer, Queue

QUEUE = "bench.plain"
TABLE = "CREATE TABLE IF NOT EXISTS plain (id uuid PRIMARY KEY, body bytea NOT NULL)"


def main(broker_url: str, database_url: str) -> None:
    with (
        psycopg.connect(database_url, autocommit=True, prepare_threshold=0) as database,
        Connection(broker_url) as broker,
    ):

        def insert(message: Any) -> None:
            row = (message.properties["message_id"], bytes(message.body))
            database.execute("INSERT INTO plain (id, body) VALUES (%b::text::uuid, %b)", row)
            message.ack()

        with Consumer(broker, [Queue(QUEUE, no_declare=True)], on_message=insert, prefetch_count=10):
            while True:
                broker.drain_events()


if __name__ == "__main__":
    main(*sys.argv[1:])
