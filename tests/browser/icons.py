"""`python -m tests.browser.icons` draws the PNG icons of the page from its icon.svg, with Chromium."""

from __future__ import annotations

from typing import Final

from api.pages import STATIC
from tests.browser.chromium import CHROMIUM, FLAGS, sync_playwright

GREEN: Final = "#123a2d"

ICONS: Final = {
    # Name: size, and the part of it that the drawing takes. A system cuts a maskable icon down to its middle 80%, and
    # rounds the corners of Apple's, so these are filled to the edge.
    "icon-180.png": (180, 0.86, GREEN),
    "icon-192.png": (192, 1.0, "transparent"),
    "icon-512.png": (512, 1.0, "transparent"),
    "icon-maskable-512.png": (512, 0.72, GREEN),
}


def main() -> None:
    """Write every icon."""
    drawing = (STATIC / "icon.svg").read_text(encoding="utf-8")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        for name, (size, part, background) in ICONS.items():
            page = browser.new_page(viewport={"width": size, "height": size})
            style = f"margin:0;height:100vh;display:grid;place-items:center;background:{background}"
            svg = drawing.replace("<svg ", f'<svg style="width:{part:.0%}" ', 1)
            page.set_content(f'<body style="{style}">{svg}</body>')
            page.screenshot(path=STATIC / name, omit_background=True)
        browser.close()


if __name__ == "__main__":
    main()
