"""Scanning a part of an input, and what that says: alerts as they are made, then how it ended."""

from __future__ import annotations

import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from falco.errors import FalcoError
from falco.pipeline.pipeline import Emitter, Pipeline

if TYPE_CHECKING:
    from falco.ruleset import Ruleset
    from falco.sources import Decoder, Source


@dataclass(slots=True)
class End:
    """What became of a part besides its alerts."""

    count: int
    """Events, skipped ones included."""
    start_ns: int | None
    """Time of the first one."""
    failures: int
    reports: list[str]
    counters: Counter[str]
    error: FalcoError | None
    """Why it could not be read to its end."""


@dataclass(slots=True)
class Fault:
    """Something that nobody foresaw."""

    sentence: str
    details: str = ""
    """The traceback, for the log."""


Outcome: TypeAlias = End | Fault


def fault(what: str) -> Fault:
    """The exception in hand, which came up in *what*."""
    text = traceback.format_exc()
    return Fault(f"{what} failed: {text.strip().splitlines()[-1]}", text)


class Scanner:
    """Scans one part after another, in this process or in a worker; ``stop`` may come from any thread."""

    def __init__(self, decoder: Decoder[Any, Any], rules: Ruleset[Any]) -> None:
        self.decoder = decoder
        self._rules = rules
        self._source: Source[Any] | None = None
        self._is_stopped = False

    def stop(self) -> None:
        """End the part in hand after its batch, and every later one at once."""
        self._is_stopped = True
        if (source := self._source) is not None:
            source.close()

    def scan(self, source: Source[Any], output: Emitter) -> Outcome:
        """Scan the whole of a part, or what can be read of it; alerts go to *output*, numbered from 1."""
        decoder = self.decoder
        self._source = source
        if self._is_stopped:
            source.close()
        decoder.count, decoder.start_ns = 0, None
        before = Counter(decoder.counters())
        reports: list[str] = []
        pipeline = Pipeline(source, decoder, self._rules, output, reports.append)
        error: FalcoError | None = None
        try:
            pipeline.run()
        except FalcoError as raised:
            error = raised
        except Exception:  # noqa: BLE001  told in its turn, after the alerts of what came before
            return fault(f"scanning {source}")
        counted = counters(source, decoder) - before
        return End(decoder.count, decoder.start_ns, pipeline.failures, reports, counted, error)


def counters(source: Source[Any], decoder: Decoder[Any, Any]) -> Counter[str]:
    """What both dropped or refused so far."""
    return Counter(source.counters()) + Counter(decoder.counters())


Build: TypeAlias = "Callable[[], tuple[Decoder[Any, Any], Ruleset[Any]]]"
"""Makes a decoder and the ruleset in another process; picklable, such as a ``functools.partial`` over paths."""
