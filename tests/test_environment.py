"""The environment matches the lock: these packages, these versions, and no file written by two of them."""

from __future__ import annotations

import configparser
import re
import sysconfig
from collections import defaultdict
from collections.abc import Iterable, Mapping
from importlib.metadata import Distribution, distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PROJECT = Path(__file__).resolve().parent.parent
LOCKS = ("build", "develop", "lock", "run")
REMEDY = "the environment is not what requirements/ says: make clean, then make test"

# pip comes with Python; the other is the project itself.
NOT_LOCKED = {"pip", "tasks-backend"}


def read_lock(name: str) -> list[Requirement]:
    text = (PROJECT / "requirements" / f"{name}.txt").read_text(encoding="utf-8")
    return [Requirement(line.rstrip(" \\")) for line in text.splitlines() if re.match(r"\w", line)]


def pinned_here(*names: str) -> dict[str, str]:
    """Name and version of each package that the locks pin for this Python and system."""
    wanted = [one for name in names for one in read_lock(name) if one.marker is None or one.marker.evaluate()]
    return {canonicalize_name(one.name): str(one.specifier).removeprefix("==") for one in wanted}


def installed() -> list[Distribution]:
    return [*distributions(path=list({sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}))]


def differences(pinned: Mapping[str, str], found: Iterable[tuple[str, str]]) -> list[str]:
    """One line for each package that is missing, not pinned, or in another version than pinned."""
    versions: dict[str, list[str]] = defaultdict(list)
    for name, version in found:
        if canonicalize_name(name) not in NOT_LOCKED:
            versions[canonicalize_name(name)].append(version)
    return [
        f"{name}: pinned {pinned.get(name)}, installed {' and '.join(versions[name]) or None}"
        for name in sorted({*pinned, *versions})
        if versions[name] != [pinned.get(name)]
    ]


def shared_files(packages: Iterable[tuple[str, Iterable[str]]]) -> dict[str, set[str]]:
    """The files that more than one package has written, with their owners."""
    owners: dict[str, set[str]] = defaultdict(set)
    for name, files in packages:
        for file in files:
            owners[file].add(name)
    return {file: names for file, names in owners.items() if len(names) > 1}


def test_the_installed_packages_are_those_of_the_lock() -> None:
    found = [(one.metadata["Name"], one.version) for one in installed()]
    assert differences(pinned_here("build", "develop"), found) == [], REMEDY


def test_no_file_is_written_by_two_packages() -> None:
    records = [(one.metadata["Name"], [str(file) for file in one.files or ()]) for one in installed()]
    assert [name for name, files in records if not files] == []
    assert shared_files(records) == {}, REMEDY


def test_no_file_of_a_package_is_missing() -> None:
    # If two packages wrote a file, uninstalling one removes the other's file.
    files = [Path(str(file.locate())) for one in installed() for file in one.files or ()]
    assert [file for file in files if file.suffix != ".pyc" and not file.exists()] == [], REMEDY


@pytest.mark.parametrize(
    ("found", "reported"),
    [
        ([("Falcon", "4.4.0"), ("typing_extensions", "4.16.0"), ("pip", "23.2.1")], []),
        ([("Falcon", "4.3.0"), ("typing_extensions", "4.16.0")], ["falcon: pinned 4.4.0, installed 4.3.0"]),
        ([("Falcon", "4.4.0")], ["typing-extensions: pinned 4.16.0, installed None"]),
        (
            [("Falcon", "4.4.0"), ("typing_extensions", "4.16.0"), ("types-peewee", "4.5.1")],
            ["types-peewee: pinned None, installed 4.5.1"],
        ),
        (
            [("Falcon", "4.4.0"), ("Falcon", "4.3.0"), ("typing_extensions", "4.16.0")],
            ["falcon: pinned 4.4.0, installed 4.4.0 and 4.3.0"],
        ),
    ],
)
def test_each_difference_from_the_lock_is_reported(found: list[tuple[str, str]], reported: list[str]) -> None:
    assert differences({"falcon": "4.4.0", "typing-extensions": "4.16.0"}, found) == reported


def test_a_file_of_two_packages_is_reported() -> None:
    packages = [("peewee", ["peewee.py", "peewee-stubs/__init__.pyi"]), ("types-peewee", ["peewee-stubs/__init__.pyi"])]
    assert shared_files(packages) == {"peewee-stubs/__init__.pyi": {"peewee", "types-peewee"}}


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_pins_each_package_by_hash_and_names_no_registry(name: str) -> None:
    text = (PROJECT / "requirements" / f"{name}.txt").read_text(encoding="utf-8")
    entries = re.findall(r"^[\w.-]+==[^ \\\n]+.*\\\n(?: +--hash=sha256:[0-9a-f]{64}(?: \\)?\n)+", text, re.MULTILINE)
    assert len(entries) == len(read_lock(name)) > 0
    assert "://" not in text
    assert "--index" not in text


def test_the_locks_agree_with_one_another() -> None:
    develop = {str(one) for one in read_lock("develop")}
    assert {str(one) for one in read_lock("run")} <= develop
    built_with = {one.name for one in read_lock("build")}
    assert built_with == {"setuptools"}
    assert built_with & {one.name for one in read_lock("develop")} == set()


def test_the_locks_meet_the_packages_requirements() -> None:
    parser = configparser.ConfigParser()
    parser.read(PROJECT / "setup.cfg")
    asked = parser["options"]["install_requires"]
    extras = dict(parser["options.extras_require"])
    assert set(extras) == {"test", "check", "bench", "mutants"}
    assert unmet(asked, "run") == []
    assert unmet(asked + "".join(extras.values()), "develop") == []


def unmet(lines: str, lock: str) -> list[str]:
    """The requirements of setup.cfg, one a line, that no pin of the lock meets."""
    pins = read_lock(lock)
    asked = [Requirement(line) for line in lines.splitlines() if line and not line.startswith("#")]
    return [str(one) for one in asked if not any(_meets(pin, one) for pin in pins)]


def _meets(pin: Requirement, asked: Requirement) -> bool:
    same = canonicalize_name(pin.name) == canonicalize_name(asked.name)
    return same and asked.specifier.contains(str(pin.specifier).removeprefix("=="))
