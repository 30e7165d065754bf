"""Makes one script and one style of a page's files, without comments: a phone loads two files instead of fifty.

The modules stay as they are written and can be loaded singly. What is bundled may import names from files beside it,
and export classes, functions and constants; a module that does anything else is refused at start.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, NamedTuple

from rcssmin import cssmin
from rjsmin import jsmin

SCRIPT: Final = "page.js"
STYLE: Final = "page.css"

_IMPORT: Final = re.compile(r'^import \{([^}]*)\} from "\./([\w-]+\.js)";$', re.MULTILINE)
_LAZY: Final = re.compile(r'\bimport\("\./([\w-]+\.js)"\)')
_EXPORT: Final = re.compile(r"^export (?=(?:async )?(?:class|function|const) (\w+))", re.MULTILINE)
_OTHER: Final = re.compile(r"^(?:import|export)\b(?!\().*", re.MULTILINE)
_SHEET: Final = re.compile(r' *<link rel="stylesheet" href="(/\w+/)([\w-]+\.css)">\n')
_MODULE: Final = re.compile(r'<script type="module" src="(/\w+/)([\w-]+\.js)"></script>')


class Bundle(NamedTuple):
    """The HTML that loads the bundled files, and these files by name."""

    html: str
    files: dict[str, bytes]


def bundle_page(html: str, files: Mapping[str, str]) -> Bundle:
    """Bundle the style sheets and the one module that the HTML names. `files` are the texts of all files by name.

    Raises ValueError if a module cannot be bundled.
    """
    sheets = _SHEET.findall(html)
    script = _MODULE.search(html)
    if not sheets or script is None:
        raise ValueError("the HTML names no style sheet or no module")
    style = "\n".join(files[name] for _, name in sheets)
    head, tail = html[: script.start()], html[script.end() :]
    head = _SHEET.sub("", head).rstrip(" ")
    links = f'  <link rel="stylesheet" href="{sheets[0][0]}{STYLE}">\n'
    html = f'{head}{links}  <script type="module" src="{script[1]}{SCRIPT}"></script>{tail}'
    bundled = {SCRIPT: jsmin(bundle_modules(script[2], files)).encode(), STYLE: cssmin(style).encode()}
    return Bundle(html, bundled)


def bundle_modules(entry_point: str, files: Mapping[str, str]) -> str:
    """One module in place of the entry point and what it imports. Each of the others is a function that runs once."""
    parts = [_wrap(name, files[name]) for name in order_modules(entry_point, files)[:-1]]
    return "".join([*parts, _link(entry_point, files[entry_point])])


def order_modules(entry_point: str, files: Mapping[str, str]) -> list[str]:
    """The entry point and what it imports, directly or not, after what each imports. Raises ValueError for a cycle."""
    ordered: list[str] = []
    open_modules: list[str] = []

    def visit(name: str) -> None:
        if name in open_modules:
            raise ValueError(f"{name} imports itself: {' → '.join([*open_modules, name])}")
        if name in ordered:
            return
        open_modules.append(name)
        for _, imported in _IMPORT.findall(files[name]):
            visit(imported)
        open_modules.pop()
        ordered.append(name)

    visit(entry_point)
    return ordered


def lazy_modules(entry_point: str, files: Mapping[str, str]) -> set[str]:
    """The modules that bundled ones import when they need them, with what these import. They are not in the bundle."""
    found: set[str] = set()
    unread = set(order_modules(entry_point, files))
    while unread:
        named = {name for each in unread for name in _LAZY.findall(files[each])}
        unread = {name for lazy in named for name in order_modules(lazy, files)} - found
        found |= unread
    return found


def _wrap(name: str, text: str) -> str:
    exported = ", ".join(_EXPORT.findall(text))
    return f"const {_variable(name)} = (() => {{\n{_link(name, text)}\nreturn {{ {exported} }};\n}})();\n"


def _link(name: str, text: str) -> str:
    """The text of a module with its imports as variables and without the word `export`."""
    text = _IMPORT.sub(lambda match: f"const {{{_destructure(match[1])}}} = {_variable(match[2])};", text)
    text = _EXPORT.sub("", text)
    if other := _OTHER.search(text):
        raise ValueError(f"{name} cannot be bundled: {other[0]}")
    return text


def _destructure(names: str) -> str:
    return re.sub(r"\bas\b", ":", names)


def _variable(name: str) -> str:
    return f"${name.removesuffix('.js').replace('-', '_')}"
