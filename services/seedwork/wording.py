"""What people write: that they write something, and phrases in it, however spaced and in whatever width and case."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

SAID = r"\S"
"""In words: blanks are no reason. Of what is asked only: what is stored may be of an older release."""
_SPACE = re.compile(r"\s+")


def phrase_in(phrases: Iterable[str], *texts: str | None) -> str | None:
    """The first of these phrases that one of the texts has."""
    written = [_squeezed(text) for text in texts if text]
    return next((phrase for phrase in phrases if any(_squeezed(phrase) in text for text in written)), None)


def _squeezed(text: str) -> str:
    return _SPACE.sub("", unicodedata.normalize("NFKC", text)).casefold()
