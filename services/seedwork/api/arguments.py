"""What routes ask for by annotation (`run: Run`, `read: Read`, `bulk: Bulk`, `page: Paging`, `aside: Aside`).

And the form of their bodies.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, Any

from fastapi import Depends
from pydantic import BaseModel, ConfigDict

from services.seedwork.api.bulk import BulkRunner, bulk
from services.seedwork.api.commands import CommandRunner, command
from services.seedwork.api.dependencies import aside, keeper, reader, signer
from services.seedwork.api.pages import Page, paging
from services.seedwork.ports import Reader
from services.seedwork.usecase import UseCase

Run = Annotated[CommandRunner, Depends(command)]
Bulk = Annotated[BulkRunner, Depends(bulk)]
Read = Annotated[Reader, Depends(reader)]
Aside = Annotated[Callable[..., Awaitable[Any]], Depends(aside)]
Signer = Annotated[Callable[[bytes], str], Depends(signer)]
Keep = Annotated[Callable[[UseCase], Awaitable[Mapping[str, Any]]], Depends(keeper)]
Paging = Annotated[Page, Depends(paging)]


class Body(BaseModel):
    """A request body: unknown fields are refused, so that a misspelt one is not silently ignored."""

    model_config = ConfigDict(extra="forbid")
