"""What folds alike: expectations from Unicode and from how people search, not from the function's own tables."""

from __future__ import annotations

import sys
import unicodedata

import pytest

from api.text import fold, fold_case, fold_to_store

EVERY_CHARACTER = [
    each for each in map(chr, range(sys.maxunicode + 1)) if unicodedata.category(each) not in {"Cn", "Co", "Cs"}
]
"""Those that Unicode assigns and that may have another form: three of four code points stand for none."""


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("STRASSE", "Straße"),
        ("STRAẞE", "strasse"),
        ("ΟΔΌΣ", "Οδός"),
        ("cafe\u0301", "café"),
        ("creme", "crème"),
        ("E", "É"),
        ("Łódź", "lodz"),
        ("Smørrebrød", "SMORREBROD"),
        ("Việt Nam", "viet nam"),
        ("İSTANBUL", "istanbul"),
        ("\u0131l\u0131k", "ILIK"),
        ("ЁЖИК", "ежик"),
        ("й", "И"),
        ("ﬁn", "FIN"),
        ("\uff21\uff42\uff43", "abc"),
        ("Ǆ", "dž"),
        ("\u1fb3", "\u0391\u0399"),
        ("½", "1\u20442"),
    ],
)
def test_these_match(one: str, other: str) -> None:
    assert fold(one) == fold(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("が", "か"),
        ("हिन्दी", "हनद"),
        ("שָׁלוֹם", "שלום"),
        ("æ", "ae"),
        ("o", "0"),
        ("a b", "ab"),
    ],
)
def test_these_do_not(one: str, other: str) -> None:
    assert fold(one) != fold(other)


def test_folding_twice_changes_nothing() -> None:
    assert [each for each in EVERY_CHARACTER if fold(fold(each)) != fold(each)] == []
    assert [each for each in EVERY_CHARACTER if fold_case(fold_case(each)) != fold_case(each)] == []


def test_a_character_matches_itself_in_either_case_and_every_normal_form() -> None:
    for each in EVERY_CHARACTER:
        forms = {unicodedata.normalize(form, each) for form in ("NFC", "NFD", "NFKC", "NFKD")}
        assert len({fold(form) for form in {each, each.lower(), each.upper(), each.title(), *forms}}) == 1, each


def test_ascii_is_lowered_and_needs_no_column() -> None:
    text = "".join(map(chr, range(128)))

    assert fold(text) == text.lower()
    assert fold_to_store(text) is None
    assert fold_to_store(None) is None
    assert fold_to_store("É") == "e"


@pytest.mark.parametrize(
    ("one", "other"), [("ADA@Example.COM", "ada@example.com"), ("straße@x", "STRASSE@X"), ("e\u0301@x", "É@x")]
)
def test_e_mails_match_without_case_and_normal_form(one: str, other: str) -> None:
    assert fold_case(one) == fold_case(other)


def test_diacritics_of_e_mails_count() -> None:
    assert fold_case("é@example.com") != fold_case("e@example.com")
    # The dot above stays: six of them are no sixty-three spellings of one address.
    assert fold_case("İ@example.com") != fold_case("i@example.com")
