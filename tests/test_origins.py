"""CORS_ORIGINS: each entry is brought to the form that browsers send, or refused with a reason."""

from __future__ import annotations

import pytest

from api.settings import SettingsError, load_settings


def origins(value: str) -> tuple[str, ...] | None:
    return load_settings({"CORS_ORIGINS": value}).cors_origins


# The right column is what Chromium shows as `new URL(left).origin`.
@pytest.mark.parametrize(
    ("value", "origin"),
    [
        ("https://app.example.com", "https://app.example.com"),
        ("https://App.Example.COM", "https://app.example.com"),
        ("HTTPS://app.example.com/", "https://app.example.com"),
        ("https://app.example.com:443", "https://app.example.com"),
        ("http://app.example.com:443", "http://app.example.com:443"),
        ("http://localhost:80", "http://localhost"),
        ("http://localhost:03000", "http://localhost:3000"),
        ("https://bücher.example", "https://xn--bcher-kva.example"),
        ("https://BÜCHER.example", "https://xn--bcher-kva.example"),
        ("https://straße.example:8443", "https://xn--strae-oqa.example:8443"),
        ("https://☃.example", "https://xn--n3h.example"),
        ("https://\uff45xample.com", "https://example.com"),
        ("https://xn--BCHER-kva.example", "https://xn--bcher-kva.example"),
        ("https://my_app.example", "https://my_app.example"),
        ("https://app.example.", "https://app.example."),
        ("http://127.0.0.1:5173", "http://127.0.0.1:5173"),
        ("http://[0:0:0:0::1]:3000", "http://[::1]:3000"),
        ("http://[2001:DB8::1]", "http://[2001:db8::1]"),
        ("https://*.Example.app:443", "https://*.example.app"),
        ("https://*.bücher.example", "https://*.xn--bcher-kva.example"),
        ("http://*.localhost:3000", "http://*.localhost:3000"),
    ],
)
def test_an_origin_is_brought_to_the_form_that_browsers_send(value: str, origin: str) -> None:
    assert origins(value) == (origin,)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("*", "names no origin"),
        ("null", "names no origin"),
        ("https://user:hunter2@app.example.com", "has user info"),
        ("https://hunter2@app.example.com", "has user info"),
        ("https://app.example.com/path", "has a path"),
        ("https://app.example.com//", "has a path"),
        ("https://app.example.com?", "has a query"),
        ("https://app.example.com/?q=1", "has a query"),
        ("https://app.example.com#", "has a fragment"),
        ("https://app.example.com#x", "has a fragment"),
        ("https:\\\\app.example.com", "has a backslash"),
        ("app.example.com", "is no http or https origin"),
        ("localhost:3000", "is no http or https origin"),
        ("ftp://app.example.com", "is no http or https origin"),
        ("https:/app.example.com", "is no http or https origin"),
        ("https://", "is no http or https origin"),
        ("https://app.example.com:", "is no http or https origin"),
        ("https://app.example.com:٣", "is no http or https origin"),
        ("https://app.example.com:65536", "has no valid port"),
        ("https://a b.example", "has no valid host"),
        ("https://a..example", "has no valid host"),
        ("https://a%41.example", "has no valid host"),
        ("https://[::1", "is no http or https origin"),
        ("https://[::g]", "has no valid host"),
        ("https://[fe80::1%eth0]", "has no valid host"),
        ("https://127.1", "has no valid host"),
        ("https://0x7f.0.0.1", "has no valid host"),
        ("https://010.0.0.1", "has no valid host"),
        ("https://*", "has no valid host"),
        ("https://*.com", "has * before a top-level domain"),
        ("https://*.com.", "has * before a top-level domain"),
        ("https://*.127.0.0.1", "has * before an address"),
        ("https://a.*.example.app", "has no valid host"),
        ("https://*.*.example.app", "has no valid host"),
        ("https://pr-*.example.app", "has no valid host"),
        ("https://" + "a" * 64 + ".example", "has no valid host"),
    ],
)
def test_anything_else_is_refused_with_its_number_and_the_reason(value: str, reason: str) -> None:
    with pytest.raises(SettingsError) as caught:
        origins(f"https://one.example, {value}")
    message = str(caught.value)
    assert message.startswith("CORS_ORIGINS must be ")
    assert message.endswith(f"; number 2 {reason}")
    assert "hunter2" not in message
    assert "\n" not in message
