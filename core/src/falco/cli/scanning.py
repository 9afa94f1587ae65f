"""``falco scan``: inputs one after another, each from its beginning to its end, and a summary."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import nullcontext
from typing import Final

import structlog

from falco.alerts.statistics import losses_text
from falco.cli import channels
from falco.cli.inputs import Input, Inputs
from falco.cli.process import Process
from falco.cli.progress import Progress
from falco.cli.rulebook import Rulebook
from falco.cli.screen import Screen
from falco.cli.session import Session
from falco.cli.summary import Summary
from falco.cli.track import Track
from falco.documents.terminal import visible
from falco.errors import ConfigError
from falco.outputs import Dispatcher

_log = structlog.get_logger(__name__)

EXIT_CLEAN: Final = 0
EXIT_ALERTS: Final = 1
EXIT_FAILED: Final = 2
_LOOK_S: Final = 0.1
_PIPE_S: Final = 1.0


def scan(session: Session, inputs: Inputs, screen: Screen, process: Process | None) -> int:
    """Scan *inputs* and say what was found; the exit code.

    What fails is said, and the other inputs are scanned all the same.

    Raises:
        FalcoError: Nothing can be scanned.
    """
    session.check()
    rulebook = Rulebook.of(session)
    _check_rules(session, rulebook, inputs)
    outputs = channels.dispatcher(session, may_be_none=session.options.summary and not session.settings.json_output)
    run = Scan(session, rulebook, inputs, outputs, screen)
    with process.signals(run) if process is not None else nullcontext():
        try:
            run.run()
        finally:
            screen.show("")
            outputs.close(lambda: run.is_stopped)
    run.conclude()
    return run.code


def _check_rules(session: Session, rulebook: Rulebook, inputs: Inputs) -> None:
    """Refuse inputs that no rule is for: nothing would be found in them, and that would say nothing.

    Where there are rules and none is as urgent as was asked for, that is said.
    """
    asked_for = {rule.source for rule in rulebook.rules if rule.enabled}
    less_urgent = {compiled.rule.source for compiled in rulebook.loader.compiled.rules if compiled.rule.enabled}
    for source, name in {found.source: found.name for found in reversed(inputs.found)}.items():
        if source in asked_for:
            continue
        if source not in less_urgent:
            raise ConfigError(f"no rule is for the event source '{source}' of '{name}': give a rules file with -r")
        priority = session.settings.priority.name.lower()
        session.around.complain(f"No rule for the event source '{source}' is as urgent as {priority}\n")


class Scan:
    """One scan. ``stop``, ``reopen`` and ``reload`` may be called by signal handlers."""

    def __init__(
        self, session: Session, rulebook: Rulebook, inputs: Inputs, dispatcher: Dispatcher, screen: Screen
    ) -> None:
        self._session = session
        self._rulebook = rulebook
        self._inputs = inputs
        self._dispatcher = dispatcher
        self._screen = screen
        self._stopped = ""
        self._cut_off = ""
        self._is_for_reader = all(channel.name == channels.STDOUT for channel in dispatcher.channels)
        """Whether nobody wants the alerts but who reads standard output."""
        self._has_failed = False
        self._events = 0
        self._bytes = 0
        self._lost: list[tuple[str, dict[str, int]]] = []
        sources = dict.fromkeys(found.source for found in inputs.found)
        columns = {title: len(uses) for name in sources for title, uses in session.columns(name).items()}
        trees = [title for title, length in columns.items() if length > 1]
        self.summary = Summary(dispatcher, [title for title in columns if title not in trees], trees)
        self._progress = Progress(0 if any(not one.size for one in inputs.found) else self._size())

    def stop(self, reason: str) -> None:
        """End after the batch in hand."""
        self._stopped = reason

    def reopen(self, reason: str) -> None:  # noqa: ARG002  the protocol's
        """Open output files anew."""
        self._dispatcher.reopen()

    def reload(self, reason: str) -> None:
        """A scan does not change its rules half-way."""

    def _size(self) -> int:
        return sum(one.size for one in self._inputs.found)

    def run(self) -> None:
        """Scan all inputs, or until a signal comes or nobody reads the alerts any more."""
        for one in self._inputs.found:
            if not self._is_over:
                self._scan(one)
        self._cut_off = self._stopped

    @property
    def is_stopped(self) -> bool:
        """Whether a signal came."""
        return bool(self._stopped)

    @property
    def _is_over(self) -> bool:
        return self.is_stopped or (self._screen.is_abandoned and self._is_for_reader)

    def _scan(self, one: Input) -> None:
        source = self._session.event_sources[one.source]
        track = Track(self._session, source, self._rulebook, self.summary, where=one.where, stream=one.stream)
        alone = threading.Event(), threading.Barrier(1)
        thread = threading.Thread(target=track.run, args=alone, name=f"scan {one.name}", daemon=True)
        thread.start()
        while thread.is_alive():
            thread.join(_LOOK_S)
            if self._is_over:
                track.stop()
                if one.stream is not None:  # a pipe may have nothing more to say, for ever
                    thread.join(_PIPE_S)
                    break
            if self._screen.has_progress:
                done, events = self._bytes + track.source.bytes_read, self._events + track.count
                self._screen.show(self._progress.line(done, events, self.summary.total))
        self._events += track.count
        self._bytes += one.size
        self._lost.append((one.name, dict(track.counters())))
        if track.error is not None:
            self._fail(str(track.error))
        elif not track.count and any(track.counters().values()) and not self._is_over:
            self._fail(f"no event could be read from '{one.name}'")

    def _fail(self, sentence: str) -> None:
        self._has_failed = True
        self._session.around.complain(f"Error: {sentence}\n")

    def conclude(self) -> None:
        """Say what was found, what was not looked at, and what was lost."""
        around, settings = self._session.around, self._session.settings
        counted = len(self._inputs.found), self._events
        if self._session.options.summary and settings.json_output:
            around.print(self.summary.document(*counted))
        elif not settings.json_output:
            around.print("" if self._session.options.summary or not self.summary.total else "\n")
            around.print(self.summary.table(*counted))
        if self._inputs.passed_over:
            names = ", ".join(map(visible, self._inputs.passed_over))
            around.complain(f"Not recognised, and passed over (--source says what they hold): {names}\n")
        around.complain(losses_text([*self._lost, *self._channel_losses()]))
        if self._cut_off:
            self._fail(f"{self._cut_off} ended the scan before its end")

    def _channel_losses(self) -> Iterator[tuple[str, dict[str, int]]]:
        for what, numbers in (("dropped", self._dispatcher.dropped), ("lost", self._dispatcher.lost)):
            for name, number in numbers.items():
                self._has_failed |= number > 0
                yield name, {f"alerts {what}": number}

    @property
    def code(self) -> int:
        """The exit code, after ``conclude``."""
        if self._has_failed:
            return EXIT_FAILED
        return EXIT_ALERTS if self.summary.total else EXIT_CLEAN
