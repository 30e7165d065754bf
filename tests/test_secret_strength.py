"""Secrets that can be guessed are rejected, and random ones never are."""

from __future__ import annotations

import base64
import re
import string
import time
import uuid
from collections.abc import Callable
from random import Random

import pytest

from api.secret_strength import find_weakness
from tests.support.processes import PROJECT

GUESSABLE = [
    "a" * 32,
    "a" * 40,
    "0" * 32,
    "ab" * 16,
    "0123456789" * 4,
    "changem" * 60,
    "qwertyuiopasdfghjklzxcvbnm123456",
    "please-change-this-secret-in-production",
    "better-auth-secret-12345678901234567890",
    "your-super-secret-jwt-key-change-this-in-production-min-32-chars",
    "super-secret-jwt-token-with-at-least-32-characters-long",
    "a-string-secret-at-least-256-bits-long",
    "your-256-bit-secret-your-256-bit-secret",
    "reallyreallyreallyreallyverysafe",
    "django-insecure-abcdefghijklmnop123",
    "a secret that only Better Auth itself knows",
    "My very own secret for the tasks app, 2024",
    "correct horse battery staple orbit lamp",
    "sup3r-s3cr3t-k3y-th4t-n0-0n3-kn0ws-2024!",
    "Aufgaben! Aufgaben! Aufgaben! Aufgaben!",
    "mysecretmysecretmysecretmysecret1234",
    "a secret of words alone is longer than forty characters, and still made of words alone, to its very end",
]

# Its random part lies across the 40th character.
ACROSS = "production-tasks-R-fJ-Ukmir8Nk_XSxy2Xj-RJFbpAUbq8P1wKguAfkKk"

PUBLISHED = [
    "09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7",
    "09D25E094FAA6CA2556C818166B7A9563B93F7099F6F0F4CAA6CF63B88E8D3E7",
    "prefix-192b9bdd22ab9ed4d12e236c78afcb9a393ec15f71bbf5dc987d54727823bcbf",
    "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ+EstJQLr/T+1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow==",
]

RANDOM: dict[str, Callable[[Random], str]] = {
    "hex": lambda random: random.randbytes(16).hex(),
    "long hex": lambda random: random.randbytes(32).hex(),
    "url-safe": lambda random: url_safe(random, 24),
    "openssl rand -base64 32": lambda random: base64.b64encode(random.randbytes(32)).decode(),
    "uuid": lambda random: str(uuid.UUID(bytes=random.randbytes(16), version=4)),
    "letters": lambda random: "".join(random.choices(string.ascii_lowercase, k=32)),
    "printable": lambda random: "".join(chr(random.randrange(33, 127)) for _ in range(32)),
    "with a prefix": lambda random: f"production-tasks-{url_safe(random, 32)}",
    "after words": lambda random: f"{'our very own secret ' * 4}{url_safe(random, 48)}",
}


def url_safe(random: Random, size: int) -> str:
    return base64.urlsafe_b64encode(random.randbytes(size)).rstrip(b"=").decode()


@pytest.mark.parametrize("secret", GUESSABLE)
def test_a_secret_of_words_and_patterns_can_be_guessed(secret: str) -> None:
    assert "can be guessed" in str(find_weakness(secret))


@pytest.mark.parametrize("secret", PUBLISHED)
def test_a_published_example_is_known_however_it_is_written(secret: str) -> None:
    assert "is an example" in str(find_weakness(secret))


@pytest.mark.parametrize("kind", RANDOM)
def test_a_random_secret_is_strong(kind: str) -> None:
    # Of secrets of 32 printable characters one in ten thousand has less than 80 bits by this estimate.
    random = Random(kind)
    for _ in range(40):
        secret = RANDOM[kind](random)
        assert find_weakness(secret) is None, secret


def test_a_random_part_is_found_wherever_it_begins() -> None:
    random = Random("part")
    assert find_weakness(ACROSS) is None
    for before in range(41):
        secret = ("our own secret for the tasks of everybody " * 2)[:before] + url_safe(random, 32)
        assert find_weakness(secret) is None, secret


def test_no_secret_in_this_projects_documents_is_accepted() -> None:
    documents = [*PROJECT.glob("*.md"), *PROJECT.glob("docs/*.md"), *PROJECT.glob("examples/*/*.md")]
    text = "\n".join(path.read_text(encoding="utf-8") for path in documents)
    shown = re.findall(r"\w*SECRETS?=['\"]?([^\s'\"`$…]{32,})", text)
    assert len(shown) > 2
    for secret in shown:
        assert find_weakness(secret) is not None, secret


@pytest.mark.parametrize("piece", ["x", "aB3$", "1l|!i7", "20102011", "secret "])
def test_a_long_secret_is_judged_in_bounded_time(piece: str) -> None:
    began = time.process_time()
    find_weakness(piece * 10_000)
    assert time.process_time() - began < 10
