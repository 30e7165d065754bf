"""Ambiguous and malformed HTTP requests."""

from __future__ import annotations


def post(*headers: bytes, body: bytes = b"") -> bytes:
    return b"\r\n".join((b"POST /echo HTTP/1.1", b"Host: test", *headers, b"", body))


def get(target: bytes, *headers: bytes, version: bytes = b"HTTP/1.1") -> bytes:
    return b"\r\n".join((b"GET " + target + b" " + version, *headers, b"", b""))


FRAMING = {
    "both_lengths": post(b"Content-Length: 5", b"Transfer-Encoding: chunked", body=b"0\r\n\r\n"),
    "both_lengths_reversed": post(b"Transfer-Encoding: chunked", b"Content-Length: 5", body=b"0\r\n\r\n"),
    "two_lengths": post(b"Content-Length: 5", b"Content-Length: 6", body=b"hello"),
    "the_same_length_twice": post(b"Content-Length: 5", b"Content-Length: 5", body=b"hello"),
    "a_list_of_lengths": post(b"Content-Length: 5, 5", body=b"hello"),
    "a_negative_length": post(b"Content-Length: -5", body=b"hello"),
    "a_signed_length": post(b"Content-Length: +5", body=b"hello"),
    "a_hexadecimal_length": post(b"Content-Length: 0x5", body=b"hello"),
    "an_empty_length": post(b"Content-Length:", body=b"hello"),
    "a_length_in_other_digits": post("Content-Length: ²".encode("latin-1"), body=b"hello"),
    "chunked_twice": post(b"Transfer-Encoding: chunked, chunked", body=b"0\r\n\r\n"),
    "chunked_on_two_lines": post(b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked", body=b"0\r\n\r\n"),
    "an_empty_coding": post(b"Transfer-Encoding:", body=b"0\r\n\r\n"),
    "a_coding_with_a_comma": post(b"Transfer-Encoding: chunked,", body=b"0\r\n\r\n"),
    "a_coding_behind_a_tab_stop": post(b"Transfer-Encoding: \x0bchunked", body=b"0\r\n\r\n"),
    "gzip_and_chunked": post(b"Transfer-Encoding: gzip, chunked", body=b"0\r\n\r\n"),
    "identity": post(b"Transfer-Encoding: identity", body=b"hello"),
    "a_coding_in_http_1_0": b"POST /echo HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a_chunk_size_that_is_no_number": post(b"Transfer-Encoding: chunked", body=b"x\r\nhello\r\n0\r\n\r\n"),
    "a_signed_chunk_size": post(b"Transfer-Encoding: chunked", body=b"+5\r\nhello\r\n0\r\n\r\n"),
    "a_chunk_size_in_c": post(b"Transfer-Encoding: chunked", body=b"0x5\r\nhello\r\n0\r\n\r\n"),
    "a_chunk_size_before_a_bare_lf": post(b"Transfer-Encoding: chunked", body=b"5\n\r\nhello\r\n0\r\n\r\n"),
    "an_extension_with_a_bare_lf": post(b"Transfer-Encoding: chunked", body=b"5;a\nb\r\nhello\r\n0\r\n\r\n"),
    "a_chunk_without_its_end": post(b"Transfer-Encoding: chunked", body=b"5\r\nhelloXX0\r\n\r\n"),
    "a_blank_line_for_a_chunk_size": post(b"Transfer-Encoding: chunked", body=b"\r\n5\r\nhello\r\n0\r\n\r\n"),
    "a_chunk_size_past_64_bits": post(b"Transfer-Encoding: chunked", body=b"1" + b"0" * 16 + b"\r\n"),
    "an_endless_chunk_size": post(b"Transfer-Encoding: chunked", body=b"0" * 1000),
    "a_trailer_that_is_no_header": post(b"Transfer-Encoding: chunked", body=b"0\r\nno header\r\n\r\n"),
    "more_chunk_framing_than_body": post(
        b"Content-Type: application/json",
        b"Transfer-Encoding: chunked",
        body=b"1\r\nx\r\n" * 30000 + b"0\r\n\r\n",
    ),
}

HOSTS = {
    "no_host": get(b"/echo"),
    "two_hosts": get(b"/echo", b"Host: a", b"Host: b"),
    "the_same_host_twice": get(b"/echo", b"Host: a", b"Host: a"),
    "a_list_of_hosts": get(b"/echo", b"Host: a, b"),
    "a_user_in_the_host": get(b"/echo", b"Host: user@a"),
    "a_path_in_the_host": get(b"/echo", b"Host: a/b"),
    "a_space_in_the_host": get(b"/echo", b"Host: a b"),
    "a_port_that_is_none": get(b"/echo", b"Host: a:b"),
    "an_absolute_target_without_host": get(b"http://a/echo"),
    "an_absolute_target_with_a_user": get(b"http://user@a/echo", b"Host: a"),
    "an_absolute_target_without_authority": get(b"http:///echo", b"Host: a"),
}

TARGETS = {
    "another_scheme": get(b"ftp://a/echo", b"Host: a"),
    "an_authority": get(b"a:443", b"Host: a"),
    "connect": b"CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n",
    "an_asterisk": b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
    "a_relative_path": get(b"echo", b"Host: a"),
    "a_fragment": get(b"/echo#part", b"Host: a"),
    "no_target": b"GET HTTP/1.1\r\nHost: a\r\n\r\n",
    "a_space_in_the_target": get(b"/ec ho", b"Host: a"),
    "two_spaces": get(b" /echo", b"Host: a"),
    "a_tab_for_a_space": b"GET\t/echo HTTP/1.1\r\nHost: a\r\n\r\n",
    "bytes_past_ascii": get("/é".encode(), b"Host: a"),
    "nul_in_the_target": get(b"/\x00", b"Host: a"),
    "delete_in_the_target": get(b"/\x7f", b"Host: a"),
}

HEADS = {
    "http_0_9": b"GET /echo\r\n\r\n",
    "http_0_9_without_a_blank_line": b"GET /echo\r\n",
    "http_2": get(b"/echo", b"Host: a", version=b"HTTP/2.0"),
    "http_1_2": get(b"/echo", b"Host: a", version=b"HTTP/1.2"),
    "a_version_in_lower_case": get(b"/echo", b"Host: a", version=b"http/1.1"),
    "a_space_before_the_method": b" GET /echo HTTP/1.1\r\nHost: a\r\n\r\n",
    "a_bare_cr_before_the_method": b"\rGET /echo HTTP/1.1\r\nHost: a\r\n\r\n",
    "a_bare_lf_before_the_method": b"\nGET /echo HTTP/1.1\r\nHost: a\r\n\r\n",
    "a_method_that_is_no_token": b"GE(T /echo HTTP/1.1\r\nHost: a\r\n\r\n",
    "a_space_before_the_colon": get(b"/echo", b"Host : a"),
    "a_header_without_colon": get(b"/echo", b"Host: a", b"nothing"),
    "a_header_without_name": get(b"/echo", b"Host: a", b": value"),
    "a_folded_header": get(b"/echo", b"Host: a", b"X-Folded: a", b" b"),
    "a_folded_first_header": get(b"/echo", b" Host: a"),
    "nul_in_a_header": get(b"/echo", b"Host: a", b"X-Nul: a\x00b"),
    "a_control_in_a_header": get(b"/echo", b"Host: a", b"X-Bell: a\x07b"),
    "a_bare_cr_in_a_header": get(b"/echo", b"Host: a", b"X-CR: a\rContent-Length: 5"),
    "a_bare_lf_in_a_header": get(b"/echo", b"Host: a", b"X-LF: a\nContent-Length: 5"),
    "bare_lf_alone": b"GET /echo HTTP/1.1\nHost: a\n\n",
    "a_tls_hello": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\n\r\n\r\n",
    "noise": bytes(range(256)) * 4 + b"\r\n\r\n",
}

ALL = {**FRAMING, **HOSTS, **TARGETS, **HEADS}
