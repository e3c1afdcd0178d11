"""The OpenAPI document of each service, out of the real application in development mode."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from contracts.topology import PORTS
from services.seedwork.serving import api_app
from services.seedwork.settings import Settings


def openapi_documents() -> dict[str, dict[str, Any]]:
    """service -> document. Nothing is served and no database is opened; the keys it wants are made in passing."""
    with TemporaryDirectory() as directory:
        place = Path(directory)
        settings = Settings.model_construct(
            database_url=f"sqlite:///{place}", key_directory=place / "keys", development=True
        )
        return {service: api_app(service, settings).openapi() for service in PORTS}
