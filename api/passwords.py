"""Which passwords are allowed. password_hasher.py hashes them.

The commonest passwords are those of the package zxcvbn: 30,000 from published breaches, most frequent first.
"""

from __future__ import annotations

import threading
from functools import cache
from typing import Final

from api.loaded_packages import WORD_LISTS, drop_package
from api.text import fold_case

MIN_CHARACTERS: Final = 8
MAX_BYTES: Final = 72
"""bcrypt reads no more."""

MIN_DIFFERENT: Final = 3
"""Different characters, white space aside."""

_importing: Final = threading.Lock()


def find_fault(password: str) -> str | None:
    """What is wrong with the password and what to do, as the end of a sentence. None if nothing is."""
    folded = fold_case(password)
    if len(password) < MIN_CHARACTERS:
        return f"must have at least {MIN_CHARACTERS} characters; several words are easy to remember"
    if len(password.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        return f"must be at most {MAX_BYTES} bytes long, where a letter outside ASCII takes 2 to 4; shorten it"
    if len(set("".join(folded.split()))) < MIN_DIFFERENT:
        return f"must have at least {MIN_DIFFERENT} different characters besides spaces; use several words"
    if folded.strip() in common_passwords():
        return "is among the commonest, which are guessed first; use several words"
    return None


def repeats(password: str, *known: str | None) -> bool:
    """Whether the password is one of these texts, an e-mail's part before the `@` included."""
    folded = {fold_case(text).strip() for text in known if text is not None}
    return fold_case(password).strip() in folded | {text.partition("@")[0] for text in folded}


@cache
def common_passwords() -> frozenset[str]:
    """The refused ones. Their package takes 12 MiB, so no worker keeps it."""
    with _importing:
        from zxcvbn.frequency_lists import FREQUENCY_LISTS  # noqa: PLC0415

        # One text: the strings themselves lie between those that are dropped, whose memory would not become free.
        common = "\n".join(each for each in FREQUENCY_LISTS["passwords"] if len(each) >= MIN_CHARACTERS)
        del FREQUENCY_LISTS
        drop_package(WORD_LISTS)
    return frozenset(common.split("\n"))
