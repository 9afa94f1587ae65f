import ctypes
import sys

import pytest
import re2
from hypothesis import example, given, settings
from hypothesis import strategies as st

from falco.conditions import patterns
from falco.fields import text as text_of
from falco.testing.strategies import any_texts, texts

PIECES = (
    "[[:alpha:]]",
    "[[:upper:]x]",
    "[!a-c]",
    "[]a]",
    "[a-",
    "[0-",
    "[\\]]",
    "*",
    "?",
    "a",
    "[",
    "[[:nope:]]",
    "[b-a]",
)
PATTERN = (
    st.text(st.sampled_from("ab*?[]!^-\\.:[/AZ=z0 "), max_size=12)
    | st.lists(st.sampled_from(PIECES), max_size=4).map("".join)
).filter(lambda pattern: "[." not in pattern and "[=" not in pattern)  # malformed ones are odd in glibc
SUBJECT = st.text(st.sampled_from("abcxzABZ]-[!^/.\\: 0"), max_size=8)
FNM_CASEFOLD = 1 << 4


@pytest.mark.parametrize(
    ("pattern", "matching", "others"),
    [
        ("a", ["a"], ["", "ab", "A"]),
        ("a*", ["a", "abc", "a/b", "a\nb"], ["ba", ""]),
        ("*a", ["a", "ba"], ["ab"]),
        ("*a*", ["a", "bab"], ["b"]),
        ("*", ["", "x\udcff"], []),
        ("/var/*", ["/var/run/x"], ["/var"]),
        ("a?c", ["abc", "a/c"], ["ac", "aéc"]),
        ("a??c", ["aéc"], []),
        ("[a-c]x", ["bx"], ["dx", "x"]),
        ("[!a]", ["b"], ["a", ""]),
        ("[^a]", ["b", "^"], ["a"]),
        ("[]a]", ["]", "a"], ["b"]),
        ("[a-]", ["-", "a"], ["b"]),
        ("[[:upper:]]", ["A"], ["a", ":"]),
        ("[[:nope:]]", [], ["n", ":"]),
        ("[a", ["[a"], ["a"]),
        ("a[", ["a["], ["a"]),
        ("\\*", ["*"], ["a", "\\*"]),
        ("a\\", [], ["a", "a\\"]),
        ("[\\]]", ["]"], ["\\"]),
        ("[[.a.]]", ["a"], ["."]),
        ("\udcc3\udca9", ["é"], ["e"]),
        ("*\udca9", ["é"], ["a"]),
        ("a.b", ["a.b"], ["axb"]),
    ],
)
def test_wildcards(pattern, matching, others):
    matches = patterns.glob(pattern)

    assert [value for value in matching if not matches(value)] == []
    assert [value for value in others if matches(value)] == []


def test_wildcards_that_ignore_case_fold_ascii_only():
    matches = patterns.glob("*Ab[x-z]É*", ignore_case=True)

    assert matches("aByÉ")
    assert matches("..ABZÉ")
    assert not matches("abyé")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="compares with the fnmatch of glibc")
@settings(max_examples=300)
@given(PATTERN, SUBJECT, st.booleans())
@example("[a-b-c]", "-", False)
@example("[0-", "[0-", False)
@example("[[0-", "[[0-", False)
@example("[a\\", "[a\\", False)
@example("[a[", "[a[", False)
@example("[B-D]", "c", True)
@example("[Z-a]", "z", True)
@example("[[:alpha:]", "a", False)
@example("[[:al]", ":", False)
@example("[a-\\]]", "b", False)
@example("[!]a]", "x", False)
def test_wildcards_match_what_fnmatch_of_the_c_library_matches(pattern, subject, ignore_case):
    fnmatch = ctypes.CDLL(None).fnmatch
    expected = fnmatch(pattern.encode(), subject.encode(), FNM_CASEFOLD if ignore_case else 0) == 0

    assert patterns.glob(pattern, ignore_case=ignore_case)(subject) == expected


