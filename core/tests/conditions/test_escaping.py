import pytest
from hypothesis import given

from falco.conditions.escaping import EscapeError, escape, unescape
from falco.fields import text as text_of
from falco.testing.strategies import texts


@pytest.mark.parametrize(
    ("written", "meaning"),
    [
        (r"a\tb\n\r\f\b", "a\tb\n\r\f\b"),
        (r"\\ \/ \"", '\\ / "'),
        (r"a\ b", "a\\b"),
        (r"\x41\x7F", "A\x7f"),
        (r"\xc3\xa9", "é"),
        (r"\xff", "\udcff"),
        ("é\\x41", "éA"),
    ],
)
def test_escapes_have_a_meaning(written, meaning):
    assert unescape(written, '"') == meaning


@pytest.mark.parametrize(
    ("written", "message", "where"),
    [
        (r"a\q", r"unsupported string escape sequence: \q", (1, 3)),
        ("ab\\", "unsupported string escape sequence: \\", (2, 3)),
        (r"\x4", "truncated hex char escape sequence", (0, 3)),
        (r"\x+4", "invalid hex char escape sequence: +4", (0, 4)),
        (r"a\'", "invalid \\' escape in \"-quoted string", (1, 3)),
    ],
)
def test_other_escapes_are_errors_with_a_place(written, message, where):
    with pytest.raises(EscapeError) as caught:
        unescape(written, '"')

    assert str(caught.value) == message
    assert (caught.value.start, caught.value.end) == where


def test_only_what_needs_quotes_gets_them():
    assert escape("a(b),c") == "a(b),c"
    assert escape("") == ""
    assert escape("a b") == '"a b"'
    assert escape('a"b\\') == '"a\\"b\\\\"'
    assert escape("a'b") == '"a\'b"'


@given(texts())
def test_escaping_can_be_undone(text):
    written = escape(text)
    content = written[1:-1] if written != text else written

    assert text_of.to_bytes(unescape(content, '"')) == text_of.to_bytes(text)
