"""``falco events``: the events of a file that a condition holds for, as lines, as JSON or counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeVar

from falco.alerts import Alert, AlertTemplate, FormatOptions, JsonFormatter
from falco.alerts.encoding import encode
from falco.alerts.statistics import losses_text
from falco.alerts.text import escaped
from falco.cli.colours import made_visible
from falco.cli.inputs import Input
from falco.cli.screen import is_terminal
from falco.cli.session import Session
from falco.conditions import check, parser
from falco.conditions.checked import TRUE, Condition
from falco.conditions.errors import ConditionError
from falco.conditions.scope import Scope
from falco.documents.diagnostics import Diagnostic, Severity, render
from falco.documents.source import SourceFile
from falco.documents.text import Segment, Text, Written
from falco.errors import ConfigError, RuleError
from falco.pipeline import Emitter, Pipeline
from falco.plugins.activation import EventSource
from falco.rules.codes import ErrorCode
from falco.rules.model import Priority, Rule
from falco.ruleset import Ruleset
from falco.templates import parse as templates

T = TypeVar("T")
EXIT_INTERRUPTED: Final = 130
MOST_VALUES: Final = 100_000
"""Distinct values of a field that are counted apart; bounds memory."""
MOST_SHOWN: Final = 20

_OF_CALLS: Final = "%evt.num %evt.time %evt.cpu %proc.name (%thread.tid) %evt.type %evt.args"
_COUNTED_OF_CALLS: Final = "%evt.type %proc.name"
_OF_OTHERS: Final = "%evt.num %evt.time %evt.plugininfo"


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of the events of a file.

    ``condition``: "" = all events. ``fields``: an output template, "" = the usual one of the event source.
    """

    condition: str = ""
    fields: str = ""
    is_json: bool = False
    is_counted: bool = False


class View(Emitter, Protocol):
    """Takes the events that match, as alerts of one template."""

    def end(self, looked_at: int) -> None:
        """Say what is left to be said; *looked_at*: the number of events that there were."""


def look(session: Session, one: Input, question: Question) -> int:
    """Print what *question* asks of the events of *one* input; the exit code.

    Raises:
        FalcoError: The condition or the template is wrong, or the events cannot be read to their end: those before
            are printed.
    """
    session.check()
    name = one.source
    source = session.event_sources[name]
    rule = _rule(question, source, session.scopes[name])
    decoder = session.decoder(name)
    rules: Ruleset[Any] = Ruleset([rule], dispatch=decoder.dispatch, assume=decoder.assume, first_only=True)
    opened = session.open_source(name, one.where, one.stream)
    view = _view(session, AlertTemplate.of(rule), question, opened.close)
    pipeline: Pipeline[Any, Any] = Pipeline(opened, decoder, rules, view, session.report)
    try:
        pipeline.run()
    except KeyboardInterrupt:
        session.around.complain("Interrupted: the events after this are not looked at\n")
        return EXIT_INTERRUPTED
    finally:
        opened.close()
        view.end(decoder.count)
        lost = Counter(opened.counters()) + Counter(decoder.counters())
        session.around.complain(losses_text([(name, lost)]))
    return 0


def _rule(question: Question, source: EventSource, scope: Scope) -> Rule:
    """The question as a rule; it is evaluated as every other."""
    condition: Condition = TRUE
    if question.condition:
        parsed = _read("condition", question.condition, lambda text: check.check(parser.parse(text), scope))
        condition = parsed.condition
    output = _read("fields", _fields(question, source), lambda text: templates.parse(text, scope))
    return Rule(0, "events", scope.source, Priority.DEBUG, condition, output)


def _fields(question: Question, source: EventSource) -> str:
    if question.fields:
        if "%" not in question.fields:
            meant = " ".join(f"%{name}" for name in question.fields.replace(",", " ").split())
            raise ConfigError(f"--fields '{question.fields}' names no field: did you mean '{meant}'?")
        return question.fields
    if source.catalogue is not None:
        return _COUNTED_OF_CALLS if question.is_counted else _OF_CALLS
    if question.is_counted:
        raise ConfigError(f"say with --fields what to count of '{source.name}' events: --fields '%evt.pluginname'")
    return _OF_OTHERS


def _read(name: str, text: str, function: Callable[[Text], T]) -> T:
    """What *function* makes of *text*.

    Raises:
        RuleError: The text is wrong, with a caret under the place.
    """
    file = SourceFile(name, text)
    try:
        return function(Text((Segment(text, Written(file.span(0, len(text)))),)))
    except ConditionError as error:
        code = ErrorCode.LOAD_ERR_COMPILE_CONDITION if name == "condition" else ErrorCode.LOAD_ERR_COMPILE_OUTPUT
        subject = "the condition" if name == "condition" else f"--{name}"
        faults = [
            render(Diagnostic(Severity.ERROR, code.name, one.message, one.extent, hint=one.hint), {name: file})
            for one in (error, *error.further)
        ]
        raise RuleError("\n".join((f"{subject} cannot be used", *faults))) from None


