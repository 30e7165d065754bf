"""Fills the cache of images (storage.py) from Debian's packages: the base of Dockerfile, stand-ins for the images that
compose.yaml names, and the layers of Dockerfile that take long.

`python3 -m tests.containers.prepare`, as root. It takes minutes at first, and a second if nothing has changed.
"""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from tests.containers.storage import CACHE, PREPARED, PROJECT, build, write_config

STAND_INS = Path(__file__).parent / "stand_ins"
BASE = "docker.io/library/python:3.13-slim"
IMAGES = {
    "haproxy": "docker.io/library/haproxy:3.2",
    "postgres": "docker.io/library/postgres:18",
    "prometheus": "docker.io/prom/prometheus:v3.4.1",
    "redis": "docker.io/library/redis:8",
}
"""The names in compose.yaml of the stages in stand_ins/Containerfile."""

SUITE = "trixie"
PACKAGES = "ca-certificates,python3-pip,python3-venv"


def done(what: str, *files: Path) -> Path:
    """The file that says that the cache holds `what`, made from these files."""
    made_from = [SUITE.encode(), PACKAGES.encode(), *(path.read_bytes() for path in files)]
    return CACHE / f"{what}-{hashlib.sha256(b''.join(made_from)).hexdigest()[:16]}"


def stand_ins() -> Path:
    """The file that says that the cache holds the images which compose.yaml names."""
    return done("stand-ins", *sorted(STAND_INS.iterdir()))


def prepare() -> None:
    """Make what the cache lacks. Raises CalledProcessError."""
    config = CACHE / "config"
    config.mkdir(parents=True, exist_ok=True)
    environ = write_config(config, PREPARED)
    layers = done("layers", PROJECT / "Dockerfile", *(PROJECT / "requirements").iterdir())
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done("base").exists():
            print("making a minimal Debian, a minute or more", flush=True)
            make_base(environ)
            done("base").touch()
        if not stand_ins().exists():
            print("installing HAProxy, PostgreSQL, Redis and Prometheus into images", flush=True)
            for stage, image in IMAGES.items():
                build(environ, config, f"--target={stage}", f"--tag={image}", context=STAND_INS)
            stand_ins().touch()
        if not layers.exists():
            print("installing requirements/run.txt into an image", flush=True)
            build(environ, config, "--tag=tasks-backend-prepared")
            layers.touch()


def make_base(environ: Mapping[str, str]) -> None:
    """Make the image of a minimal Debian with Python, from the archive that apt uses on this machine."""
    archive = subprocess.run(
        ["apt-get", "indextargets", "--format=$(SITE)", "Identifier: Packages", "Origin: Debian", "Label: Debian"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split()[0]
    with tempfile.TemporaryDirectory(dir=CACHE) as name:
        root = Path(name)
        subprocess.run(
            ["debootstrap", "--variant=minbase", f"--include={PACKAGES}", SUITE, name, archive],
            check=True,
            stdout=subprocess.DEVNULL,
            timeout=1800,
        )
        (root / "usr" / "bin" / "python").symlink_to("python3")
        for cached in ("var/cache/apt/archives", "var/lib/apt/lists"):
            shutil.rmtree(root / cached)
        with subprocess.Popen(["tar", "-C", name, "-c", "."], stdout=subprocess.PIPE) as tar:
            subprocess.run(["podman", "import", "--quiet", "-", BASE], stdin=tar.stdout, env=environ, check=True)
    if tar.returncode:
        raise subprocess.CalledProcessError(tar.returncode, "tar")


if __name__ == "__main__":
    try:
        prepare()
    except subprocess.CalledProcessError as ex:
        sys.exit(f"{ex}\n{ex.stderr or ''}")
