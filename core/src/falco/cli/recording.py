"""``capture:`` of falco.yaml: which alerts start a recording, and what is said when one grows too large."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from falco.alerts import internal
from falco.cli.session import Session
from falco.config.settings import CaptureMode
from falco.pipeline import Emitter
from falco.rules.model import Priority, Rule
from falco.sources import Decoder, RecordingLimits


class Recording:
    """Recordings of one event source.

    Attributes:
        alerted: For ``Pipeline``; None when nothing is to be recorded, or the events cannot be.
    """

    def __init__(self, session: Session, decoder: Decoder[Any, Any], output: Emitter) -> None:
        self._wanted = session.settings.capture
        self._output = output
        self._recorder = None
        if self._wanted.enabled:
            prefix = f"{session.around.cwd}/" if not self._wanted.path_prefix.startswith("/") else ""
            limits = RecordingLimits(prefix + self._wanted.path_prefix, self._wanted.max_file_size_mb, self._is_full)
            self._recorder = decoder.recorder(limits)
        self.alerted = self._alerted()

    def _alerted(self) -> Callable[[Rule, Any], None] | None:
        if self._recorder is None:
            return None
        begin, wanted = self._recorder.begin, self._wanted
        is_for_all = wanted.mode is CaptureMode.ALL_RULES

        def alerted(rule: Rule, event: Any) -> None:
            if is_for_all or rule.capture:
                begin(event, rule.capture_duration_ms or wanted.default_duration)

        return alerted

    def _is_full(self, limit_mb: int, written_bytes: int, time_ns: int) -> None:
        fields = {"max_file_size_mb": limit_mb, "written_bytes": written_bytes}
        message = "Capture file size limit reached"
        self._output.emit(
            internal.alert(internal.CAPTURE_LIMIT, Priority.INFORMATIONAL, message, fields, time_ns), wait=True
        )

    def close(self) -> None:
        """End what is being recorded."""
        if self._recorder is not None:
            self._recorder.close()