def _view(session: Session, template: AlertTemplate, question: Question, stop: Callable[[], None]) -> View:
    settings = session.settings
    options = FormatOptions(clock=session.clock, is_base64=settings.buffer_format_base64)
    if question.is_counted:
        return Tally(session.around.print, template, options, is_json=question.is_json)
    line_of = _line_of(template, options, is_json=question.is_json)
    if is_terminal(session.around.stdout, session.around.env):
        line_of = made_visible(line_of)
    return Lines(session.around.print, line_of, stop)


def _line_of(template: AlertTemplate, options: FormatOptions, *, is_json: bool) -> Callable[[Alert], str]:
    if is_json:
        make = JsonFormatter(options).output_fields(template)
        return lambda alert: encode(make(alert.values, alert.time_ns))
    write = options.writer(template.message)
    return lambda alert: escaped(write(alert.values, alert.time_ns))


class Lines:
    """Each event as a line, as they come.

    Args:
        print_: Writes text.
        line_of: Makes the line of an event.
        stop: Called once nothing more can be written: nobody reads it, or the disk is full.
    """

    _WAITING: Final = 512
    """Lines that are written at once."""

    def __init__(
        self, print_: Callable[[str], None], line_of: Callable[[Alert], str], stop: Callable[[], None]
    ) -> None:
        self._print = print_
        self._line_of = line_of
        self._stop = stop
        self._lines: list[str] = []
        self._failed: OSError | None = None

    def emit(self, alert: Alert, *, wait: bool, keep: bool = False) -> None:  # noqa: ARG002  of Emitter
        """Take an event."""
        if self._failed is not None:
            return
        self._lines.append(self._line_of(alert) + "\n")
        if len(self._lines) >= self._WAITING:
            self.settle()

    def settle(self) -> None:
        """Write what waits."""
        try:
            self._print("".join(self._lines))
        except OSError as error:  # kept for the end: here it would count as a fault of the event
            self._failed = error
            self._stop()
        self._lines.clear()

    def end(self, looked_at: int) -> None:  # noqa: ARG002  of View
        """Write what waits; raises ``OSError`` if something could not be written."""
        self.settle()
        if self._failed is not None:
            raise self._failed


class Tally:
    """How often each value of each field comes."""

    def __init__(
        self, print_: Callable[[str], None], template: AlertTemplate, options: FormatOptions, *, is_json: bool
    ) -> None:
        self._print = print_
        self._is_json = is_json
        self._events = 0
        self._counted: Sequence[tuple[Counter[str], Callable[[Alert], str]]] = [
            (Counter(), self._text_of(options.writer((placeholder,)))) for _, placeholder in template.fields
        ]
        self._names = [name for name, _ in template.fields]

    @staticmethod
    def _text_of(write: Callable[[Any, int], str]) -> Callable[[Alert], str]:
        return lambda alert: escaped(write(alert.values, alert.time_ns))

    def emit(self, alert: Alert, *, wait: bool, keep: bool = False) -> None:  # noqa: ARG002  of Emitter
        """Count an event."""
        self._events += 1
        for counter, text_of in self._counted:
            text = text_of(alert)
            counter[text if text in counter or len(counter) < MOST_VALUES else "(other values)"] += 1

    def settle(self) -> None:
        """Nothing waits."""

    def end(self, looked_at: int) -> None:
        """Write the numbers, the highest first."""
        counts = dict(zip(self._names, (counter for counter, _ in self._counted), strict=True))
        if self._is_json:
            found = {name: dict(_ordered(counter)) for name, counter in counts.items()}
            self._print(encode({"events": looked_at, "matching": self._events, "values": found}) + "\n")
            return
        lines = [f"{self._events} of {looked_at} events"]
        for name, counter in counts.items():
            ordered = _ordered(counter)
            lines.append(f"{name}:")
            lines += [f"   {text}: {count}" for text, count in ordered[:MOST_SHOWN]]
            if rest := ordered[MOST_SHOWN:]:
                lines.append(f"   and {len(rest)} more values: {sum(count for _, count in rest)}")
        self._print("".join(f"{line}\n" for line in lines))


def _ordered(counter: Counter[str]) -> list[tuple[str, int]]:
    return sorted(counter.items(), key=lambda item: (-item[1], item[0]))
