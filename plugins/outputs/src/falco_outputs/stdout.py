"""The channel ``stdout``: alerts on standard output."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from falco import Alert, Output, OutputContext, OutputError
from falco_outputs.lines import LineWriter, unbuffered


class StdoutConfig(Struct, frozen=True):
    """``stdout_output`` has no keys but its switch."""


class StdoutOutput(Output):
    """One line an alert, as soon as it is written unless ``buffered_outputs`` is set."""

    name = "stdout"
    config_type = StdoutConfig
    lossless = True

    def __init__(self, config: Any, context: OutputContext) -> None:
        super().__init__(config, context)
        self._lines = LineWriter(unbuffered(context.stdout), is_buffered=context.is_buffered)

    def open(self) -> None:
        """Let go what others wrote before."""
        self.context.stdout.flush()

    def write(self, alert: Alert) -> None:
        """Write the line of *alert*."""
        try:
            self._lines.write(self.context.render(alert))
        except (OSError, ValueError) as error:
            raise OutputError(f"cannot write to standard output: {_reason(error)}") from None

    def flush(self) -> None:
        """Write what was gathered."""
        try:
            self._lines.flush()
        except (OSError, ValueError) as error:
            raise OutputError(f"cannot write to standard output: {_reason(error)}") from None

    def close(self) -> None:
        """Write what was gathered; standard output stays open."""
        try:
            self.flush()
        except OutputError as error:
            self.lose(str(error), self._lines.pending)


def _reason(error: OSError | ValueError) -> str:
    if isinstance(error, BrokenPipeError):
        return "nobody reads it any more"
    return error.strerror or str(error) if isinstance(error, OSError) else str(error)
