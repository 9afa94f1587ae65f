"""Log lines as Falco writes them: ``Tue Jan  2 10:20:30 2026: sentence``.

Library code says ``structlog.get_logger(__name__)`` and nothing else; only the command line calls ``configure``.
Alerts are no log lines.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable, MutableMapping
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Any, BinaryIO, Final

import structlog

from falco.documents.terminal import visible

_NUMBERS: Final = {
    "emergency": 50,
    "alert": 50,
    "critical": 50,
    "error": 40,
    "warning": 30,
    "notice": 30,
    "info": 20,
    "debug": 10,
}
"""structlog has five levels; Falco's further ones are as severe as their neighbours."""

_SYSLOG: Final = {"critical": 2, "error": 3, "warning": 4, "info": 6, "debug": 7}


_SYSLOG_SOCKETS: Final = ("/dev/log", "/var/run/syslog")


def configure(
    stream: BinaryIO | None,
    *,
    level: str = "info",
    is_iso8601: bool = False,
    zone: tzinfo | None = UTC,
    to_syslog: bool = False,
    is_json: bool = False,
) -> None:
    """Send log lines to *stream* and to syslog, from now on.

    Args:
        stream: Where lines go; None = nowhere. Owned by the caller.
        level: The least severe level that is written, as ``log_level``.
        is_iso8601: Write times as ISO 8601 in UTC.
        zone: Zone of the times otherwise; None = the operating system's.
        to_syslog: Also send lines to the local syslog, where there is one.
        is_json: Write each line to *stream* as a JSON object with the keys ``time`` (ISO 8601, UTC), ``level`` and
            ``message``.
    """
    sinks: list[Callable[[str, str], None]] = []
    if stream is not None:
        sinks.append(
            _Lines(stream, _as_json if is_json else _as_text(_utc_iso8601 if is_iso8601 else _local(zone))).write
        )
    if to_syslog and (syslog := _system_log()) is not None:
        sinks.append(syslog)
    structlog.configure(
        processors=[structlog.contextvars.merge_contextvars, _render],
        wrapper_class=structlog.make_filtering_bound_logger(_NUMBERS[level]),
        logger_factory=lambda *_arguments: _Logger(sinks),
        cache_logger_on_first_use=False,  # the same process may configure again, with another stream
    )


class _Logger:
    """What structlog calls with the rendered line, by level."""

    def __init__(self, sinks: list[Callable[[str, str], None]]) -> None:
        self._sinks = sinks

    def __getattr__(self, level: str) -> Callable[[str], None]:
        return lambda line: self._write(level, line)

    def _write(self, level: str, line: str) -> None:
        for sink in self._sinks:
            sink(level, line)


class _Lines:
    """Writes whole lines; any thread."""

    def __init__(self, stream: BinaryIO, form: Callable[[str, str], str]) -> None:
        self._stream = stream
        self._form = form
        self._lock = threading.Lock()

    def write(self, level: str, line: str) -> None:
        data = f"{self._form(level, line)}\n".encode("utf-8", "surrogateescape")
        with self._lock:
            try:
                self._stream.write(data)
                self._stream.flush()
            except (OSError, ValueError):
                pass  # nobody is left to be told that standard error cannot be written


def _as_text(now: Callable[[], str]) -> Callable[[str, str], str]:
    return lambda _level, line: f"{now()}: {_shown(line)}"


def _shown(line: str) -> str:
    """*line*, which may have names and values out of events in it: no terminal obeys it.

    A sentence may have several lines. The further ones are set in, so that none looks like a line of the log.
    """
    return "\n    ".join(map(visible, line.split("\n")))


def _as_json(level: str, line: str) -> str:
    return json.dumps({"time": _utc_iso8601(), "level": level, "message": line})


def _render(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> str:
    """The sentence, then what else is known as ``key=value``."""
    sentence = str(event.pop("event", ""))
    return " ".join([sentence, *(f"{key}={_value(value)}" for key, value in event.items() if key != "exc_info")])


def _value(value: Any) -> str:
    text = str(value)
    return f"'{text}'" if " " in text or not text else text


def _utc_iso8601() -> str:
    return f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S%z}"


def _local(zone: tzinfo | None) -> Callable[[], str]:
    if zone is None:
        return time.asctime
    return lambda: time.asctime(datetime.now(zone).timetuple())


def has_syslog() -> bool:
    """Whether there is a local syslog to take lines: syslog(3) does not say."""
    return any(Path(place).is_socket() for place in _SYSLOG_SOCKETS)


def _system_log() -> Callable[[str, str], None] | None:
    """Sends a line to the local syslog; None where the system has none."""
    if sys.platform != "win32":
        import syslog

        return lambda level, line: syslog.syslog(_SYSLOG.get(level, syslog.LOG_INFO), _shown(line))
    else:  # noqa: RET505  so that the type checker sees that one of the two is for another system
        return None
