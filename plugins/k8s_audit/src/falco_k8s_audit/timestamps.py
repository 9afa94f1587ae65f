"""Time stamps of audit events: text to exact nanoseconds.

What is a time stamp is what Go's ``time.Parse(time.RFC3339Nano, …)`` takes for one: ``T`` and ``Z`` are capitals,
an offset has its colon, an hour may have one digit, a fraction may follow a comma, and its digits beyond the ninth
are cut off.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Final

_FORM: Final = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)T(\d{1,2}):(\d\d):(\d\d)(?:[.,](\d+))?(?:Z|([+-])(\d\d):(\d\d))",
    re.ASCII,
)
_EPOCH_DAY: Final = date(1970, 1, 1).toordinal()
_DAYS_OF_400_YEARS: Final = 146_097
_UINT64: Final = 1 << 64
_INT64_MAX: Final = (1 << 63) - 1
ZERO_NS: Final = -62_135_596_800_000_000_000
"""0001-01-01T00:00:00Z, the value of a Go time that was never set."""


def parse(text: str) -> int | None:
    """Nanoseconds since 1970-01-01T00:00:00Z; negative before. None if *text* is not a time stamp."""
    form = _FORM.fullmatch(text)
    if form is None:
        return None
    year, month, day, hour, minute, second = map(int, form.group(1, 2, 3, 4, 5, 6))
    if hour > 23 or minute > 59 or second > 59:
        return None
    try:
        # Years are counted within the 400 that repeat, because date() has no year 0 and Go has.
        days = date(year % 400 + 400, month, day).toordinal() + (year // 400 - 1) * _DAYS_OF_400_YEARS
    except ValueError:
        return None
    seconds = (days - _EPOCH_DAY) * 86_400 + hour * 3600 + minute * 60 + second
    sign, hours, minutes = form.group(8, 9, 10)
    if sign is not None:
        if int(hours) > 24 or int(minutes) > 60:  # the bounds are Go's
            return None
        offset = int(hours) * 3600 + int(minutes) * 60
        seconds += offset if sign == "-" else -offset
    fraction = form.group(7) or ""
    return seconds * 1_000_000_000 + int(fraction[:9].ljust(9, "0"))


def as_int64(time_ns: int) -> int:
    """*time_ns* as a signed 64-bit number, wrapped around where it does not fit, which is what Falco makes of it."""
    wrapped = time_ns % _UINT64
    return wrapped if wrapped <= _INT64_MAX else wrapped - _UINT64
