"""A PostgreSQL whose locale is Turkish, by ICU, which the embedded one is built without: the system's own server."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.support.programs import find_program

OPTIONS = "-c listen_addresses='' -c fsync=off -c unix_socket_directories={directory}"


@contextlib.contextmanager
def turkish_database() -> Iterator[str]:
    """The URL of an empty database in which the capital of `i` is `İ`."""
    binaries = Path(find_program("initdb")).resolve().parent
    # A short path: pytest's own may be too long for a socket.
    directory = Path(tempfile.mkdtemp(prefix="turkish-"))
    account: dict[str, Any] = {}
    if os.geteuid() == 0:
        # PostgreSQL refuses to run as root.
        nobody = pwd.getpwnam("nobody")
        account = {"user": nobody.pw_uid, "group": nobody.pw_gid}
        os.chown(directory, nobody.pw_uid, nobody.pw_gid)

    def run(program: str, *arguments: str) -> None:
        subprocess.run(
            [binaries / program, "-D", directory / "data", *arguments],
            cwd=directory,
            env={"PATH": os.environ["PATH"], "LC_ALL": "C"},
            stdout=subprocess.DEVNULL,
            timeout=120,
            check=True,
            **account,
        )

    run("initdb", "-U", "postgres", "--auth=trust", "--encoding=UTF8", "--locale-provider=icu", "--icu-locale=tr-TR")
    run("pg_ctl", "start", "-w", "-l", str(directory / "log"), "-o", OPTIONS.format(directory=directory))
    try:
        yield f"postgresql://postgres@/postgres?host={directory}"
    finally:
        run("pg_ctl", "stop", "-w", "-m", "immediate")
        shutil.rmtree(directory)
