"""The file `.env` in the working directory, for the service and for `pw_migrate`."""

from __future__ import annotations

from collections.abc import Mapping

from dotenv import dotenv_values


def with_dotenv(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment variables, and those of `.env` that the environment does not set.

    An empty value is kept: `RATE_LIMIT=` means no limit, in the file as in the environment. A name without `=` has no
    value and is left out.
    """
    file = {name: value for name, value in dotenv_values(".env").items() if value is not None}
    return {**file, **environ}
