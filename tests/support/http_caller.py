"""Speaks HTTP to one service's api in this process, with tokens of the development issuer and no network."""

import asyncio
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
from fastapi import APIRouter

from contracts.rates import Rates
from contracts.roles import Role
from services.seedwork.api import create_app
from services.seedwork.identity import development_issuer
from services.seedwork.settings import Settings
from tests.support.store_in_memory import StoreInMemory


class Caller:
    """`as_(...)` gives one caller's requests; commands get a new Idempotency-Key each."""

    def __init__(
        self, store: StoreInMemory, router: APIRouter, key_directory: Path, rates: Rates | None = None
    ) -> None:
        settings = Settings(development=True, key_directory=key_directory)
        self.app = create_app(store.service, store, settings=settings, routers=[router], rates=rates)
        self._issuer = development_issuer(settings)

    def __call__(self, token: str, method: str, path: str, **arguments: Any) -> httpx.Response:
        async def call() -> httpx.Response:
            headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": str(uuid4())}
            transport = httpx.ASGITransport(self.app, raise_app_exceptions=True)
            async with httpx.AsyncClient(transport=transport, base_url="http://service", headers=headers) as client:
                return await client.request(method, path, **arguments)

        return asyncio.run(call())

    def token(self, subject: str, role: Role, **claims: Any) -> str:
        token: str = self._issuer.issue_token(subject, role, **claims)
        return token
