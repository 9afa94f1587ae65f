"""What a run has around it: streams, environment, directory. Nothing below reads those of the process."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from falco.documents.terminal import visible_lines
from falco.errors import OutputError


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Streams are owned by the caller and stay open. Text is written as UTF-8."""

    stdout: BinaryIO
    stderr: BinaryIO
    env: Mapping[str, str]
    cwd: Path
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def print(self, text: str) -> None:
        """Write *text* to standard output: as it is, but for what a terminal would obey.

        Raises:
            OutputError: It cannot be written: a full disk.
            BrokenPipeError: Nobody reads any more.
        """
        try:
            self._write(self.stdout, visible_lines(text) if self.stdout.isatty() else text)
        except BrokenPipeError:
            raise
        except OSError as error:
            raise OutputError(f"cannot write to standard output: {error.strerror}") from error

    def complain(self, text: str) -> None:
        """Write *text* to standard error, without what a terminal would obey."""
        with suppress(OSError):  # nobody is left to be told, and what was to be done goes on
            self._write(self.stderr, visible_lines(text))

    def _write(self, stream: BinaryIO, text: str) -> None:
        with self._lock:
            stream.write(text.encode("utf-8", "surrogateescape"))
            stream.flush()
