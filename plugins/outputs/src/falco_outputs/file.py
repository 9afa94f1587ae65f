"""The channel ``file``: alerts at the end of a file."""

from __future__ import annotations

from io import FileIO
from typing import Annotated, Any

from msgspec import Meta, Struct

from falco import Alert, Output, OutputContext, OutputError
from falco_outputs.lines import LineWriter


class FileConfig(Struct, frozen=True, kw_only=True):
    """Keys of ``file_output``."""

    keep_alive: Annotated[
        bool, Meta(description="Keep the file open (SIGUSR1 opens it again); otherwise it is opened for each alert.")
    ] = False
    filename: Annotated[str, Meta(description="The file; alerts are appended.")]


class FileOutput(Output):
    """One line an alert. Without ``keep_alive`` a file that was moved away is made anew by the next alert."""

    name = "file"
    config_type = FileConfig
    lossless = True

    def __init__(self, config: Any, context: OutputContext) -> None:
        super().__init__(config, context)
        self._path = context.cwd / config.filename
        self._file: FileIO | None = None
        self._lines: LineWriter | None = None
        self._is_mid_line = False

    def write(self, alert: Alert) -> None:
        """Append the line of *alert*; opens the file if need be."""
        line = self.context.render(alert)
        try:
            try:
                self._opened().write(line)
            finally:
                if not self.config.keep_alive:
                    self._close()
        except OSError as error:
            raise self._error(error) from None

    def flush(self) -> None:
        """Write what was gathered."""
        if self._lines is not None:
            try:
                self._lines.flush()
            except OSError as error:
                raise self._error(error) from None

    def reopen(self) -> None:
        """Let the file go; the next alert opens it again."""
        self.close()

    def close(self) -> None:
        """Write what was gathered and close the file."""
        try:
            self._close()
        except OSError as error:
            raise self._error(error) from None

    def _opened(self) -> LineWriter:
        if self._lines is None:
            try:
                self._file = FileIO(self._path, "ab")
            except OSError as error:
                message = f"failed to open output file {self.config.filename}: {error.strerror}"
                raise OutputError(message) from None
            is_buffered = self.context.is_buffered and self.config.keep_alive
            self._lines = LineWriter(self._file, is_buffered=is_buffered, is_mid_line=self._is_mid_line)
        return self._lines

    def _close(self) -> None:
        file, lines = self._file, self._lines
        self._file = self._lines = None
        if file is not None and lines is not None:
            try:
                lines.flush()
            except OSError as error:
                self.lose(str(self._error(error)), lines.pending)
            finally:
                self._is_mid_line = lines.is_mid_line
                file.close()

    def _error(self, error: OSError) -> OutputError:
        return OutputError(f"cannot write to {self.config.filename}: {error.strerror}")
