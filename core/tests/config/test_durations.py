import pytest
from hypothesis import given
from hypothesis import strategies as st

from falco.config.durations import milliseconds


@pytest.mark.parametrize(
    ("text", "expected"),
    [("1h", 3_600_000), ("1m", 60_000), ("1ms", 1), ("1m1ms", 60_001), ("2h 5m", 7_500_000), (" 1s ", 1000), ("0s", 0)],
)
def test_units_add_up(text, expected):
    assert milliseconds(text) == expected


@pytest.mark.parametrize("text", ["", " ", "5", "1m1h", "1h1h", "h", "1.5h", "-1h", "١h", "1H"])
def test_what_is_no_duration_is_none(text):
    assert milliseconds(text) is None


@given(st.tuples(*[st.integers(0, 10**9)] * 3))
def test_numbers_are_kept(parts):
    hours, minutes, ms = parts

    assert milliseconds(f"{hours}h{minutes}m{ms}ms") == hours * 3_600_000 + minutes * 60_000 + ms
