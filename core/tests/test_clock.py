import re
from datetime import UTC, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falco.clock import Clock, zone_of

SOME_NS = 1540563994242498000


def test_times_are_local_and_dates_of_iso_8601_are_utc():
    clock = Clock(timezone(timedelta(hours=5, minutes=30)))

    assert clock.time(SOME_NS) == "19:56:34.242498000"
    assert clock.time_s(SOME_NS) == "19:56:34"
    assert clock.datetime(SOME_NS) == "2018-10-26 19:56:34.242498000"
    assert clock.datetime_s(SOME_NS) == "2018-10-26 19:56:34"
    assert clock.iso8601(SOME_NS) == "2018-10-26T14:26:34.242498000+0000"
    assert clock.utc(SOME_NS) == "2018-10-26T14:26:34.242498000Z"


def test_times_before_the_epoch_wrap_as_in_falco():
    assert Clock().utc(-2208988800000000000) == "2484-07-20T23:34:33.709551616Z"
    assert Clock().time(-2208988800000000000) == "23:34:33.709551616"


@pytest.mark.parametrize(
    ("tz", "expected"),
    [
        ("America/New_York", "09:56:34"),
        (":Asia/Kolkata", "19:26:34"),
        ("/usr/share/zoneinfo/Europe/Rome", "15:56:34"),
        ("UTC", "13:56:34"),
        ("", "13:56:34"),
        ("Nope/Nope", "13:56:34"),
        ("../../etc/passwd", "13:56:34"),
        ("/dev/null", "13:56:34"),
        ("A\0B", "13:56:34"),
        ("XYZ-3", "16:56:34"),
        ("<+0330>-3:30", "17:26:34"),
        ("CET-1CEST,M3.5.0,M10.5.0/3", "15:56:34"),
        ("CET-1CEST,rubbish", "13:56:34"),
    ],
)
def test_tz_is_read_as_the_c_library_reads_it(tz, expected):
    august_or_october = 1540562194 * 10**9

    assert Clock.of({"TZ": tz}).time_s(august_or_october) == expected


def test_without_tz_the_zone_is_the_systems():
    system = Clock(None).datetime(SOME_NS)

    assert Clock.of({}).datetime(SOME_NS) == system or zone_of({}) is not None


def test_an_earlier_second_after_a_later_one_is_right():
    clock = Clock(UTC)

    assert [clock.time(ns) for ns in (10**9, 0, 10**9 + 1)] == [
        "00:00:01.000000000",
        "00:00:00.000000000",
        "00:00:01.000000001",
    ]


@given(st.lists(st.integers(), max_size=5))
def test_every_number_has_a_text_of_the_right_shape(times):
    clock = Clock()

    for ns in times:
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z", clock.utc(ns))
        assert re.fullmatch(r"\d\d:\d\d:\d\d\.\d{9}", clock.time(ns))
        assert clock.time(ns) in clock.datetime(ns)
