"""A green process that saves while another holds the lock: `python -m ...hub_process URL BOX MODE`.

Prints how long its other greenlets stood still. MODE is `tpool`, as a worker saves, or `direct`.
"""

from services.seedwork import green

green.self_test()

import sys  # noqa: E402
import time  # noqa: E402
from uuid import UUID  # noqa: E402

import eventlet  # noqa: E402

from services.seedwork.store.drivers import Driver  # noqa: E402
from services.seedwork.store.executor import perform  # noqa: E402
from services.seedwork.store.opening import blocking_database, green_database  # noqa: E402
from tests.support.store import add_item, core_of, work  # noqa: E402

TICK_SECONDS = 0.005


def say(what: object) -> None:
    sys.stdout.write(f"{what}\n")
    sys.stdout.flush()


def main(url: str, box: str, mode: str) -> None:
    database = green_database(url, 4) if mode == "tpool" else blocking_database(url, 4)
    database.open()
    driver, core = Driver(database, database), core_of(url)
    gaps: list[float] = []

    def tick() -> None:
        last = time.monotonic()
        while True:
            eventlet.sleep(TICK_SECONDS)
            now = time.monotonic()
            gaps.append(now - last)
            last = now

    say("ready")
    sys.stdin.readline()
    ticker = eventlet.spawn(tick)
    eventlet.sleep(0.05)
    driver.run(perform(core, work(add_item(UUID(box)))))
    eventlet.sleep(0.05)
    ticker.kill()
    say(f"stood still {max(gaps):.3f}")
    database.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
