"""Recordings around alerts: ``capture:`` of falco.yaml."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from enum import Enum
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Final

from falco_syscall.capture import CaptureEvent, CaptureWriter
from falco_syscall.state.saving import events_of, metadata_of

if TYPE_CHECKING:
    from falco import RecordingLimits
    from falco_syscall.event import SyscallEvent

_MB: Final = 1 << 20
_NS_A_MS: Final = 1_000_000


class Stop(Enum):
    """Why a recording ends."""

    NONE = "NONE"
    TIME_DEADLINE = "TIME_DEADLINE"
    SIZE_LIMIT = "SIZE_LIMIT"


def path_of(prefix: str, time_ns: int, num: int) -> str:
    """The name of a recording that begins with event *num*."""
    return f"{prefix}_{time_ns:020d}_{num:020d}.scap"


def stop(time_ns: int, deadline_ns: int, written_bytes: int, max_mb: int) -> Stop:
    """Whether a recording ends before an event of *time_ns*; *max_mb*: 0 = no limit. Time counts first."""
    if time_ns >= deadline_ns:
        return Stop.TIME_DEADLINE
    if max_mb and written_bytes >= max_mb * _MB:
        return Stop.SIZE_LIMIT
    return Stop.NONE


class Recording:
    """A file that is being written.

    Raises:
        OSError: It cannot be written; likewise when it is written to.
        ValueError: Something is too long to be stored.
    """

    def __init__(self, path: str, event: SyscallEvent, deadline_ns: int) -> None:
        self.path = path
        self.first = event.num
        self.deadline_ns = deadline_ns
        self._file = Path(path).open("wb")  # noqa: SIM115  closed by `close`
        self._writer = CaptureWriter(self._file)
        try:
            for item in chain(metadata_of(event.machine), events_of(event.machine, event)):
                self._writer.write(item)
        except BaseException:
            self._file.close()
            raise

    @property
    def written_bytes(self) -> int:
        """How large the file is."""
        return self._file.tell()

    def write(self, event: CaptureEvent) -> None:
        """Append an event."""
        self._writer.write(event)

    def close(self) -> None:
        """End the file."""
        self._file.close()


class Recorder:
    """Records from the event of an alert on; an alert in between makes the recording last longer.

    Args:
        limits: What falco.yaml says.
        report: Takes a sentence for the log: a file cannot be written.
    """

    def __init__(self, limits: RecordingLimits, report: Callable[[str], None]) -> None:
        self._limits = limits
        self._report = report
        self._open: list[Recording] = []
        """In order; events are handed over in chunks, so that one whose time is over may still wait for its last."""

    def begin(self, event: SyscallEvent, duration_ms: int) -> None:
        """Record from *event* on, or go on with the recording that there is."""
        deadline_ns = event.time_ns + duration_ms * _NS_A_MS
        last = self._open[-1] if self._open else None
        if last is not None and event.time_ns < last.deadline_ns:
            last.deadline_ns = max(last.deadline_ns, deadline_ns)
            return
        path = path_of(self._limits.path_prefix, event.time_ns, event.num)
        try:
            self._open.append(Recording(path, event, deadline_ns))
        except (OSError, ValueError) as error:
            self._report(f"{path} cannot be written: {error}")

    @property
    def is_on(self) -> bool:
        """Whether events are wanted."""
        return bool(self._open)

    def take(self, events: Iterable[CaptureEvent]) -> None:
        """Write the events from those of the alerts on; each recording ends where its limits say."""
        for event in events:
            for recording in tuple(self._open):
                if event.num >= recording.first and not self._is_over(recording, event):
                    self._do(recording, partial(recording.write, event))
            if not self._open:
                return

    def _is_over(self, recording: Recording, event: CaptureEvent) -> bool:
        """Whether *recording* ends before *event*; then it is closed. The event of the alert is always in it."""
        if event.num == recording.first:
            return False
        limit, written = self._limits.max_file_size_mb, recording.written_bytes
        why = stop(event.time_ns, recording.deadline_ns, written, limit)
        if why is Stop.NONE:
            return False
        self._end(recording)
        if why is Stop.SIZE_LIMIT:
            self._limits.reached(limit, written, event.time_ns)
        return True

    def close(self) -> None:
        """End what is being recorded."""
        for recording in tuple(self._open):
            self._end(recording)

    def _end(self, recording: Recording) -> None:
        self._open.remove(recording)
        self._do(recording, recording.close)

    def _do(self, recording: Recording, action: Callable[[], None]) -> None:
        """Do something to a file; one that cannot be written is given up and reported, the run goes on."""
        try:
            action()
        except (OSError, ValueError) as error:
            self._report(f"{recording.path} cannot be written to its end: {error}")
            if recording in self._open:
                self._open.remove(recording)
                with suppress(OSError):
                    recording.close()
