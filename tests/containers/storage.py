"""Where images are stored, and how buildah and podman find them; no image is fetched from a registry.

Prepared images (prepare.py) lie in a cache that all runs share and none changes. A run stores its own images elsewhere.
Standard library only: CI prepares the cache before anything is installed.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
CACHE = Path("/var/cache/tasks-backend-containers")
PREPARED = CACHE / "storage"

PREPARE = "python3 -m tests.containers.prepare"
"""The command that fills the cache, as root."""

OPTIONS = ("cert", "extra-index-url", "index-url", "proxy", "retries", "timeout", "trusted-host")
"""Settings of pip on this machine that hold for a build too."""

ATTEMPTS = 5
BUSY = "sealing memfd copy"
"""On a busy machine buildah 1.28 may fail to start a step. The steps before it stay in its cache."""


def write_config(folder: Path, images: Path, further_images: Path | None = None) -> dict[str, str]:
    """Write the tools' configuration to `folder`; the environment in which they use it.

    They store in `images`, and read what is in `further_images`.
    """
    storage = f'[storage]\ndriver = "overlay"\ngraphroot = "{images}"\nrunroot = "{folder / "run"}"\n'
    if further_images is not None:
        storage += f'[storage.options]\nadditionalimagestores = ["{further_images}"]\n'
    (folder / "storage.conf").write_text(storage, encoding="utf-8")
    (folder / "containers.conf").write_text(
        # The limits that podman sets by default are above those of some machines.
        '[containers]\ndefault_ulimits = ["nofile=16384:16384", "nproc=1000:1000"]\n'
        f'[network]\nnetwork_config_dir = "{folder / "networks"}"\n'
        '[engine]\nruntime = "runc"\ncgroup_manager = "cgroupfs"\nevents_logger = "file"\n',
        encoding="utf-8",
    )
    return {
        **os.environ,
        "CONTAINERS_STORAGE_CONF": str(folder / "storage.conf"),
        "CONTAINERS_CONF": str(folder / "containers.conf"),
        "BUILDAH_ISOLATION": "chroot",
    }


def build(
    environ: Mapping[str, str], folder: Path, *options: str, context: Path = PROJECT, prefix: Sequence[str] = ()
) -> None:
    """Build an image without a registry, with pip set up as on this machine. Raises CalledProcessError.

    The command runs behind the words of `prefix`.
    """
    settings = read_pip_settings()
    (folder / "pip.conf").write_text("".join(["[global]\n", *(f"{k} = {v}\n" for k, v in settings.items())]))
    mounts = [f"{folder}/pip.conf:/etc/pip.conf:ro"]
    if "cert" in settings:
        mounts.append(f"{settings['cert']}:{settings['cert']}:ro")
    volumes = [f"--volume={mount}" for mount in mounts]
    command = ["buildah", "bud", "--pull-never", "--layers", "--format=docker", "--quiet", *volumes, *options]
    for _ in range(ATTEMPTS):
        done = subprocess.run(
            [*prefix, *command, str(context)], env=environ, check=False, capture_output=True, text=True, timeout=900
        )
        if BUSY not in done.stderr:
            break
    done.check_returncode()


def read_pip_settings() -> dict[str, str]:
    """Those of OPTIONS that are set on this machine, without folders of packages: the build does not see them."""
    done = subprocess.run([sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=False)
    # The environment, which takes precedence, sorts last.
    lines = (line.partition("=") for line in sorted(done.stdout.splitlines(), reverse=True))
    found = {name.rpartition(".")[2]: value.strip("'\"") for name, _, value in lines}
    return {name: found[name] for name in OPTIONS if name in found and "file:" not in found[name]}
