"""Recordings around alerts: what the engine asks of decoders whose events can be recorded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class RecordingLimits:
    """Where recordings go and how large they grow.

    ``reached`` is called with the limit in MB, the bytes written and the time of the event in ns when a recording
    ends because of ``max_file_size_mb`` (0 = no limit).
    """

    path_prefix: str
    max_file_size_mb: int
    reached: Callable[[int, int, int], None]


class Recorder(Protocol):
    """Records events from that of an alert on. Used on the thread of the source."""

    def begin(self, event: Any, duration_ms: int) -> None:
        """Record from *event*, the one that is being evaluated, for so long in event time; or go on for so long."""

    def close(self) -> None:
        """End what is being recorded."""
