"""The proxies' configurations with the lines of docs/operating.md that serve below the prefix `/todo`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from tests.proxies.proxy import Edit, replace
from tests.support.processes import PROJECT


def documented(language: str) -> str:
    """The only block of docs/operating.md in this language."""
    text = (PROJECT / "docs" / "operating.md").read_text(encoding="utf-8")
    (block,) = re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    return str(block)


def edit_nginx(text: str) -> str:
    text = replace(text, '            proxy_set_header X-Forwarded-Prefix "";\n', "")
    return replace(text, "        location / {\n            proxy_pass http://instances;\n", documented("nginx"))


def edit_haproxy(text: str) -> str:
    return replace(text, "    default_backend instances\n", documented("haproxy") + "    default_backend instances\n")


BELOW_PREFIX: Final[Mapping[str, Edit]] = {"nginx": edit_nginx, "haproxy": edit_haproxy}
"""By proxy: the change that makes it serve below `/todo`."""
