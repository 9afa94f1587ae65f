"""Time stamps are read as Go reads RFC 3339."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falco_k8s_audit import timestamps

_YEAR_2024_NS = 1_704_067_200_000_000_000


@pytest.mark.parametrize(
    ("text", "expected_ns"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("2024-01-01T00:00:00Z", _YEAR_2024_NS),
        ("2024-01-01T00:00:00.1Z", _YEAR_2024_NS + 100_000_000),
        ("2024-01-01T00:00:00,1Z", _YEAR_2024_NS + 100_000_000),
        ("2024-01-01T00:00:00.123456789Z", _YEAR_2024_NS + 123_456_789),
        ("2024-01-01T00:00:00.1234567899999Z", _YEAR_2024_NS + 123_456_789),
        ("2024-01-01T00:00:00-11:30", _YEAR_2024_NS + 41_400_000_000_000),
        ("2024-01-01T00:00:00+24:00", _YEAR_2024_NS - 86_400_000_000_000),
        ("2024-01-01T00:00:00+00:60", _YEAR_2024_NS - 3_600_000_000_000),
        ("2024-01-01T0:00:00Z", _YEAR_2024_NS),
        ("1969-12-31T23:59:59.5Z", -500_000_000),
        ("0000-01-01T00:00:00Z", -62_167_219_200_000_000_000),
        ("0001-01-01T00:00:00Z", timestamps.ZERO_NS),
    ],
)
def test_reads_what_go_reads(text, expected_ns):
    assert timestamps.parse(text) == expected_ns


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "2024-01-01",
        "2024-01-01T00:00:00",
        "2024-01-01 00:00:00Z",
        "2024-01-01t00:00:00z",
        "2024-1-1T00:00:00Z",
        "2024-01-01T24:00:00Z",
        "2024-01-01T00:60:00Z",
        "2024-01-01T00:00:60Z",
        "2024-02-30T00:00:00Z",
        "2023-02-29T00:00:00Z",
        "2024-13-01T00:00:00Z",
        "2024-00-01T00:00:00Z",
        "2024-01-01T00:00:00+0200",
        "2024-01-01T00:00:00+2:00",
        "2024-01-01T00:00:00+25:00",
        "2024-01-01T00:00:00.Z",
        "2024-01-01T00:00:00Z+00:00",
        "+2024-01-01T00:00:00Z",
        "\u0662024-01-01T00:00:00Z",
        "2024-01-01T00:00:00Z\n",
    ],
)
def test_refuses_what_go_refuses(text):
    assert timestamps.parse(text) is None


@given(
    st.datetimes(),
    st.integers(-24 * 60 + 1, 24 * 60 - 1),
)
def test_agrees_with_the_standard_library_on_every_date_and_offset(moment, offset_minutes):
    moment = moment.replace(tzinfo=timezone(timedelta(minutes=offset_minutes)))
    expected = (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) * 1000

    assert timestamps.parse(moment.isoformat()) == expected


@pytest.mark.parametrize(
    ("time_ns", "expected"),
    [
        (0, 0),
        ((1 << 63) - 1, (1 << 63) - 1),
        (1 << 63, -(1 << 63)),
        ((1 << 64) - 1, -1),
        (-2_208_988_800_000_000_000, -2_208_988_800_000_000_000),
        (-62_167_219_200_000_000_000, -6_826_986_978_871_345_152),
    ],
)
def test_times_beyond_64_bits_wrap_as_in_falco(time_ns, expected):
    assert timestamps.as_int64(time_ns) == expected
