"""A machine of its own for each module of these tests, with the image of Dockerfile built on it."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.containers.machine import Machine
from tests.containers.prepare import stand_ins
from tests.containers.storage import PREPARE
from tests.support.programs import find_program, missing


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    for program in ("buildah", "catatonit", "ip", "nsenter", "podman", "runc", "unshare"):
        find_program(program)
    if os.geteuid() != 0:
        missing("only root can make the namespaces of these tests")
    if not stand_ins().exists():
        missing(f"there are no images to build on: {PREPARE}")
    # Outside pytest's folders, which are kept: an image is large.
    folder = Path(tempfile.mkdtemp(prefix="machine-"))
    machine = Machine(folder)
    try:
        machine.build("tasks-backend")
        yield machine
    finally:
        machine.stop()
        shutil.rmtree(folder)
