from hypothesis import given
from hypothesis import strategies as st

from falco.fields import text

ANY_BYTES = st.binary(max_size=40)
ANY_TEXT = st.one_of(
    st.text(alphabet=st.characters(), max_size=40),
    ANY_BYTES.map(lambda data: data.decode("utf-8", "surrogateescape")),
)


def test_bytes_end_at_the_first_nul():
    assert text.from_bytes(b"ab\0c") == "ab"
    assert text.from_bytes(b"\0") == ""


@given(ANY_BYTES)
def test_every_byte_string_comes_back(data):
    assert text.to_bytes(data.decode("utf-8", "surrogateescape")) == data
    assert text.to_bytes(text.from_bytes(data)) == data.split(b"\0")[0]


def test_a_lone_surrogate_is_its_json_escape():
    assert text.to_bytes("a\ud83db") == b"a\\ud83db"
    assert text.printable("\udfff\udc7f") == "\\udfff\\udc7f"
    assert text.size("\ud83d") == 6


def test_what_is_not_utf8_prints_as_replacement_characters():
    assert text.printable(text.from_bytes(b"a\xffb")) == "a\ufffdb"
    assert text.printable(text.from_bytes(b"\xe2\x82")) == "\ufffd"  # one cut character, one replacement
    assert text.printable(text.from_bytes(b"\xe0\x80x")) == "\ufffd\ufffdx"  # 0x80 cannot follow 0xe0
    assert text.printable("ü€😀") == "ü€😀"


def test_bytes_of_two_values_side_by_side_are_one_character():
    assert text.printable(text.from_bytes(b"\xe2") + text.from_bytes(b"\x82\xac")) == "€"


def test_fit_counts_bytes_and_cuts_inside_characters():
    assert text.fit("abc", 5) == "abc  "
    assert text.fit("abcdef", 3) == "abc"
    assert text.fit("abc", 0) == "abc"
    assert text.fit("aé", 4) == "aé "
    assert text.printable(text.fit("aé", 2)) == "a\ufffd"


@given(ANY_TEXT, st.integers(1, 60))
def test_fit_gives_exactly_the_width(value, width):
    fitted = text.fit(value, width)

    assert text.size(fitted) == width
    assert text.to_bytes(fitted) == text.to_bytes(value)[:width].ljust(width)


@given(ANY_TEXT, st.integers(0, 60))
def test_cut_gives_a_prefix_of_at_most_the_limit(value, limit):
    assert text.to_bytes(text.cut(value, limit)) == text.to_bytes(value)[:limit]


@given(ANY_TEXT)
def test_any_encoder_takes_printable_text(value):
    text.printable(value).encode("utf-8")
    assert text.size(value) == len(text.to_bytes(value))


@given(st.text(st.characters(codec="utf-8"), max_size=40))
def test_proper_text_is_printed_as_it_is(value):
    assert text.printable(value) == value
