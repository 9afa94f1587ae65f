import pytest
from hypothesis import given
from hypothesis import strategies as st

from falco.rules.values import boolean, uint32


@pytest.mark.parametrize("text", ["y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"])
def test_words_for_true(text):
    assert boolean(text) is True


@pytest.mark.parametrize("text", ["n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"])
def test_words_for_false(text):
    assert boolean(text) is False


@pytest.mark.parametrize("text", ["oN", "tRUE", "1", "0", "", " true", "null"])
def test_what_is_no_boolean(text):
    assert boolean(text) is None


@pytest.mark.parametrize(("text", "number"), [("0", 0), ("010", 8), ("0x1f", 31), ("+5", 5), ("4294967295", 2**32 - 1)])
def test_numbers_are_read_as_falco_reads_them(text, number):
    assert uint32(text) == number


@pytest.mark.parametrize("text", ["", "-1", "1.0", "1e3", "08", "4294967296", "9" * 5_000, "1_000", "x", "٣"])
def test_what_is_no_number(text):
    assert uint32(text) is None


@given(st.text(max_size=12))
def test_any_text_is_a_number_or_none(text):
    assert uint32(text) is None or 0 <= uint32(text) < 2**32
