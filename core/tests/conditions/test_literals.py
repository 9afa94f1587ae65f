from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falco.conditions import families
from falco.conditions.checked import Operator
from falco.conditions.literals import convert
from falco.fields.model import FieldType as T


@pytest.mark.parametrize(
    ("text", "type_", "value"),
    [
        ("5", T.UINT64, 5),
        ("+5", T.UINT64, 5),
        (" \t5", T.UINT64, 5),
        ("010", T.UINT64, 10),
        ("-1", T.UINT64, 2**64 - 1),
        ("-0", T.UINT64, 0),
        ("18446744073709551615", T.ABSTIME, 2**64 - 1),
        ("18446744073709551616", T.ABSTIME, 2**64 - 1),
        ("-18446744073709551616", T.RELTIME, 2**64 - 1),
        ("9" * 5_000, T.UINT64, 2**64 - 1),
        ("9223372036854775808", T.INT64, 2**63 - 1),
        ("-9223372036854775809", T.FD, -(2**63)),
        ("4294967296", T.UINT32, 0),
        ("4294967297", T.INT32, 1),
        ("2147483648", T.INT32, -(2**31)),
        ("-1", T.UINT32, 2**32 - 1),
        ("300", T.UINT8, 44),
        ("200", T.INT8, -56),
        ("65537", T.FLAGS16, 1),
        ("-7", T.ERRNO, -7),
        ("3", T.DOUBLE, 3.0),
        ("80", T.PORT, 80),
        ("65616", T.PORT, 80),
        ("", T.PORT, 0),
        ("true", T.BOOL, True),
        ("false", T.BOOL, False),
        ("x" * 255, T.STRING, "x" * 255),
        ("\udcff", T.FSPATH, "\udcff"),
        ("10.0.0.1", T.IPADDR, ip_address("10.0.0.1")),
        ("::1", T.IPADDR, ip_address("::1")),
        ("10.1.2.3/8", T.IPNET, ip_network("10.0.0.0/8")),
        ("10.1.2.3/0", T.IPNET, ip_network("0.0.0.0/0")),
        ("fe80::1/64", T.IPNET, ip_network("fe80::/64")),
        ("a\0é", T.BYTES, b"a\0\xc3\xa9"),
    ],
)
def test_a_literal_is_converted_as_falco_does(text, type_, value):
    found = convert(text, type_, Operator.EQ)

    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("text", "type_", "message"),
    [
        ("", T.UINT64, " is not a valid number"),
        ("5 ", T.UINT64, "5  is not a valid number"),
        ("0x10", T.UINT32, "0x10 is not a valid number"),
        ("1.0", T.DOUBLE, "1.0 is not a valid number"),
        ("1e3", T.INT8, "1e3 is not a valid number"),
        ("- 1", T.INT8, "- 1 is not a valid number"),
        ("²", T.INT8, "² is not a valid number"),
        ("True", T.BOOL, "filter error: unrecognized boolean value True"),
        ("-1", T.PORT, "unrecognized protocol -1"),
        ("no such service", T.PORT, "unrecognized protocol no such service"),
        ("a\0", T.STRING, "filter error: filter value cannot contain a NUL byte (\\x00)"),
        ("1\0", T.UINT64, "filter error: filter value cannot contain a NUL byte (\\x00)"),
        ("x" * 256, T.STRING, "filter parameter too long (used=257, available=256):" + "x" * 256),
        ("é" * 128, T.STRING, "filter parameter too long (used=257, available=256):" + "é" * 128),
        ("x" * 256, T.BYTES, "filter parameter too long (byte buf)"),
        ("10.0.0", T.IPADDR, "unrecognized IPv4 address 10.0.0"),
        ("01.2.3.4", T.IPADDR, "unrecognized IPv4 address 01.2.3.4"),
        ("::ffff:10.0.0.1", T.IPADDR, "unrecognized IPv4 address ::ffff:10.0.0.1"),
        ("fe80::1%lo", T.IPADDR, "unrecognized IPv6 address fe80::1%lo"),
        ("", T.IPADDR, "unrecognized IPv6 address "),
        ("10.0.0.1", T.IPNET, "unrecognized IP network 10.0.0.1"),
        ("10.0.0/8", T.IPNET, "unrecognized IP address 10.0.0/8"),
        ("10.0.0.0/33", T.IPNET, "invalid netmask 33"),
        ("10.0.0.0/-1", T.IPNET, "invalid netmask -1"),
        ("10.0.0.0/x", T.IPNET, "x is not a valid number"),
        ("::/0", T.IPNET, "invalid v6 netmask 0"),
        ("::/129", T.IPNET, "invalid v6 netmask 129"),
        ("::g/64", T.IPNET, "unrecognized IP address ::g/64"),
    ],
)
def test_what_stands_for_no_value_is_refused_with_falcos_sentence(text, type_, message):
    with pytest.raises(ValueError) as caught:
        convert(text, type_, Operator.EQ)

    assert str(caught.value) == message


def test_the_byte_operators_take_hexadecimal_digits():
    assert convert("cafeBABE", T.BYTES, Operator.BCONTAINS) == b"\xca\xfe\xba\xbe"
    assert convert("", T.BYTES, Operator.BSTARTSWITH) == b""
    for text in ("abc", "xx", "0xcafe", "\0"):
        with pytest.raises(ValueError, match="support hex strings only"):
            convert(text, T.BYTES, Operator.BCONTAINS)


def test_patterns_are_compiled_to_see_whether_they_can_be():
    assert convert("a[", T.STRING, Operator.GLOB) == "a["
    with pytest.raises(ValueError, match="invalid regex pattern: missing ]: "):
        convert("a[", T.STRING, Operator.REGEX)


@given(st.text(max_size=300), st.sampled_from(sorted(T, key=str)), st.sampled_from(Operator))
def test_any_text_is_a_value_or_refused(text, type_, operator):
    if operator is Operator.EXISTS or families.problem(type_, operator, is_list=False, has_modifier=False):
        return
    message = "none"
    try:
        convert(text, type_, operator)
    except ValueError as error:
        message = str(error)

    assert message
