"""Bodies are read, and refused, as serde_json does: the same sentence, path, line and column."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compose.embedded import schema
from compose.embedded.serde import JsonError, Reader
from compose.embedded.shapes import F32

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(), inner, max_size=5),
    max_leaves=20,
)


@given(VALUES, st.sampled_from([None, 1]), st.booleans())
def test_any_json_is_read_as_pythons_own_parser_reads_it(value: Any, indent: int | None, ascii_only: bool) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only)
    assert Reader(text.encode("utf-8", "surrogatepass")).anything() == json.loads(text)


@given(st.binary(max_size=60) | st.text('{}[]:,"\\u0123eE+-.truefalsn \n', max_size=40).map(str.encode))
def test_what_is_no_json_is_refused_and_nothing_else_happens(raw: bytes) -> None:
    try:
        json.loads(raw.decode("utf-8"), parse_constant=lambda name: json.loads(name.lower()))
        valid = True
    except (ValueError, UnicodeDecodeError, RecursionError):
        valid = False
    reader = Reader(raw)
    try:
        reader.anything()
        whole = reader.peek() < 0
    except JsonError:
        whole = False
    assert whole <= valid


# Sentences of serde_json 1.0 that the recordings do not have.
REFUSED = [
    (schema.GENERATE, b'{"inputs": "x",}', "trailing comma at line 1 column 16", True),
    (schema.GENERATE, b'{"inputs": "x"', "EOF while parsing an object at line 1 column 14", True),
    (schema.GENERATE, b'{"inputs": "x', "inputs: EOF while parsing a string at line 1 column 13", True),
    (schema.GENERATE, b'{"inputs" "x"}', "inputs: expected `:` at line 1 column 11", True),
    (schema.GENERATE, b"{inputs: 1}", "key must be a string at line 1 column 2", True),
    (
        schema.GENERATE,
        b'{\n "inputs": true}',
        "inputs: invalid type: boolean `true`, expected a string at line 2 column 15",
        False,
    ),
    (schema.GENERATE, b'{"inputs": {}}', "inputs: invalid type: map, expected a string at line 1 column 11", False),
    (
        schema.GENERATE,
        b'{"inputs": "x", "parameters": {"top_k": 3000000000}}',
        "parameters.top_k: invalid value: integer `3000000000`, expected i32 at line 1 column 50",
        False,
    ),
    (
        schema.GENERATE,
        b'{"inputs": "x", "parameters": {"details": 1}}',
        "parameters.details: invalid type: integer `1`, expected a boolean at line 1 column 43",
        False,
    ),
    (
        schema.GENERATE,
        b'{"inputs": "x", "parameters": {"stop": ["a", 1]}}',
        "parameters.stop[1]: invalid type: integer `1`, expected a string at line 1 column 46",
        False,
    ),
]


@pytest.mark.parametrize(("shape", "raw", "sentence", "syntax"), REFUSED, ids=[str(one[2]) for one in REFUSED])
def test_a_wrong_body_is_refused_in_serdes_words(shape: Any, raw: bytes, sentence: str, syntax: bool) -> None:
    with pytest.raises(JsonError) as refused:
        shape.read(Reader(raw))
    assert (str(refused.value), refused.value.syntax) == (sentence, syntax)


def test_depth_is_bounded() -> None:
    with pytest.raises(JsonError, match="recursion limit exceeded"):
        Reader(b"[" * 100_000).anything()


def test_numbers_become_32_bit_floats() -> None:
    assert F32().read(Reader(b"0.7")) == pytest.approx(0.699999988079071, abs=1e-15)
    assert F32().read(Reader(b"1e300")) == float("inf")


def test_a_message_keeps_text_pictures_and_tool_calls() -> None:
    body = {
        "messages": [
            {
                "role": "user",
                "content": [{"type": "text", "text": "a"}, {"type": "image_url", "image_url": {"url": "u"}}],
            },
            {
                "role": "assistant",
                "tool_calls": [{"id": "0", "type": "function", "function": {"name": "f", "arguments": {}}}],
            },
        ]
    }
    first, second = schema.CHAT.read(Reader(json.dumps(body).encode()))["messages"]
    assert [piece["text"] for piece in first["content"]] == ["a", "![](u)"]
    assert second["tool_calls"][0]["function"]["name"] == "f"
