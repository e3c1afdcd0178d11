"""What routes ask for by annotation: `run: Run`, `read: Read`, `page: Paging`, `aside: Aside`; and their bodies."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import Depends
from pydantic import BaseModel, ConfigDict

from services.seedwork.api.commands import CommandRunner, command
from services.seedwork.api.dependencies import aside, keeper, reader
from services.seedwork.api.pages import Page, paging
from services.seedwork.ports import Reader
from services.seedwork.usecase import UseCase

Run = Annotated[CommandRunner, Depends(command)]
Read = Annotated[Reader, Depends(reader)]
Aside = Annotated[Callable[..., Awaitable[Any]], Depends(aside)]
Keep = Annotated[Callable[[UseCase], Awaitable[None]], Depends(keeper)]
Paging = Annotated[Page, Depends(paging)]


class Body(BaseModel):
    """A request body: unknown fields are refused, so that a misspelt one is not silently ignored."""

    model_config = ConfigDict(extra="forbid")
