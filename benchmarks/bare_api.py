"""What the api is measured against: FastAPI with plain endpoints and psycopg's pool, one insert each, no token, no key.

    uvicorn benchmarks.bare_api:app

The usual way to write such a service: it forgets what it has answered, proves nothing and tells nobody.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

import orjson
from fastapi import FastAPI
from psycopg_pool import ConnectionPool
from pydantic import BaseModel

DATABASE_URL = "BARE_DATABASE_URL"
POOL_SIZE = 8


class Line(BaseModel):
    line: int
    product: str
    dose: str
    dose_unit: str
    frequency_per_day: int
    days: int
    quantity: int
    route: str
    substitution_consent: bool


class Diagnosis(BaseModel):
    code: str
    name: str


class Written(BaseModel):
    """A prescription as it is written."""

    prescription_id: UUID
    patient_ref: UUID
    prescriber: str
    institution: str
    visit_kind: str
    diagnoses: list[Diagnosis]
    lines: list[Line]
    long_supply_reason: str | None
    validity_days: int


class Cancellation(BaseModel):
    request_id: UUID
    reason_code: str
    urgent: bool = False


class Recorded(BaseModel):
    id: UUID
    status: str


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    options: dict[str, Any] = {"autocommit": True, "prepare_threshold": 0}
    with ConnectionPool(os.environ[DATABASE_URL], min_size=POOL_SIZE, max_size=POOL_SIZE, kwargs=options) as pool:
        with pool.connection() as connection:
            connection.execute("CREATE TABLE IF NOT EXISTS bare (id uuid PRIMARY KEY, body bytea NOT NULL)")
        app.state.pool = pool
        yield


app = FastAPI(lifespan=_lifespan, openapi_url=None)


def _insert(row_id: UUID, body: BaseModel) -> None:
    state = orjson.dumps(body.model_dump(mode="json"))
    with app.state.pool.connection() as connection:
        connection.execute("INSERT INTO bare (id, body) VALUES (%b, %b)", (row_id, state))


@app.post("/prescriptions", status_code=201)
def issue(body: Written) -> Recorded:
    """One row."""
    _insert(body.prescription_id, body)
    return Recorded(id=body.prescription_id, status="issued")


@app.post("/prescriptions/{prescription_id}/cancellations")
def cancel(prescription_id: UUID, body: Cancellation) -> Recorded:
    """One row."""
    del prescription_id
    _insert(uuid4(), body)
    return Recorded(id=body.request_id, status="cancelled")
