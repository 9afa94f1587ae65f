"""What rules said about events: the alerts of a test, to be asked about."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from falco.alerts import FormatOptions, JsonFormatter, TextFormatter

if TYPE_CHECKING:
    from falco.alerts import Alert
    from falco.rules.model import Priority

_OPTIONS: Final = FormatOptions(hostname="localhost", include_message=True)
_TEXT: Final = TextFormatter(_OPTIONS)
_JSON: Final = JsonFormatter(_OPTIONS)


@dataclass(frozen=True)
class Detection:
    """One alert."""

    alert: Alert = field(repr=False)
    batch: int = 0
    """Index of the batch in which its event came."""

    @property
    def rule(self) -> str:
        """Name of the rule."""
        return self.alert.template.rule

    @property
    def priority(self) -> Priority:
        """Priority of the rule."""
        return self.alert.template.priority

    @property
    def num(self) -> int:
        """Number of the event, from 1."""
        return self.alert.num

    @property
    def text(self) -> str:
        """The line that goes to standard output, times in UTC."""
        return _TEXT.render(self.alert)

    @cached_property
    def document(self) -> dict[str, Any]:
        """The same as a JSON alert."""
        found: dict[str, Any] = json.loads(_JSON.render(self.alert))
        return found

    @property
    def message(self) -> str:
        """The rule's output with its fields filled in, without time and priority."""
        message: str = self.document["message"]
        return message

    @property
    def fields(self) -> dict[str, Any]:
        """``output_fields``: values by field; None = absent."""
        fields: dict[str, Any] = self.document["output_fields"]
        return fields

    def __repr__(self) -> str:
        return f"<event {self.num}: {self.text}>"


class Detections:
    """Alerts, in the order in which they were made.

    Args:
        found: The alerts.
        rules: Names of the rules that were looked for: ``of_rule`` refuses any other, because a misspelt name would
            otherwise be a rule that never fires.
        events: Number of events that were looked at.
        refused: What the source and the decoder did not take for an event, by reason.
        warnings: What was said about the rules, as text.
    """

    def __init__(
        self,
        found: Iterable[Detection],
        *,
        rules: Iterable[str],
        events: int,
        refused: Mapping[str, int],
        warnings: Iterable[str],
    ) -> None:
        self._found = tuple(found)
        self._rules = tuple(rules)
        self.events = events
        self.refused = dict(refused)
        self.warnings = tuple(warnings)

    @property
    def count(self) -> int:
        """Number of alerts."""
        return len(self._found)

    @property
    def rules(self) -> list[str]:
        """Names of the rules that fired, one an alert, in order."""
        return [one.rule for one in self._found]

    @property
    def texts(self) -> list[str]:
        """The lines that go to standard output, in order."""
        return [one.text for one in self._found]

    def of_rule(self, name: str) -> Detections:
        """Those of the rule *name*.

        Raises:
            LookupError: No such rule was looked for.
        """
        if name not in self._rules:
            close = get_close_matches(name, self._rules, 3) or self._rules[:5]
            raise LookupError(f"no rule '{name}' among those that are looked for; did you mean {_quoted(close)}?")
        return self._only(one for one in self._found if one.rule == name)

    def of_event(self, num: int) -> Detections:
        """Those of the event *num*, counted from 1.

        Raises:
            LookupError: There were fewer events.
        """
        if not 1 <= num <= self.events:
            raise LookupError(f"there is no event {num}: {self.events} were looked at")
        return self._only(one for one in self._found if one.num == num)

    def _only(self, found: Iterable[Detection]) -> Detections:
        return Detections(found, rules=self._rules, events=self.events, refused=self.refused, warnings=self.warnings)

    def __iter__(self) -> Iterator[Detection]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)

    def __getitem__(self, index: int) -> Detection:
        return self._found[index]

    def __repr__(self) -> str:
        return f"<{self.count} alerts of {self.events} events{''.join(f'{chr(10)}  {one!r}' for one in self)}>"


def _quoted(names: Iterable[str]) -> str:
    return " or ".join(f"'{name}'" for name in names)
