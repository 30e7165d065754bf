"""Drives Firefox through its own protocol, Marionette: the same commands as WebDriver, as JSON over a socket."""

from __future__ import annotations

import json
import os
import shutil
import socket
from pathlib import Path
from typing import Any, Final

from tests.support.processes import Program
from tests.support.programs import missing
from tests.support.waiting import wait_until

FIREFOX: Final = os.environ.get("FIREFOX") or shutil.which("firefox-esr") or shutil.which("firefox")

START_TIMEOUT: Final = 180.0

PREFERENCES: Final = {
    "app.update.disabledForTesting": True,
    "browser.shell.checkDefaultBrowser": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "marionette.port": 0,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "services.settings.server": "data:,",
    "toolkit.telemetry.reportingpolicy.firstRun": False,
}


class Firefox(Program):
    """A headless Firefox with a new profile, and one session in it."""

    def __init__(self, folder: Path) -> None:
        if FIREFOX is None:
            missing("needs Firefox: apt-get install firefox-esr, or name one in the environment variable FIREFOX")
        profile = folder / "profile"
        profile.mkdir()
        lines = [f"user_pref({json.dumps(name)}, {json.dumps(value)});" for name, value in PREFERENCES.items()]
        (profile / "user.js").write_text("\n".join(lines), encoding="utf-8")
        environ = {"PATH": os.environ["PATH"], "HOME": str(folder), "MOZ_DISABLE_AUTO_SAFE_MODE": "1"}
        super().__init__(
            [str(FIREFOX), "--headless", "--marionette", "--no-remote", "--profile", str(profile)],
            folder / "firefox.log",
            cwd=folder,
            environ=environ,
        )
        self._last = 0
        try:
            self._socket = wait_until(lambda: _connect(profile), "Firefox to listen", START_TIMEOUT)
            self._receive()
            self.command(
                "WebDriver:NewSession", {"capabilities": {"alwaysMatch": {"unhandledPromptBehavior": "accept"}}}
            )
        except BaseException:
            self.kill()
            raise

    def close(self) -> None:
        """End it."""
        self._socket.close()
        self.stop()

    def command(self, name: str, parameters: dict[str, Any] | None = None) -> Any:
        """Send one command; the value of its response."""
        self._last += 1
        message = json.dumps([0, self._last, name, parameters or {}]).encode()
        self._socket.sendall(b"%d:%b" % (len(message), message))
        _, number, error, result = self._receive()
        assert number == self._last
        assert error is None, f"{name}: {error['message']}"
        return result.get("value") if isinstance(result, dict) else result

    def open(self, url: str) -> None:
        self.command("WebDriver:Navigate", {"url": url})

    def evaluate(self, script: str, *arguments: object) -> Any:
        """The result of a script with `return`; a promise is awaited."""
        return self.command("WebDriver:ExecuteScript", {"script": script, "args": list(arguments), "newSandbox": False})

    def click(self, selector: str) -> None:
        self.command("WebDriver:ElementClick", {"id": self._find(selector)})

    def type(self, selector: str, text: str) -> None:
        self.command("WebDriver:ElementSendKeys", {"id": self._find(selector), "text": text})

    def wait_for(self, expression: str, timeout: float = 60.0) -> None:
        """Wait until the expression is true in the page."""
        wait_until(lambda: self.evaluate(f"return Boolean({expression})"), expression, timeout)

    def _find(self, selector: str) -> str:
        found = self.command("WebDriver:FindElement", {"using": "css selector", "value": selector})
        return str(next(iter(found.values())))

    def _receive(self) -> Any:
        length = b""
        while (character := self._socket.recv(1)) != b":":
            assert character, "Firefox has closed the connection"
            length += character
        data = b""
        while len(data) < int(length):
            piece = self._socket.recv(int(length) - len(data))
            assert piece, "Firefox has closed the connection"
            data += piece
        return json.loads(data)


def _connect(profile: Path) -> socket.socket | None:
    """A connection to the free port that Firefox has chosen and written into its profile; None before that."""
    try:
        port = int((profile / "MarionetteActivePort").read_text())
        return socket.create_connection(("127.0.0.1", port), timeout=120)
    except (OSError, ValueError):
        return None
