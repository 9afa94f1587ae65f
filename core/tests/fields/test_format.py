import re
from base64 import b64encode
from ipaddress import ip_address
from itertools import dropwhile

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from falco.fields import Field, FieldFlag, FieldFormat, FieldType, FieldUse, Quantifier
from falco.fields.format import Shape, is_shown, json_of, text_of
from falco.fields.text import size
from falco.testing import strategies

ADDRESSES = ["10.0.0.1", "::", "::1", "2001:db8::1", "::ffff:192.0.2.1", "::192.0.2.1"]


def text(value, shape, **options):
    return str((text_of(shape, **options) or str)(value))


def json(value, shape, **options):
    convert = json_of(shape, **options)
    return value if convert is None else convert(value)


@pytest.mark.parametrize(
    ("shape", "value", "expected_text", "expected_json"),
    [
        (Shape(FieldType.STRING), "x y", "x y", "x y"),
        (Shape(FieldType.FSPATH), "/etc", "/etc", "/etc"),
        (Shape(FieldType.UINT64), 7, "7", 7),
        (Shape(FieldType.UINT32), -1, "-1", -1),
        (Shape(FieldType.BOOL), True, "true", True),
        (Shape(FieldType.BOOL), False, "false", False),
        (Shape(FieldType.DYNAMIC), True, "true", True),
        (Shape(FieldType.BYTES), b"\x7fELF\x00\xff~ ", ".ELF..~ ", ".ELF..~ "),
        (Shape(FieldType.IPNET), ip_address("10.0.0.1"), "<IPNET>", "<IPNET>"),
        (Shape(FieldType.UINT32, FieldFormat.HEX), 0xBEEF, "BEEF", "BEEF"),
        (Shape(FieldType.INT32, FieldFormat.HEX), -1, "FFFFFFFF", "FFFFFFFF"),
        (Shape(FieldType.INT64, FieldFormat.OCTAL), -1, "1" + "7" * 21, "1" + "7" * 21),
        (Shape(FieldType.MODE, FieldFormat.OCTAL), 0o755, "755", "755"),
        (Shape(FieldType.RELTIME, FieldFormat.PADDED_9), 5, "000000005", 5),
        (Shape(FieldType.ABSTIME, FieldFormat.PADDED_9), 10**9, "1000000000", 10**9),
        (Shape(FieldType.RELTIME), 2**64 - 4000000000, "18446744069709551616", -4000000000),
        (Shape(FieldType.ABSTIME), -5, "18446744073709551611", -5),
        (Shape(is_list=True), ["a", "b"], "(a,b)", ["a", "b"]),
        (Shape(is_list=True), [], "()", []),
        (Shape(is_list=True), ["", "", "a", "", "b", ""], "(a,,b,)", ["", "", "a", "", "b", ""]),
        (Shape(is_list=True), [",", "a"], "(,,a)", [",", "a"]),
        (Shape(is_list=True), ["", ""], "()", ["", ""]),
        (Shape(FieldType.BOOL, is_list=True), [True, False], "(true,false)", [True, False]),
        (Shape(FieldType.UINT64, is_list=True), [1, 2], "(1,2)", [1, 2]),
        (Shape(FieldType.IPADDR, is_list=True), [ip_address("::1")], "(::1)", ["::1"]),
        (Shape(is_joined=True), ("sh", "init"), "sh init", "sh init"),
        (Shape(FieldType.INT64, is_joined=True), (2, 1), "2 1", "2 1"),
    ],
)
def test_a_value_is_written_by_its_shape(shape, value, expected_text, expected_json):
    assert text(value, shape) == expected_text
    assert json(value, shape) == expected_json


@pytest.mark.parametrize("address", ADDRESSES)
def test_addresses_are_written_as_inet_ntop_does(address):
    assert text(ip_address(address), Shape(FieldType.IPADDR)) == address
    assert json(ip_address(address), Shape(FieldType.IPADDR)) == address


def test_doubles_have_one_decimal_in_text_and_all_in_json():
    shape = Shape(FieldType.DOUBLE)

    assert text(0.005817413330078125, shape) == "0.0"
    assert msgspec.json.encode(json(0.005817413330078125, shape)) == b"0.005817413330078125"
    assert msgspec.json.encode(json(1e22, shape)) == b"1e+22"
    assert json(float("nan"), shape) is None
    assert text(float("inf"), shape) == "inf"


def test_buffers_are_base64_when_asked():
    data = bytes(range(256))

    assert text(data, Shape(FieldType.BYTES), is_base64=True) == b64encode(data).decode()
    assert json(data, Shape(FieldType.BYTES), is_base64=True) == b64encode(data).decode()


def test_the_text_of_a_list_ends_at_1023_bytes_and_its_json_does_not():
    values = ["x" * 600, "é" * 600]
    shape = Shape(is_list=True)

    assert size(text(values, shape)) == 1023
    assert text(values, shape).startswith("(" + "x" * 600 + ",é")
    assert json(values, shape) == values


def test_filter_only_fields_are_not_shown():
    hidden = Field("fd.ip", lambda _arg: lambda _event: None, flags=frozenset({FieldFlag.FILTER_ONLY}))

    assert not is_shown(hidden)
    assert is_shown(Field("fd.num", lambda _arg: lambda _event: None))


def test_candidates_are_joined_unless_the_field_says_what_to_show():
    ancestors = Field("proc.aname", lambda _arg: lambda _event: (), quantifier=Quantifier.ANY)
    process = Field("proc.apid", ancestors.bind, quantifier=Quantifier.ANY, shown=ancestors.bind)

    assert Shape.of(FieldUse("proc.aname", None, ancestors)).is_joined
    assert not Shape.of(FieldUse("proc.apid", None, process)).is_joined


@given(strategies.any_values().filter(lambda value: value is not None), strategies.shapes(), st.booleans())
def test_writing_never_raises_whatever_the_value(value, shape, is_base64):
    text(value, shape, is_base64=is_base64)
    convert = json_of(shape, is_base64=is_base64)

    assert convert is None or callable(convert)
    json(value, shape, is_base64=is_base64)


@given(st.lists(st.text(st.characters(codec="utf-8")), max_size=40))
def test_a_list_of_texts_shows_all_that_fits(values):
    whole = "(" + ",".join(dropwhile(lambda value: not value, values)) + ")"

    assert text(values, Shape(is_list=True)).encode(errors="surrogateescape") == whole.encode()[:1023]


@given(st.binary())
def test_buffers_show_printable_ascii_only(data):
    assert re.fullmatch("[ -~]*", text(data, Shape(FieldType.BYTES)))
    assert len(text(data, Shape(FieldType.BYTES))) == len(data)