@given(any_texts(), texts(), st.booleans())
def test_any_text_is_a_wildcard_pattern_and_matches_itself_when_escaped(pattern, subject, ignore_case):
    assert patterns.glob(pattern, ignore_case=ignore_case)(subject) in {True, False}
    escaped = "".join(f"\\{character}" if character in "*?[\\" else character for character in subject)
    assert patterns.glob(escaped, ignore_case=ignore_case)(subject)


@pytest.mark.parametrize("unit", ["a", "?", "*a", "[ac]", "[!\\]]", "\\*"])
def test_the_longest_patterns_compile_and_longer_ones_match_nothing(unit):
    longest = unit * (patterns.MAX_GLOB // len(unit))

    assert patterns.glob(longest)("*" * len(longest)) in {True, False}
    assert not patterns.glob("?" * (patterns.MAX_GLOB + 1))("a" * (patterns.MAX_GLOB + 1))


def test_a_text_without_wildcards_matches_itself_at_any_length():
    long = "aB" * patterns.MAX_GLOB

    assert patterns.glob(long)(long)
    assert patterns.glob(long, ignore_case=True)(long.upper())
    assert not patterns.glob(long)(long.upper())


@pytest.mark.parametrize(
    ("pattern", "matching", "others"),
    [
        ("a.*", ["a", "abc"], ["ba", "a\nb"]),
        ("a|ab", ["a", "ab"], ["abb"]),
        ("[[:alpha:]]+", ["abc"], ["é", ""]),
        (".", ["a", "é", "😀", "\udcff"], ["ab", ""]),
        ("a.*?e", ["ae", "abe"], ["a"]),
        ("a**", ["", "aa"], ["b"]),
        ("\\x61", ["a"], ["x61"]),
        ("^a$", ["a"], ["aa"]),
        ("\ufffd", ["\udcff"], ["a"]),
        ("é+", ["éé"], ["e"]),
    ],
)
def test_regular_expressions_match_a_whole_text(pattern, matching, others):
    matches = patterns.regex(pattern)

    assert [value for value in matching if not matches(value)] == []
    assert [value for value in others if matches(value)] == []


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("(", "missing ): ("),
        ("*a", "no argument for repetition operator: *"),
        ("\\w", "invalid escape sequence: \\w"),
        ("(?i)a", "no argument for repetition operator: ?"),
        ("(a)\\1", "invalid escape sequence: \\1"),
        ("x{1001}", "invalid repetition size: {1001}"),
        ("\udcff.*", "invalid UTF-8"),
    ],
)
def test_what_re2_refuses_is_an_error_with_its_reason(pattern, reason):
    with pytest.raises(ValueError) as caught:
        patterns.regex(pattern)

    assert str(caught.value) == f"invalid regex pattern: {reason}"


@given(st.text(st.sampled_from("ab.*+?()[]{}|^$\\,1é"), max_size=12), texts())
def test_any_pattern_is_refused_or_decides(pattern, subject):
    try:
        decision = patterns.regex(pattern)(subject)
    except ValueError as error:
        decision = str(error)

    assert decision in {True, False} or decision.startswith("invalid regex pattern: ")


@pytest.mark.parametrize("pattern", ["(a*)*b", "(a|a)*b", "(a?){20}a{20}", "(.*)(.*)(.*)x"])
def test_regular_expressions_need_no_more_work_than_the_text_is_long(pattern):
    # RE2's program does not grow with the text and visits each byte once a state: its size bounds the work.
    options = re2.Options()
    options.posix_syntax = True
    matches = patterns.regex(pattern)

    assert re2.compile(pattern, options).programsize < 1_000
    assert not matches("a" * 100_000)


def test_wildcards_of_a_hostile_kind_end():
    assert not patterns.glob("*a" * 100 + "b")("a" * 100_000)


@given(st.binary(max_size=20))
def test_a_text_without_wildcards_matches_the_same_bytes_only(data):
    subject = data.replace(b"\0", b"").translate(None, b"*?[\\").decode("utf-8", "surrogateescape")
    matches = patterns.glob(subject)

    assert matches(subject)
    assert not matches(subject + "x")
    assert text_of.to_bytes(subject) == b"" or not matches("")
