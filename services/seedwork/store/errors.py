"""How a store fails, whatever the database: what is certain about the outcome decides what the executor does next."""


class StoreError(Exception):
    """Root of the store's failures."""


class Conflict(StoreError):  # noqa: N818 - an answer, not a mistake
    """Certainly not saved: somebody else was first (version taken, gate closed, deadlock). Load and decide again."""


class Unavailable(StoreError):  # noqa: N818
    """Certainly not executed: no connection within the time allowed."""


class ConnectionLost(StoreError):  # noqa: N818
    """Unknown whether it was saved: the connection broke after the statement had been sent."""


def expect(touched: int, expected: int | None) -> int:
    """Fails a transaction whose statement did not find what it was written for."""
    if expected is not None and touched != expected:
        raise Conflict(f"{touched} rows touched instead of {expected}")
    return touched
