"""The client library: one class per kind of user, over the public HTTP interfaces of the five services.

    with Connection(Addresses.local()) as connection:
        doctor = Prescriber(Session(connection, token))
        doctor.issue(draft.jws)

Commands carry an Idempotency-Key that all their repeats share. What travels between the services by event is waited for
with `wait_until`.
"""

from rxflow.client.courier import Courier
from rxflow.client.failures import NoAnswer, Problem, TimedOut
from rxflow.client.goods import Stockroom, Supplier
from rxflow.client.insurer import Insurer
from rxflow.client.people import Administrator, Office, Prescriber, Regulator, Reviewer
from rxflow.client.retail import Hold, Patient, Pharmacy, Supply
from rxflow.client.subscriber import Subscriber
from rxflow.client.transport import Addresses, Connection, Reply, Session
from rxflow.client.waiting import wait_until

__all__ = [
    "Addresses",
    "Administrator",
    "Connection",
    "Courier",
    "Hold",
    "Insurer",
    "NoAnswer",
    "Office",
    "Patient",
    "Pharmacy",
    "Prescriber",
    "Problem",
    "Regulator",
    "Reply",
    "Reviewer",
    "Session",
    "Stockroom",
    "Subscriber",
    "Supplier",
    "Supply",
    "TimedOut",
    "wait_until",
]
