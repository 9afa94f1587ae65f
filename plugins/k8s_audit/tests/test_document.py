"""Documents are opened level by level, and every value keeps its spelling."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falco_k8s_audit import document
from falco_k8s_audit.document import Array, Object, opened, text, walk


def value(data, *steps):
    node = walk(opened(data), steps)
    return None if node is None else text(node)


@pytest.mark.parametrize(
    "spelling",
    ["1", "-0", "200.0", "1e3", "1E+2", "1.50", f"1{'0' * 30}", "1e999", "9" * 5000, "true", "false", "null"],
)
def test_numbers_and_literals_keep_their_spelling(spelling):
    assert value(b'{"a": [%s]}' % spelling.encode(), "a", "0") == spelling


def test_containers_lose_the_blanks_between_tokens_and_keep_all_else():
    data = b'{"a" : { "k\\u0041" : [ 1 , "x \\/ \\u00e9 " ] ,\t"b":\r\n{ } } }'

    assert value(data, "a") == '{"k\\u0041":[1,"x \\/ \\u00e9 "],"b":{}}'


@pytest.mark.parametrize(
    ("spelling", "expected"),
    [
        (rb'"\u0041\n\"\\"', 'A\n"\\'),
        (rb'"\ud83d\ude00"', "\U0001f600"),
        (rb'"a\ud83d"', r"a\ud83d"),
        (rb'"\ud83dX"', r"\ud83dX"),
        (rb'"\ude00"', r"\ude00"),
        (rb'"\ud83d\u0041"', "\ufffd"),
        (rb'"\ude00\ud83d"', "\ufffd"),
        (rb'"\\ud83d"', r"\ud83d"),
        (b'"\x01\t"', "\x01\t"),
        (b'"a\xffb"', "a\udcffb"),
        (rb'"a\u0000b"', "a"),
        (rb'"\u0000"', ""),
    ],
)
def test_strings_are_decoded_as_falco_decodes_them(spelling, expected):
    data = b'{"a":{"b":' + spelling + b"}}"

    assert document.check(data) == ""
    assert value(data, "a", "b") == expected


def test_one_odd_string_changes_nothing_around_it():
    data = b'{"odd":"\x01\xff\\ud83d","a":{"x":[{"y":"\\u0041"},1.0]},"a\xff":2}'

    assert value(data, "a") == '{"x":[{"y":"\\u0041"},1.0]}'
    assert value(data, "a", "x", "0", "y") == "A"
    assert value(data, "a\udcff") == "2"


@pytest.mark.parametrize("odd", [b"", b'"odd\xff":0,', b'"odd":"\x01",'])
def test_of_repeated_keys_the_last_wins_at_every_level(odd):
    data = b'{%s"a":1,"\\u0061":{"b":1,"b":2},"c":0}' % odd

    assert value(data, "a", "b") == "2"
    assert list(opened(data).members)[-2:] == ["a", "c"]


@pytest.mark.parametrize(
    ("step", "expected"),
    [("0", "x"), ("+1", "y"), ("01", "y"), ("-0", "x"), ("-1", None), ("2", None), ("", None), ("1_0", None)]
    + [(" 0", None), ("0x0", None), ("\u0661", None), ("9" * 400, None)],
)
def test_array_steps_are_read_as_go_reads_numbers(step, expected):
    assert value(b'["x","y"]', step) == expected


def test_steps_through_scalars_lead_nowhere():
    assert value(b'{"a":"b","n":1}', "a", "0") is None
    assert value(b'{"a":"b","n":1}', "n", "x") is None


@pytest.mark.parametrize(
    "bad",
    [
        b"{",
        b"[1,]",
        b"01",
        b"1.",
        b"+1",
        b"NaN",
        b"Infinity",
        b"-Infinity",
        b'"\\q"',
        b"'a'",
        b"{} x",
        b"\xef\xbb\xbf{}",
    ]
    + [b'"', b"nul", b"\x0b1", b'{"a"}', b"\x00", b'"\\u12G4"', b"{:1}", b"[" * 100_000],
)
def test_what_is_not_json_has_a_reason(bad):
    assert document.check(bad)


@pytest.mark.parametrize("depth", [298, 301, 900])
def test_deep_documents_are_read(depth):
    data = b'{"a":' + b'{"a":' * depth + b"1" + b"}" * depth + b"}"

    assert document.check(data) == ""
    assert value(data, *["a"] * (depth + 1)) == "1"
    assert len(document.indented(data).splitlines()) == 2 * depth + 3


def test_indented_text_is_that_of_go():
    data = b'{"a":{},"b":[],"c":[1,{"d":"x\\u0041 , {"}],"e":null}'
    expected = """\
{
  "a": {},
  "b": [],
  "c": [
    1,
    {
      "d": "x\\u0041 , {"
    }
  ],
  "e": null
}"""

    assert document.indented(data) == expected


def test_a_document_with_raw_control_characters_has_no_indented_text():
    assert document.indented(b'{"a":"\x01"}') is None


def test_nested_arrays_are_flattened_in_order():
    data = b'[ {"a":[1,[2]]} , [ 5, [[{"b":"]"}],"x"] ], [] , null]'

    assert [bytes(e) for e in document.elements(data)] == [b'{"a":[1,[2]]}', b"5", b'{"b":"]"}', b'"x"', b"null"]


def test_flattening_takes_no_more_for_depth():
    deep = b"[" * 50_000 + b'{"a":1}' + b"]" * 50_000

    assert [bytes(e) for e in document.elements(deep)] == [b'{"a":1}']


_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=20,
)


def tree(node):
    if isinstance(node, Object):
        return {key: tree(node.get(key)) for key in node.members}
    if isinstance(node, Array):
        return [tree(item) for item in node]
    return node if isinstance(node, str) else json.loads(node.text)


@given(_JSON, st.booleans(), st.sampled_from([None, 1]))
def test_every_document_is_what_the_standard_library_says(data, ensure_ascii, indent):
    encoded = json.dumps(data, ensure_ascii=ensure_ascii, indent=indent).encode("utf-8", "surrogatepass")

    assert tree(opened(encoded)) == data
    assert json.loads(document.compact(encoded)) == data


@given(_JSON, st.booleans())
def test_without_blanks_every_token_keeps_its_spelling(data, ensure_ascii):
    spaced = json.dumps([data, "a  b"], ensure_ascii=ensure_ascii, indent=1).encode("utf-8", "surrogatepass")
    odd = spaced.replace(b"[", b'[ 200.0 , 1E+3 , 1000000000000000000000.50, "\\u00e9 \\/" ,', 1)
    plain = json.dumps([data, "a  b"], ensure_ascii=ensure_ascii, separators=(",", ":"))
    expected = '[200.0,1E+3,1000000000000000000000.50,"\\u00e9 \\/",' + plain[1:]

    assert document.compact(odd) == expected.encode("utf-8", "surrogatepass")
    assert document.compact(odd.replace(b'"a  b"', b'"\xff  b"')) == expected.encode("utf-8", "surrogatepass").replace(
        b'"a  b"', b'"\xff  b"'
    )


@given(_JSON)
def test_cutting_by_tokens_equals_decoding(data):
    encoded = json.dumps([data, {"k": data}]).encode()
    odd = b'["\x01",' + encoded + b"]"

    assert tree(opened(odd)) == ["\x01", [data, {"k": data}]]
    assert document.check(odd) == ""


@given(_JSON)
def test_indenting_equals_the_standard_library_but_for_the_spelling_of_strings(data):
    compacted = json.dumps(data, separators=(",", ":"))

    assert document.indented(compacted.encode()) == json.dumps(data, indent=2)


@given(st.binary(max_size=60))
def test_any_bytes_are_either_refused_or_opened(data):
    if not document.check(data):
        text(opened(data))
