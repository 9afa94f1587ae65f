"""What a scan found: alerts counted by rule, priority and what event sources have to tell, as a table or JSON."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from falco.alerts.statistics import Statistics
from falco.alerts.text import escaped
from falco.cli.tree import OTHERS, Tree, path_of
from falco.documents.terminal import visible
from falco.fields.text import printable
from falco.rules.model import Priority

if TYPE_CHECKING:
    from falco.alerts import Alert
    from falco.pipeline import Emitter

_SHOWN: Final = 10
"""Rows of a column that the table shows."""
_BRANCHES: Final = 20
"""Rows of a tree that the table shows."""
_DISTINCT: Final = 10_000
"""Values of a column that are told apart: they come from whoever wrote the events."""
_NONE: Final = "(none)"


class Summary:
    """Counts alerts on their way to *output*; an ``Emitter``, used by one thread at a time.

    Args:
        output: Gets every alert.
        titles: Columns to show, in order, even if nothing was found.
        trees: The same of trees, which stand before them.
    """

    def __init__(self, output: Emitter, titles: Iterable[str] = (), trees: Iterable[str] = ()) -> None:
        self._output = output
        self._statistics = Statistics()
        self._trees: dict[str, Tree] = {title: Tree() for title in trees}
        self._columns: dict[str, Counter[str]] = {title: Counter() for title in titles}

    @property
    def total(self) -> int:
        """Alerts so far."""
        return self._statistics.total

    def emit(self, alert: Alert, *, wait: bool, keep: bool = False) -> None:
        """Count *alert* and pass it on."""
        self._statistics.count(alert)
        for title, slots in alert.template.columns:
            values = [None if slot is None else alert.values[slot] for slot in slots]
            if len(values) > 1:
                self._trees.setdefault(title, Tree()).count(path_of(values))
            else:
                self._count(self._columns.setdefault(title, Counter()), values[0])
        self._output.emit(alert, wait=wait, keep=keep)

    def settle(self) -> None:
        """See ``Emitter``."""
        self._output.settle()

    @staticmethod
    def _count(counter: Counter[str], value: Any) -> None:
        text = "" if value is None else str(value)
        counter[text if text in counter or len(counter) < _DISTINCT else OTHERS] += 1

    def table(self, inputs: int, events: int) -> str:
        """The table, each line with its newline."""
        lines = [f"{_many(self.total, 'alert')} in {_many(events, 'event')} of {_many(inputs, 'input')}"]
        if self.total:
            lines += _block("rule", self._by_rule().items())
            lines += _block("priority", ((priority.title, n) for priority, n in self._by_priority().items()))
            for title, tree in self._trees.items():
                if tree:
                    lines += _branches(title, tree)
            for title, counter in self._columns.items():
                if counter:
                    lines += _block(title, ((_shown(text), n) for text, n in counter.most_common()))
        return "".join(f"{line}\n" for line in lines)

    def document(self, inputs: int, events: int) -> str:
        """The same as one line of JSON; "" is the key of what has no value."""
        counted: dict[str, object] = {
            "inputs": inputs,
            "events": events,
            "alerts": self.total,
            "rule": self._by_rule(),
            "priority": {priority.title: number for priority, number in self._by_priority().items()},
        }
        for title, tree in self._trees.items():
            counted[title] = tree.document(printable)
        for title, counter in self._columns.items():
            counted[title] = {printable(text): number for text, number in counter.most_common()}
        return json.dumps({"summary": counted}, separators=(",", ":"), ensure_ascii=False) + "\n"

    def _by_rule(self) -> Mapping[str, int]:
        return dict(sorted(self._statistics.by_rule().items(), key=lambda pair: -pair[1]))

    def _by_priority(self) -> Mapping[Priority, int]:
        return self._statistics.by_priority()


def _block(title: str, rows: Iterable[tuple[str, int]]) -> Iterator[str]:
    rows = list(rows)
    yield f"{'alerts':>8}  {title}"
    for name, number in rows[:_SHOWN]:
        yield f"{number:>8}  {name}"
    if rest := rows[_SHOWN:]:
        yield f"{sum(number for _, number in rest):>8}  … and {len(rest)} more"


def _branches(title: str, tree: Tree) -> Iterator[str]:
    yield f"{'alerts':>8}  {title}"
    rows = tree.rows(_shown)
    for text, number in islice(rows, _BRANCHES):
        yield f"{number:>8}  {text}"
    if more := sum(1 for _ in rows):
        yield f"{'':>8}  … and {more} more"


def _shown(text: str) -> str:
    """Text of an event, fit for a terminal."""
    return visible(escaped(text)) or _NONE


def _many(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
