"""The program channel: alerts on the standard input of a command.

The command of falco.yaml is given to the shell, as Falco does with popen(3); the text of an alert never is: it
travels through the pipe only.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated, ClassVar

import msgspec
from msgspec import Meta

from falco import Output, OutputError, extension

if TYPE_CHECKING:
    from falco import Alert
    from falco_outputs.child import Child, Ending


class ProgramConfig(msgspec.Struct, frozen=True):
    """Keys of ``program_output``."""

    program: Annotated[str, Meta(description="The command, run by the shell; it reads alerts on its standard input.")]
    keep_alive: Annotated[bool, Meta(description="Start it once; otherwise it is started for each alert.")] = False
    timeout_s: Annotated[
        float,
        extension(
            "Seconds that an alert may take to be read, and a program to end behind the last one.", gt=0, le=86_400
        ),
    ] = 30.0


class ProgramOutput(Output):
    """Starts the command for every alert, or once with ``keep_alive``."""

    name: ClassVar[str] = "program"
    config_type: ClassVar[type[msgspec.Struct]] = ProgramConfig
    config: ProgramConfig
    _child: Child | None = None
    _is_abandoned = False

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
        if self._child is not None and not self._child.is_running:
            self._end("; started again")
        child = self._child = self._child or self._started()
        try:
            child.send(line)
        except OSError as error:
            ending = child.kill(str(error))
            self._child = None
            self._lose_unread(ending, in_hand=1)
            raise OutputError(f"{self._name}: did not take the alert ({ending})") from error
        if not self.config.keep_alive:
            ending = child.finish(drain=False)
            self._child = None
            if ending.status != 0:
                raise OutputError(f"{self._name}: {ending}")

    def reopen(self) -> None:
        """End the program; the next alert starts it again."""
        self._end()

    def close(self) -> None:
        """Let the program read what it was given, close its input and wait for its end."""
        self._end()

    def abandon(self) -> None:
        """Have the program ended, and start none any more."""
        self._is_abandoned = True
        if (child := self._child) is not None:
            child.abandon()

    @property
    def _name(self) -> str:
        return f"program_output '{self.config.program}'"

    def _started(self) -> Child:
        from falco_outputs.child import Child  # not on Windows

        if self._is_abandoned:
            raise OutputError(f"{self._name}: not started, the run ends")
        try:
            return Child(self.config.program, self.config.timeout_s, self.context.cwd, self.context.env)
        except OSError as error:
            raise OutputError(f"{self._name}: cannot be started: {error.strerror}") from error

    def _end(self, more: str = "") -> None:
        """End the program, if there is one; say what is wrong with that, and *more*."""
        if self._child is None:
            return
        ending = self._child.finish()
        self._child = None
        if not self._lose_unread(ending, more) and (ending.status != 0 or more):
            self.context.report(f"{self._name}: {ending}{more}")

    def _lose_unread(self, ending: Ending, more: str = "", *, in_hand: int = 0) -> bool:
        """Count what *ending* left unread, but for the alert *in_hand*; whether there was any."""
        number = ending.unread - in_hand
        if number > 0:
            self.lose(f"{self._name}: {ending} and left alerts unread{more}", number)
        return number > 0
