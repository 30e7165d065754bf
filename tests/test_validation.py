"""The two validators of a body agree: neither accepts a body that the other rejects."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from api.errors import ValidationFailed
from api.validation import _FORMAT_CHECKER, _REGISTRY, SCHEMAS, Schema

TASK = Schema(SCHEMAS["task-create.json"])
SLOW = Draft202012Validator({"$ref": "task-create.json"}, registry=_REGISTRY, format_checker=_FORMAT_CHECKER)

VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**64 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=20),
    st.sampled_from(["", " ", "\0", "x" * 500, "x" * 501, "😀" * 500, "😀" * 501, "x" * 10_001]),
    st.sampled_from(
        ["2026-02-28", "2026-02-30", "2026-02-28T10:00:00Z", "2026-02-28T10:00:00", "9999-12-31T23:59:59-01:00"]
    ),
    st.lists(st.none(), max_size=2),
)


def is_accepted(body: Any) -> bool:
    try:
        TASK.validate(body)
    except ValidationFailed:
        return False
    return True


def test_exactly_the_white_space_characters_are_blank() -> None:
    characters = [chr(point) for point in range(1, 0x3100)] + ["\ufeff", "\U0001f600", "\U0010ffff"]
    assert [each for each in characters if is_accepted({"title": each}) == each.isspace()] == []


# Hypothesis times the generation of examples and each run of the test; on a busy machine both are slow.
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(st.sampled_from(["title", "description", "completed", "due_date", "other"]), VALUES))
def test_both_validators_agree(body: dict[str, Any]) -> None:
    assert is_accepted(body) == SLOW.is_valid(body)


def test_a_deeply_nested_field_is_rejected_without_reading_it() -> None:
    body = orjson.loads('{"title": ' + "[" * 1000 + "]" * 1000 + "}")
    with pytest.raises(ValidationFailed) as rejected:
        TASK.validate(body)
    assert [each.field for each in rejected.value.fields] == ["title"]
    assert TASK.validate({"title": "Mine", "other": body}) == {"title": "Mine"}
