"""A source that splits, and rules over it: for tests that spawn processes, which can import only what is installed."""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from falco.conditions.checked import Check, Operator, Or
from falco.errors import SourceError
from falco.fields import Field, FieldType, FieldUse
from falco.ruleset import Ruleset
from falco.sources import EventList, Source
from falco.testing.records import Record, rule


class Range(Source[Sequence[Record]]):
    """Events whose ``x.code`` counts from *start* up to, but excluding, *stop*; each a batch.

    Args:
        start: The first code.
        stop: Behind the last code.
        fails_at: A code that cannot be read.
        meets: Path of a file that a worker process makes when it has scanned its first part; the first process waits
            for it before it scans its own.
        dies: Whether a worker process dies instead.
        splits: Whether ``split`` does.
        is_endless: Whether it idles behind the last code until it is closed.
        breaks_at: A code at which a fault of the source itself comes up.
    """

    event_source = "record"

    def __init__(
        self,
        start: int,
        stop: int,
        *,
        fails_at: int = -1,
        meets: str = "",
        dies: bool = False,
        splits: bool = True,
        is_endless: bool = False,
        breaks_at: int = -1,
    ) -> None:
        super().__init__({}, "")
        self.start, self.stop, self.fails_at, self.splits = start, stop, fails_at, splits
        self.meets, self.dies = meets, dies
        self.is_endless = is_endless
        self.breaks_at = breaks_at
        self.is_closed = False
        self.tens = 0

    def batches(self) -> Iterator[list[Record]]:
        """One event each, then empty ones while endless."""
        is_first = multiprocessing.parent_process() is None
        while is_first and self.meets and not Path(self.meets).exists():
            time.sleep(0.01)
        for code in range(self.start, self.stop):
            if self.is_closed:
                return
            if code == self.fails_at:
                raise SourceError(f"cannot read {code}")
            if code == self.breaks_at:
                raise ZeroDivisionError(code)
            self.tens += code % 10 == 0
            yield [Record(time_ns=code, values={"x.code": code})]
        if not is_first and self.meets:
            Path(self.meets).touch()
            if self.dies:
                os._exit(9)
        while self.is_endless and not self.is_closed:
            time.sleep(0.01)
            yield []

    def split(self, parts: int) -> Sequence[Range]:
        """Parts of growing length."""
        if not self.splits:
            return (self,)
        edges = [self.start + (self.stop - self.start) * i * i // (parts * parts) for i in range(parts + 1)]
        options = {name: getattr(self, name) for name in ("fails_at", "meets", "dies", "is_endless", "breaks_at")}
        return [Range(a, b, **options) for a, b in pairwise(edges)]

    def __str__(self) -> str:
        """The range."""
        return f"codes {self.start} to {self.stop}"

    def close(self) -> None:
        """Idle no longer."""
        self.is_closed = True

    def counters(self) -> Mapping[str, int]:
        """How many codes end in 0."""
        return {"tens": self.tens}


class _Unsendable(int):
    """A value that cannot be sent to another process."""

    def __reduce__(self) -> str:
        raise TypeError("a value that cannot be sent")


def build(
    *, is_poisoned: bool = False, is_dense: bool = False, is_unsendable: bool = False, is_broken: bool = False
) -> tuple[EventList[Record], Ruleset[Record]]:
    """A decoder and two rules that overlap.

    Args:
        is_poisoned: Every seventh event cannot be evaluated.
        is_dense: Every event matches.
        is_unsendable: Values of alerts cannot be sent.
        is_broken: Nothing can be built in a worker process.
    """
    if is_broken and multiprocessing.parent_process() is not None:
        raise ZeroDivisionError("cannot be built")

    def code(event: Record) -> Any:
        value = event.values["x.code"]
        if is_unsendable:
            return _Unsendable(value)
        return 1 // (value % 7) if is_poisoned else value

    use = FieldUse("x.code", None, Field("x.code", lambda _argument: code, FieldType.INT64))
    num = FieldUse("evt.num", None, Field("evt.num", lambda _argument: lambda event: event.num, FieldType.UINT64))
    rules = [
        rule(
            0, Check(use, Operator.GE, (0,)) if is_dense else Check(use, Operator.IN, tuple(range(0, 300, 3))), use, num
        ),
        rule(1, Or((Check(use, Operator.GT, (150,)), Check(use, Operator.EQ, (3,)))), use),
    ]
    return EventList(), Ruleset(rules, first_only=False)
