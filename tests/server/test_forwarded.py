"""The client's address behind proxies: only entries written by trusted proxies count."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from api.forwarded import client_address, rate_limit_key

NETWORKS = tuple(map(ip_network, ("10.0.0.0/8", "127.0.0.1/32", "fd00::/8")))


def address(peer: str, *forwarded: str) -> str:
    environ = {"REMOTE_ADDR": peer}
    if forwarded:
        environ["HTTP_X_FORWARDED_FOR"] = ", ".join(forwarded)
    return client_address(environ, NETWORKS)


def test_without_trusted_proxies_the_header_is_ignored() -> None:
    assert client_address({"REMOTE_ADDR": "10.0.0.1", "HTTP_X_FORWARDED_FOR": "192.0.2.1"}, ()) == "10.0.0.1"


def test_from_an_untrusted_peer_the_header_is_ignored() -> None:
    assert address("192.0.2.9", "198.51.100.1") == "192.0.2.9"


def test_a_trusted_peer_without_the_header_is_the_client() -> None:
    assert address("10.0.0.1") == "10.0.0.1"


def test_the_entry_of_a_trusted_peer_is_the_client() -> None:
    assert address("10.0.0.1", "192.0.2.1") == "192.0.2.1"


def test_entries_left_of_the_proxys_entry_are_ignored() -> None:
    assert address("10.0.0.1", "198.51.100.66", "127.0.0.1", "192.0.2.1") == "192.0.2.1"


def test_a_chain_of_trusted_proxies_is_followed() -> None:
    assert address("127.0.0.1", "198.51.100.66", "192.0.2.1", "10.1.1.1", "10.2.2.2") == "192.0.2.1"


def test_if_all_entries_are_trusted_the_first_is_the_client() -> None:
    assert address("10.0.0.1", "10.0.0.3", "10.0.0.2") == "10.0.0.3"


@pytest.mark.parametrize(
    ("peer", "client"), [("::ffff:192.0.2.9", "192.0.2.9"), ("2001:DB8::0:1", "2001:db8::1"), ("unix", "unix")]
)
def test_a_peer_that_is_the_client_has_one_spelling_too(peer: str, client: str) -> None:
    assert address(peer, "198.51.100.1") == client


@pytest.mark.parametrize(
    "entry", ["", "unknown", "_hidden", "192.0.2.1.5", "<script>", "1" * 5000, "::1::", "[10.0.0.1"]
)
def test_an_entry_that_is_not_an_address_ends_the_chain(entry: str) -> None:
    assert address("10.0.0.1", "192.0.2.1", entry) == "10.0.0.1"
    assert address("10.0.0.1", "192.0.2.1", entry, "10.0.0.2") == "10.0.0.2"


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ("192.0.2.1:5678", "192.0.2.1"),
        ("[2001:db8::1]:5678", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("2001:DB8:0::1", "2001:db8::1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("  192.0.2.1\t", "192.0.2.1"),
    ],
)
def test_an_address_has_one_spelling(entry: str, expected: str) -> None:
    assert address("10.0.0.1", entry) == expected


@pytest.mark.parametrize("peer", ["::ffff:10.0.0.1", "fd00::1"])
def test_a_trusted_peer_is_recognized_on_a_socket_of_either_family(peer: str) -> None:
    assert address(peer, "192.0.2.1") == "192.0.2.1"


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:0:1::7", "2001:db8:0:1::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::ffff:192.0.2.7", "::ffff:192.0.2.7"),
        ("unix:", "unix:"),
        ("", ""),
    ],
)
def test_the_rate_limit_key_is_the_address_or_its_ipv6_network(address: str, counted: str) -> None:
    assert rate_limit_key(address) == counted
