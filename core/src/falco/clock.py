"""Times as text, in the zone of the reader and in UTC.

Alerts print the time of day in the local zone and dates in UTC; events come many a second, so everything up to the
second is kept until the second changes.  A time is an unsigned 64-bit number of nanoseconds since the epoch, as in
Falco: what lies outside wraps, so every ``int`` has a text (1969 is printed as 2554).
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from io import BytesIO
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

NS: Final = 1_000_000_000
"""Nanoseconds in a second."""
_UNSIGNED: Final = (1 << 64) - 1
_LOCALTIME: Final = Path("/etc/localtime")
_POSIX_ZONE: Final = re.compile(r"(?:[A-Za-z]{3,}|<[A-Za-z0-9+-]+>)[+-]?\d.*")


@dataclass(frozen=True, slots=True)
class _Second:
    """Texts that all times of one second share."""

    second: int
    local_date: str
    local_time: str
    utc: str


class Clock:
    """Writes event times. Cheap to ask for times in order; any thread.

    Args:
        zone: Zone of ``time`` and ``datetime``; None = the zone of the operating system.
    """

    def __init__(self, zone: tzinfo | None = UTC) -> None:
        self._zone = zone
        self._last = self._texts_of(0)

    @classmethod
    def of(cls, env: Mapping[str, str]) -> Clock:
        """The clock of a process with the environment *env*: its ``TZ``, or else the system's zone."""
        return cls(zone_of(env))

    def time(self, time_ns: int) -> str:
        """``HH:MM:SS.nnnnnnnnn`` in the zone."""
        return f"{self._second(time_ns).local_time}.{_fraction(time_ns):09d}"

    def time_s(self, time_ns: int) -> str:
        """``HH:MM:SS`` in the zone."""
        return self._second(time_ns).local_time

    def datetime(self, time_ns: int) -> str:
        """``YYYY-MM-DD HH:MM:SS.nnnnnnnnn`` in the zone."""
        second = self._second(time_ns)
        return f"{second.local_date} {second.local_time}.{_fraction(time_ns):09d}"

    def datetime_s(self, time_ns: int) -> str:
        """``YYYY-MM-DD HH:MM:SS`` in the zone."""
        second = self._second(time_ns)
        return f"{second.local_date} {second.local_time}"

    def iso8601(self, time_ns: int) -> str:
        """``YYYY-MM-DDTHH:MM:SS.nnnnnnnnn+0000``, always UTC."""
        return f"{self._second(time_ns).utc}.{_fraction(time_ns):09d}+0000"

    def utc(self, time_ns: int) -> str:
        """``YYYY-MM-DDTHH:MM:SS.nnnnnnnnnZ``, as JSON alerts carry it."""
        return f"{self._second(time_ns).utc}.{_fraction(time_ns):09d}Z"

    def _second(self, time_ns: int) -> _Second:
        second = (time_ns & _UNSIGNED) // NS
        last = self._last  # read once: another thread may replace it
        if last.second != second:
            self._last = last = self._texts_of(second)
        return last

    def _texts_of(self, second: int) -> _Second:
        if self._zone is None:
            local = time.localtime(second)
            date, clock = time.strftime("%Y-%m-%d", local), time.strftime("%H:%M:%S", local)
        else:
            moment = datetime.fromtimestamp(second, self._zone)
            date, clock = f"{moment:%Y-%m-%d}", f"{moment:%H:%M:%S}"
        return _Second(second, date, clock, f"{datetime.fromtimestamp(second, UTC):%Y-%m-%dT%H:%M:%S}")


def zone_of(env: Mapping[str, str]) -> tzinfo | None:
    """The zone that ``TZ`` names, read as the C library reads it; None = not set, so the operating system's.

    A zone name, a path, either with a leading colon, or a POSIX rule such as ``CET-1CEST,M3.5.0,M10.5.0/3``; what
    is none of these is UTC.
    """
    name = env.get("TZ")
    if name is None:
        return _zone_in(_LOCALTIME) if _LOCALTIME.exists() else None
    name = name.removeprefix(":")
    try:
        if name.startswith("/"):
            return _zone_in(Path(name))
        return ZoneInfo(name)
    except (ValueError, OSError, LookupError):  # LookupError: ZoneInfoNotFoundError
        return _posix_zone(name)


def _zone_in(path: Path) -> tzinfo:
    with path.open("rb") as file:
        return ZoneInfo.from_file(file)


def _posix_zone(rule: str) -> tzinfo:
    """The zone of a POSIX rule, read by zoneinfo as the footer of a file without transitions (RFC 8536)."""
    if not rule.isascii() or not _POSIX_ZONE.fullmatch(rule):
        return UTC
    header = b"TZif2" + bytes(15) + (0).to_bytes(4) * 4 + (1).to_bytes(4) * 2
    one_type = bytes(6) + b"\0"  # UTC, for times before the rule, of which there are none
    try:
        return ZoneInfo.from_file(BytesIO((header + one_type) * 2 + b"\n" + rule.encode() + b"\n"))
    except ValueError:
        return UTC


def _fraction(time_ns: int) -> int:
    return (time_ns & _UNSIGNED) % NS
