"""Other versions that the present one is compared with, as they were committed."""

from __future__ import annotations

import subprocess
import tarfile
from io import BytesIO
from pathlib import Path

from bench.running import StartFailed
from bench.services import ROOT

BEFORE = "49950cf"
"""The last commit of version 0.1.0: the schema of the first migration alone."""


def unpack_before(directory: Path) -> Path:
    """The files of that commit in a folder of their own. Raises StartFailed where the clone does not reach back."""
    return unpack(BEFORE, directory)


def unpack(revision: str, directory: Path) -> Path:
    """The files of a commit, branch or tag in a folder of their own. Raises StartFailed if git does not know it."""
    archive = subprocess.run(["git", "archive", revision], cwd=ROOT, capture_output=True, check=False)
    if archive.returncode:
        raise StartFailed(f"{revision} is no commit of this clone; if the clone is shallow: git fetch --unshallow")
    folder = directory / revision.replace("/", "-")
    with tarfile.open(fileobj=BytesIO(archive.stdout)) as files:
        files.extractall(folder)
    return folder
