"""The hot loop: source, decoder, ruleset and outputs wired together.

Reload, acknowledgement and the end of a source all hang on it: rules are read once a batch, and a source is resumed
only when its batch is done.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from falco.alerts.statistics import Statistics
from falco.events import Envelope

if TYPE_CHECKING:
    from falco.alerts import Alert
    from falco.rules.model import Rule
    from falco.ruleset import Ruleset
    from falco.sources import Decoder, Source

B = TypeVar("B")
E = TypeVar("E", bound=Envelope)


class Emitter(Protocol):
    """What a pipeline needs of the outputs; ``Dispatcher`` is one."""

    def emit(self, alert: Alert, *, wait: bool, keep: bool = False) -> None:
        """Take an alert; see ``Dispatcher.emit``."""

    def settle(self) -> None:
        """Return when everything emitted so far has left; see ``Dispatcher.settle``."""


class Pipeline(Generic[B, E]):
    """One source on one thread.

    Args:
        source: Where batches come from; closed by whoever made it.
        decoder: Of the source's event source; used by this pipeline alone.
        rules: Of the same event source. Assign ``rules`` from any thread to reload: in force from the next batch.
        output: Takes the alerts.
        report: Takes a sentence for the log.
        alerted: Called with the rule and the event of every alert, while the event is valid.
    """

    def __init__(
        self,
        source: Source[B],
        decoder: Decoder[B, E],
        rules: Ruleset[E],
        output: Emitter,
        report: Callable[[str], None],
        *,
        alerted: Callable[[Rule, E], None] | None = None,
    ) -> None:
        self.source = source
        self.decoder = decoder
        self.rules = rules
        self.output = output
        self.statistics = Statistics()
        self.failures = 0
        """Events whose evaluation raised: a fault of a field, counted as evaluated."""
        self._alerted = alerted
        self.report = source.report = decoder.report = report

    def run(self) -> None:
        """Evaluate every event until the source ends. Raises what the source or the decoder raises."""
        source, select, emit, count = self.source, self.decoder.select, self.output.emit, self.statistics.count
        alerted = self._alerted
        wait, keep = source.can_wait, source.acknowledges
        focused = self.rules
        source.focus(focused)
        for batch in source.batches():
            rules = self.rules
            if rules is not focused:
                source.focus(focused := rules)
            for residual, event in select(batch, rules):
                try:
                    for rule in residual(event):
                        alert = rule.alert(event)
                        count(alert)
                        emit(alert, wait=wait, keep=keep)
                        if alerted is not None:
                            alerted(rule.rule, event)
                except Exception as error:  # noqa: BLE001  one bad event must not stop the source
                    self._fail(event, error)
            if rules.undispatched and (notice := rules.notice()):
                self.report(f"{source.event_source}: {notice}")
            if keep:
                self.output.settle()

    def _fail(self, event: E, error: Exception) -> None:
        """Count an event that could not be evaluated; report the 1st, 10th, 100th …, never the payload."""
        self.failures += 1
        if str(self.failures).strip("0") == "1":
            self.report(
                f"{self.source.event_source}: event {event.num} could not be evaluated: "
                f"{type(error).__name__}: {error} ({self.failures} such events so far)"
            )


def evaluate(decoder: Decoder[B, E], batch: B, rules: Ruleset[E]) -> list[Alert]:
    """One batch in, its alerts out: for engines that bring their own loop (a Kafka consumer, a Spark worker)."""
    return [rule.alert(event) for residual, event in decoder.select(batch, rules) for rule in residual(event)]
