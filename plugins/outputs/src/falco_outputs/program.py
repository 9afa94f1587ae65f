"""The program channel: alerts on the standard input of a command.

The command of falco.yaml is given to the shell, as Falco does with popen(3); the text of an alert never is: it
travels through the pipe only.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Annotated, ClassVar, Final

import msgspec
from msgspec import Meta

from falco import Output, OutputError, extension

if TYPE_CHECKING:
    from falco import Alert

_CLOSE_S: Final = 5.0
"""How long a program may take to end after its input was closed, at the end or for a reopen."""


class ProgramConfig(msgspec.Struct, frozen=True):
    """Keys of ``program_output``."""

    program: Annotated[str, Meta(description="The command, run by the shell; it reads alerts on its standard input.")]
    keep_alive: Annotated[bool, Meta(description="Start it once; otherwise it is started for each alert.")] = False
    timeout_s: Annotated[
        float,
        extension("Seconds that an alert may take to be read, and a program of one alert to end.", gt=0, le=86_400),
    ] = 30.0


class ProgramOutput(Output):
    """Starts the command for every alert, or once with ``keep_alive``."""

    name: ClassVar[str] = "program"
    config_type: ClassVar[type[msgspec.Struct]] = ProgramConfig
    config: ProgramConfig
    _child: subprocess.Popen[bytes] | None = None

    def open(self) -> None:
        """Look at the configuration; the command starts with the first alert, so that it never runs without need.

        Raises:
            OutputError: There is no command, or this is Windows, where a pipe cannot be waited for.
        """
        if os.name != "posix":
            raise OutputError("program_output needs a POSIX system: use http_output or file_output")
        if not self.config.program.strip():
            raise OutputError("program_output.program is empty: name the command that reads alerts")

    def write(self, alert: Alert) -> None:
        """Hand one line to the program.

        Raises:
            OutputError: It cannot be started, ended with an error, hangs, or does not read.
        """
        line = self.context.render(alert).encode("utf-8", "replace") + b"\n"
        child = self._running()
        try:
            self._send(child, line)
        except OSError as error:
            status = self._end(kill=True)
            raise OutputError(f"{self._name}: did not take the alert ({error.strerror}; {_told(status)})") from error
        if not self.config.keep_alive:
            self._wait_for_one()

    def reopen(self) -> None:
        """End the program; the next alert starts it again."""
        self.close()

    def close(self) -> None:
        """Close the program's input and wait for its end."""
        if self._child is not None:
            status = self._end(kill=False)
            if status != 0:
                self.context.report(f"{self._name}: {_told(status)}")

    @property
    def _name(self) -> str:
        return f"program_output '{self.config.program}'"

    def _running(self) -> subprocess.Popen[bytes]:
        if self._child is not None and self._child.poll() is not None:
            self.context.report(f"{self._name}: {_told(self._end(kill=False))}; started again")
        if self._child is None:
            try:
                self._child = subprocess.Popen(  # noqa: S602  the command is the operator's, as in Falco's popen(3)
                    self.config.program,
                    shell=True,
                    stdin=subprocess.PIPE,
                    start_new_session=True,
                    cwd=self.context.cwd,
                    env=dict(self.context.env),
                )
            except OSError as error:
                raise OutputError(f"{self._name}: cannot be started: {error.strerror}") from error
            stdin = self._child.stdin
            if stdin is not None and sys.platform != "win32":
                os.set_blocking(stdin.fileno(), False)
        return self._child

    def _send(self, child: subprocess.Popen[bytes], line: bytes) -> None:
        """Write within the time limit; a program that does not read must not hold up the channel for ever."""
        stdin = child.stdin
        if stdin is None:
            raise OSError(0, "no pipe")
        rest, deadline = memoryview(line), time.monotonic() + self.config.timeout_s
        while rest:
            _, ready, _ = select.select((), (stdin,), (), max(0.0, deadline - time.monotonic()))
            if not ready:
                raise OSError(0, f"it has not read for {self.config.timeout_s:g} s")
            rest = rest[os.write(stdin.fileno(), rest) :]

    def _wait_for_one(self) -> None:
        child = self._child
        if child is None:
            return
        if child.stdin is not None:
            child.stdin.close()
        try:
            status = child.wait(self.config.timeout_s)
        except subprocess.TimeoutExpired:
            self._end(kill=True)
            raise OutputError(f"{self._name}: did not end within {self.config.timeout_s:g} s and was killed") from None
        self._child = None
        if status != 0:
            raise OutputError(f"{self._name}: {_told(status)}")

    def _end(self, *, kill: bool) -> int:
        """Close the input, wait, kill the whole session if need be; the exit status."""
        child, self._child = self._child, None
        if child is None:
            return 0
        if child.stdin is not None:
            try:
                child.stdin.close()
            except OSError as error:
                self.context.report(f"{self._name}: {error.strerror}")
        if not kill:
            try:
                return child.wait(_CLOSE_S)
            except subprocess.TimeoutExpired:
                self.context.report(f"{self._name}: still runs {_CLOSE_S:g} s after its input was closed, killed")
        if child.poll() is None and sys.platform != "win32":
            os.killpg(child.pid, signal.SIGKILL)
        return child.wait()


def _told(status: int) -> str:
    if status < 0:
        return f"ended by signal {-status}"
    return f"ended with exit status {status}"
