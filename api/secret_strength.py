"""Whether a secret that signs tokens can be guessed: it is a published example, or made of words and patterns.

settings.py and secret_file.py reject such a secret, so neither the start nor `--check` gets past one.
"""

from __future__ import annotations

import math
import re
from functools import lru_cache
from typing import Final

MIN_BITS: Final = 80.0

ADVICE: Final = "generate another with: openssl rand -base64 32"

EXAMPLES: Final = (
    "09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7",  # FastAPI's tutorial
    "192b9bdd22ab9ed4d12e236c78afcb9a393ec15f71bbf5dc987d54727823bcbf",  # Flask's quickstart
    "3EK6FD+o0+c7tzBNVfjpMkNDi2yARAAKzQlk8O2IKoxQu4nF7EdAh8s3TwpHwrdWT6R",  # Hasura's documentation
    "404E635266556A586E3272357538782F413F4428472B4B6250645367566B5970",  # tutorials of Spring Security
    "5367566B59703373367639792F423F4528482B4D6251655468576D5A71347437",  # the same
    "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow",  # RFC 7515, A.1
    "hJtXIZ2uSN5kbQfbtTNWbpdmhkV8FJG-Onbc6mxCcYg",  # RFC 7520, 3.5
)
"""Published secrets that look random. Those that are made of words need no list."""

_PIECE: Final = 40
"""Characters that are judged at once: the estimate's cost grows with more than the square of the length."""

_STEP: Final = 20
"""From one piece to the next: a random part that lies across the end of a piece is whole enough in another."""

_MOST_CHARACTERS: Final = 400
_WORDS_OF_THE_FIELD: Final = ("auth", "better", "hs256", "jwt")
_RUN: Final = re.compile(r"[^\W_]+")
_SYMBOL: Final = re.compile(r"[^\w\s.,:-]")
_BITS_OF_A_SYMBOL: Final = 5.0  # one of 32 in ASCII


@lru_cache(maxsize=64)
def find_weakness(secret: str) -> str | None:
    """Why the secret can be guessed, and what to do. None if it cannot.

    The strongest piece counts, so that a repetition adds nothing. A random secret of 32 characters has more than 80
    bits, also one of hexadecimal digits; a sentence of 40 characters has about 60.
    """
    plain = secret.casefold().replace("-", "+").replace("_", "/")
    if any(example.casefold().replace("-", "+").replace("_", "/") in plain for example in EXAMPLES):
        return f"is an example that many people know; {ADVICE}"
    starts = range(0, max(1, min(len(secret), _MOST_CHARACTERS) - _STEP), _STEP)
    if any(_bits(secret[start : start + _PIECE]) >= MIN_BITS for start in starts):
        return None
    return f"can be guessed: it has less than {MIN_BITS:g} bits of entropy; {ADVICE}"


def _bits(piece: str) -> float:
    """Bits of entropy, where each known word, date, row of keys or repetition counts as what it takes to guess it."""
    # Imported late: that takes a tenth of a second, and JWKS_URL alone needs no secret.
    from zxcvbn import zxcvbn  # noqa: PLC0415

    runs = sum(math.log2(zxcvbn(run, _WORDS_OF_THE_FIELD)["guesses"]) for run in set(_RUN.findall(piece)))
    return runs + _BITS_OF_A_SYMBOL * len(set(_SYMBOL.findall(piece)))
