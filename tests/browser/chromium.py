"""Requirements of these tests: Playwright, axe-core and Chromium. Import Playwright's names from here.

If one is missing, a run on a developer's machine skips the tests and says what to install; a run in CI fails.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Final

from tests.support.programs import missing

try:
    from axe_playwright_python.sync_playwright import Axe
    from playwright.sync_api import (
        Browser,
        BrowserContext,
        CDPSession,
        Locator,
        Page,
        Request,
        Route,
        expect,
        sync_playwright,
    )
except ImportError:
    missing("needs the browser tests' packages: pip install 'playwright' 'axe-playwright-python'")

CHROMIUM: Final = Path(os.environ.get("CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium")

if not CHROMIUM.exists():
    missing("needs Chromium: apt-get install chromium, or name one in the environment variable CHROMIUM")

_DISABLED: Final = (
    # The list replaces Playwright's own, so it holds that too.
    "AimEnabled",
    "AvoidCorsURLLoaderRestartOnRedirect",
    "AvoidUnnecessaryBeforeUnloadCheckSync",
    "DestroyProfileOnBrowserClose",
    "HttpsFirstBalancedModeAutoEnable",
    "HttpsUpgrades",
    "LensOverlay",
    "MediaRouter",
    "NetworkTimeServiceQuerying",
    "OptimizationHints",
    "PaintHolding",
    "PreconnectToSearch",
    "ThirdPartyStoragePartitioning",
    # Two hidden pages of the address bar, which took two thirds of the processor time of a new tab.
    "WebUIOmniboxAimPopup",
    "WebUIOmniboxPopup",
)

FLAGS: Final = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    f"--disable-features={','.join(_DISABLED)}",
)

__all__ = [
    "CHROMIUM",
    "FLAGS",
    "Axe",
    "Browser",
    "BrowserContext",
    "CDPSession",
    "Locator",
    "Page",
    "Request",
    "Route",
    "expect",
    "sync_playwright",
]
