"""One download of a JWK set: its time limit covers all of it, however the response arrives."""

from __future__ import annotations

import datetime
import ipaddress
import ssl
import time
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from api.jose.jwks_download import DownloadError, download, parse_set
from tests.support.dripping import DRIPS, OK, dripping
from tests.support.jwks_server import serving
from tests.support.signing import signer_for
from tests.support.waiting import wait_until

TIMEOUT = 0.5
MOST = 30.0
"""Seconds after which a download with TIMEOUT must have ended, on a busy machine too."""


@pytest.fixture
def tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """A server's context whose certificate, for 127.0.0.1, the service trusts."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.timezone.utc)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path / "server.pem"
    file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


def fails_in_time(url: str) -> None:
    began = time.monotonic()
    with pytest.raises(DownloadError):
        download(url, TIMEOUT)
    assert time.monotonic() - began < MOST


@pytest.mark.parametrize("drip", DRIPS)
def test_an_endless_response_is_abandoned_in_time(drip: str) -> None:
    with dripping(*DRIPS[drip]) as server:
        fails_in_time(server.url)
        wait_until(lambda: server.closed == 1, "the connection to be closed")


@pytest.mark.parametrize("drip", ["interim responses", "a header", "a trailer"])
def test_so_is_one_over_tls(drip: str, tls: ssl.SSLContext) -> None:
    with dripping(*DRIPS[drip], tls) as server:
        fails_in_time(server.url)
        wait_until(lambda: server.closed == 1, "the connection to be closed")


def test_a_tls_handshake_that_is_never_answered_is_abandoned_in_time() -> None:
    with dripping(b"", b"") as server:
        fails_in_time(server.url.replace("http:", "https:"))


def test_a_set_is_downloaded_over_tls(tls: ssl.SSLContext) -> None:
    with dripping(OK + b'Content-Length: 11\r\n\r\n{"keys":[]}', b"", tls) as server:
        assert download(server.url, MOST) == b'{"keys":[]}'


def test_an_untrusted_certificate_is_an_error(tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    with dripping(OK + b'Content-Length: 11\r\n\r\n{"keys":[]}', b"", tls) as server:
        fails_in_time(server.url)


def test_a_slow_response_is_complete_within_the_limit() -> None:
    with serving(signer_for("EdDSA")) as server:
        server.delay, server.piece_delay = 0.3, 0.002
        assert set(parse_set(download(server.url, MOST))) == {"key-of-EdDSA"}
