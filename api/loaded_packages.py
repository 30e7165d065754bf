"""Giving back the memory of a package that is needed once."""

from __future__ import annotations

import gc
import sys
from typing import Final

WORD_LISTS: Final = "zxcvbn"
"""The package with lists of words, names and passwords: 12 MiB."""


def drop_package(name: str) -> None:
    """Drop an imported package, if it is; the next import loads it again.

    Its memory is free then, but for what the caller still refers to. No other thread may be importing it.
    """
    loaded = [each for each in sys.modules if each.partition(".")[0] == name]
    for each in loaded:
        del sys.modules[each]
    if loaded:
        # Modules refer to their functions, and functions to their module.
        gc.collect()
