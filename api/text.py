"""One fold function: texts that fold to the same text match each other, in search, in the order of titles, in e-mails.

PostgreSQL's `lower()` depends on the database's locale and does not fold, so folded text is made here and stored. The
one exception is ASCII text, which `lower(… COLLATE "C")` folds in the same way on every database: nothing is stored.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

_LATIN: Final = "A-Za-z\u00aa\u00ba\u00c0-\u02af\u1d00-\u1dbf\u1e00-\u1eff\u2c60-\u2c7f\ua720-\ua7ff\uab30-\uab6f"
_GREEK: Final = "\u0370-\u03ff\u1f00-\u1fff"
_CYRILLIC: Final = "\u0400-\u052f\u1c80-\u1c8f\ua640-\ua69f"
_MARKS: Final = "\u0300-\u036f\u0483-\u0487\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"
_LETTER: Final = re.compile(f"[{_LATIN}{_GREEK}{_CYRILLIC}]")
_MARKED_LETTER: Final = re.compile(f"([{_LATIN}{_GREEK}{_CYRILLIC}])[{_MARKS}]+")


class _PlainLetters(dict[int, str]):
    """A table for `str.translate`: `o` for `ø`, whose stroke Unicode does not decompose but names.

    It fills itself, with letters of the three scripts alone, so its size is bounded.
    """

    def __missing__(self, code: int) -> str:
        character = chr(code)
        if not _LETTER.match(character):
            return character
        name = unicodedata.name(character, "").partition(" WITH ")[0].replace(" DOTLESS", "")
        try:
            plain = unicodedata.lookup(name)
        except KeyError:
            plain = character
        self[code] = plain
        return plain


_PLAIN_LETTERS: Final = _PlainLetters()


def fold(text: str) -> str:
    """Text for comparing: NFKC, full case folding, and Latin, Greek and Cyrillic letters without their diacritics.

    Folding twice changes nothing.
    """
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFD", fold_case(text).translate(_PLAIN_LETTERS))
    return unicodedata.normalize("NFKC", _MARKED_LETTER.sub(r"\1", decomposed))


def fold_case(text: str) -> str:
    """NFKC and full case folding alone, for e-mails: there diacritics count.

    Unicode's toNFKC_Casefold (chapter 3.13) but for the characters it ignores.
    """
    if text.isascii():
        return text.lower()
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFD", text).casefold())
    return unicodedata.normalize("NFKC", folded.casefold())


def fold_to_store(text: str | None) -> str | None:
    """The folded text that is stored beside `text`: None for ASCII, and for no text."""
    return None if text is None or text.isascii() else fold(text)
