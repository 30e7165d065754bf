"""The bundle of the page's modules: the same order and names as the modules themselves, or an error at start."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from api.page_bundle import bundle_modules, bundle_page, lazy_modules
from tests.support.programs import missing

MODULES = {
    "app.js": 'import { add, one as first } from "./sums.js";\nimport { Shared } from "./shared.js";\n'
    "export const total = add(first, Shared.next());\nglobalThis.total = total;\n",
    "sums.js": 'import { Shared } from "./shared.js";\nconst total = "its own";\n'
    "export const one = Shared.next();\nexport async function later() { return total; }\n"
    "export function add(a, b) { return a + b; }\n",
    "shared.js": "let last = 0;\nexport class Shared { static next() { return ++last; } }\n",
}


def test_modules_keep_their_names_and_run_once_in_the_order_of_their_imports() -> None:
    if shutil.which("node") is None:
        missing("needs node 20")
    script = bundle_modules("app.js", MODULES)
    run = ["node", "--input-type=module", "--eval", f"{script}\nprocess.stdout.write(String(globalThis.total))"]
    assert subprocess.run(run, capture_output=True, text=True, check=True).stdout == "3"


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("shared.js", 'import { add } from "./sums.js";\n', "imports itself: app.js → sums.js → shared.js → sums.js"),
        ("shared.js", "export let last = 0;\n", "shared.js cannot be bundled: export let last"),
        ("shared.js", "export default class {}\n", "cannot be bundled: export default"),
        ("sums.js", 'export { Shared } from "./shared.js";\n', "cannot be bundled: export { Shared }"),
        ("app.js", 'import * as sums from "./sums.js";\n', "app.js cannot be bundled: import *"),
    ],
)
def test_a_module_that_cannot_be_bundled_is_an_error(name: str, text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=r"bundled|itself") as error:
        bundle_modules("app.js", {**MODULES, name: text})
    assert reason in str(error.value)


def test_a_module_that_is_loaded_later_is_not_in_the_bundle() -> None:
    lazy = {"app.js": 'import("./later.js").then(() => {});\n', "later.js": 'import { Shared } from "./shared.js";\n'}
    files = {**MODULES, **lazy}
    assert lazy_modules("app.js", files) == {"later.js", "shared.js"}
    assert "class Shared" not in bundle_modules("app.js", files)


def test_html_without_a_style_sheet_or_a_module_is_an_error() -> None:
    with pytest.raises(ValueError, match="names no"):
        bundle_page('<script type="module" src="/static/app.js"></script>', MODULES)
