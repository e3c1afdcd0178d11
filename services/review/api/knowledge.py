"""The knowledge base: which sets there are, one entry of one of them, and loading another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from fastapi.responses import Response
from pydantic import Field

from services.review.application.library import Unpackable, inflated_and_checked, kept, load_knowledge, shipped_on
from services.review.domain.knowledge.entries import SECTIONS
from services.review.domain.knowledge.files import shipped_sets
from services.review.domain.knowledge.reading import KnowledgeSet
from services.review.domain.library import shelf_ref, volume_ref
from services.seedwork.api import Aside, Body, Read, Refused, Run, allowed, answer, problems
from services.seedwork.calendar import civil_day
from services.seedwork.usecase import Actor

router = APIRouter(tags=["knowledge"])

DEFLATED_CHARACTERS_MAX = 12 * 1024 * 1024
LOAD = ("knowledge.unreadable", "knowledge.faulty", "knowledge.version_known")
MayRead = Annotated[Actor, Depends(allowed("knowledge.read"))]
MayLoad = Annotated[Actor, Depends(allowed("knowledge.load"))]


class SetBody(Body):
    """A whole set. As it stands it would be larger than a request may be."""

    deflated: str = Field(
        max_length=DEFLATED_CHARACTERS_MAX,
        description="one JSON object of the header and the sections, deflated (zlib), in base64",
    )


@router.post("/knowledge", status_code=201, responses=problems(*LOAD))
async def load(_actor: MayLoad, body: SetBody, run: Run, aside: Aside) -> Response:
    """Load a set: all of it, from its `valid_from` on, or nothing and a report row by row. 200: it is there already."""
    try:
        read, text = await aside(inflated_and_checked, body.deflated)
    except Unpackable as error:
        raise Refused("knowledge.unreadable", reason=str(error)) from None
    return await run(load_knowledge(read, text))


@router.get("/knowledge")
async def versions(_actor: MayRead, read: Read) -> Response:
    """Every set there is, the shipped ones first, and which one holds today."""
    (shelf,) = await read.load(shelf_ref())
    today = civil_day(await read.now())
    loaded = shelf.state.in_force(today)
    current = loaded.version if loaded else shipped_on(today).header.version
    shipped = [
        {
            "version": each.header.version,
            "name": each.header.name,
            "digest": each.digest,
            "valid_from": each.header.valid_from,
            "in_force_from": each.header.valid_from,
            "shipped": True,
        }
        for each in shipped_sets()
    ]
    others = [
        {**each.model_dump(exclude={"loaded_by", "loaded_at"}), "shipped": False, "loaded_at": each.loaded_at}
        for each in shelf.state.loaded
    ]
    items: list[Mapping[str, Any]] = [{**each, "in_force": each["version"] == current} for each in (*shipped, *others)]
    return answer({"items": items})


@router.get("/knowledge/{version}", responses=problems("knowledge.unknown"))
async def one_set(version: str, _actor: MayRead, read: Read, aside: Aside) -> Response:
    """What a set says of itself: name, notice, sources, how many entries."""
    found = await _found(version, read, aside)
    return answer({**found.header.model_dump(mode="json"), "digest": found.digest, "entries": found.counts()})


@router.get(
    "/knowledge/{version}/{section}/{entry}", responses=problems("knowledge.unknown", "knowledge.unknown_entry")
)
async def one_entry(version: str, section: str, entry: str, _actor: MayRead, read: Read, aside: Aside) -> Response:
    """One entry with its source: what a finding rests on."""
    found = await _found(version, read, aside)
    known = found.entry(section, entry) if section in SECTIONS else None
    if known is None:
        raise Refused("knowledge.unknown_entry", version=version, section=section, entry=entry)
    shown = known.model_dump(mode="json", by_alias=True, exclude_none=True)
    source = found.header.sources[known.source].model_dump(mode="json")
    return answer({"version": version, "section": section, "entry": shown, "source": source})


async def _found(version: str, read: Read, aside: Aside) -> KnowledgeSet:
    shipped = next((each for each in shipped_sets() if each.header.version == version), None)
    if shipped is not None:
        return shipped
    (shelf,) = await read.load(shelf_ref())
    loaded = shelf.state.version(version)
    found = kept(loaded.digest) if loaded else None
    if loaded is not None and found is None:
        (volume,) = await read.load(volume_ref(version))
        found = await aside(kept, loaded.digest, volume.state.text)
    if found is None:
        raise Refused("knowledge.unknown", version=version)
    return found
