"""One version in the package, the service, the typed client and the changelog."""

from __future__ import annotations

import importlib.metadata
import json
import re
from pathlib import Path

import pytest
from falcon.testing import TestClient

from serve import main

PROJECT = Path(__file__).resolve().parent.parent
PACKAGE_VERSION = importlib.metadata.version("tasks-backend")


def test_health_reports_the_packages_version(client: TestClient) -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+", PACKAGE_VERSION)
    assert client.simulate_get("/health").json == {"data": {"status": "ok", "version": PACKAGE_VERSION}}


def test_the_command_prints_the_packages_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"], {"PORT": "eighty"}) == 0
    assert capsys.readouterr().out == f"{PACKAGE_VERSION}\n"


def test_the_openapi_document_has_the_packages_version(client: TestClient) -> None:
    assert client.simulate_get("/openapi.json").json["info"]["version"] == PACKAGE_VERSION
    committed = json.loads((PROJECT / "docs" / "openapi.json").read_text(encoding="utf-8"))
    assert committed["info"]["version"] == PACKAGE_VERSION


def test_the_typed_client_has_the_packages_version() -> None:
    client = json.loads((PROJECT / "clients" / "typescript" / "package.json").read_text(encoding="utf-8"))
    assert client["version"] == PACKAGE_VERSION


def test_the_newest_release_in_the_changelog_is_this_version() -> None:
    changelog = (PROJECT / "CHANGELOG.md").read_text(encoding="utf-8")
    titles = re.findall(r"^## (.*)$", changelog, re.MULTILINE)
    assert titles[0] == "Unreleased"
    releases = [re.fullmatch(r"(\d+\.\d+\.\d+) \(tag `v\1`, \d{4}-\d{2}-\d{2}\)", title) for title in titles[1:]]
    assert None not in releases
    assert releases[0] is not None
    assert releases[0][1] == PACKAGE_VERSION
