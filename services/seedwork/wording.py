"""What people write: that they write something, and phrases in it, however spaced and in whatever width and case."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

_UNSEEN = r"\s\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff"
"""Blanks, and characters that no reader sees: soft hyphens, joiners, marks of direction and of variants."""
SAID = f"[^{_UNSEEN}]"
"""In words: what nobody sees is no reason. Of what is asked only: what is stored may be of an older release."""


def phrase_in(phrases: Iterable[str], *texts: str | None) -> str | None:
    """The first of these phrases that one of the texts has."""
    written = [_squeezed(text) for text in texts if text]
    return next((phrase for phrase in phrases if any(_squeezed(phrase) in text for text in written)), None)


def _squeezed(text: str) -> str:
    return re.sub(f"[{_UNSEEN}]+", "", unicodedata.normalize("NFKC", text)).casefold()
