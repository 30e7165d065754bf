"""The `api-client.ts` of docs/frontends.md, compiled and run unchanged against the profile of its worked example."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from tests.profiles.guide import worked_example
from tests.support.processes import PATIENT, PROJECT, UNLIMITED, running
from tests.support.programs import missing

TSC = PROJECT / "node_modules" / ".bin" / "tsc"

USE = """
import * as client from "./api-client.js";
await client.join("ada@example.com", "correct horse");
await client.enter("ada@example.com", "correct horse");
const steps = [];
steps.push(await client.pin({ text: "Buy milk", remindOn: "", colour: "pink" }));
steps.push(await client.pin({ text: "Call Bob", remindOn: "2026-12-01", colour: "yellow" }));
steps.push(await client.finish(steps[0].id));
steps.push(await client.notes(true), await client.notes(false));
steps.push(await client.unpin(steps[0].id));
await client.pin({ text: "", remindOn: "", colour: "pink" }).catch((error) => steps.push(error.message));
await client.pin({ text: "x", remindOn: "", colour: "green" }).catch((error) => steps.push(error.message));
console.log(JSON.stringify(steps));
"""


def test_the_client_of_the_worked_example_works(tmp_path: Path, create_database: Callable[[], str]) -> None:
    node = shutil.which("node")
    if node is None or not TSC.exists():
        missing("needs Node 20 and the npm workspace: npm ci")
    example = worked_example()
    (tmp_path / "pinboard.toml").write_text("".join(each.text for each in example if each.kind == "toml"), "utf-8")
    settings = {
        **UNLIMITED,
        **PATIENT,
        "DATABASE_URL": create_database(),
        "WORKERS": "1",
        "FRONTEND": "pinboard.toml",
    }
    with running(tmp_path / "service.log", **settings) as service:
        client = next(each.text for each in example if each.kind == "ts")
        assert "http://localhost:8000" in client
        client = client.replace("http://localhost:8000", service.origin)
        (tmp_path / "api-client.ts").write_text(client, encoding="utf-8")
        (tmp_path / "package.json").write_text('{"type": "module"}', encoding="utf-8")
        options = ("--strict", "--target", "es2022", "--module", "nodenext", "--lib", "es2022,dom")
        subprocess.run([TSC, *options, "api-client.ts"], cwd=tmp_path, check=True, timeout=300)
        (tmp_path / "use.js").write_text(USE, encoding="utf-8")
        run = subprocess.run([node, "use.js"], cwd=tmp_path, check=True, timeout=180, capture_output=True, text=True)
        assert service.events("not understood") == []
    milk, call, finished, done, pending, unpinned, blank, colour = json.loads(run.stdout)
    assert {**milk, "finished": True, "updated_at": finished["updated_at"]} == finished
    read = ("text", "finished", "remindOn", "colour")
    assert [milk[name] for name in read] == ["Buy milk", False, None, "pink"]
    assert [call[name] for name in read] == ["Call Bob", False, "2026-12-01", "yellow"]
    assert done == {"notes": [finished], "total": 1}
    assert pending == {"notes": [call], "total": 1}
    assert unpinned == {"ok": True}
    assert (blank, colour) == ("Text is required", "Colour must be one of yellow, pink")
