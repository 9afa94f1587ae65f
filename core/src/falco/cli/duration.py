"""``-M``: a run that ends by itself."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from falco.clock import NS
from falco.sources import Decoder

if TYPE_CHECKING:
    from falco.ruleset import Residual, Ruleset


class Limited(Decoder[Any, Any]):
    """A decoder that ends its source once an event is more than *seconds* younger than the first.

    That event and what follows raise no alert.  An idle source, which has no events to go by, ends when that time has
    passed on the clock.

    Args:
        inner: Decodes.
        seconds: Of event time.
        close: Ends the source.
    """

    def __init__(self, inner: Decoder[Any, Any], seconds: int, close: Callable[[], None]) -> None:
        self._inner = inner
        self._limit_ns = seconds * NS
        self._limit_s = seconds
        self._close = close
        self._started_s = time.monotonic()
        self._is_over = False

    def select(self, batch: Any, rules: Ruleset[Any]) -> Iterable[tuple[Residual[Any], Any]]:
        """Candidates up to the limit."""
        if self._is_over:
            return
        if not batch and time.monotonic() - self._started_s > self._limit_s:
            self._end()
            return
        for residual, event in self._inner.select(batch, rules):
            start_ns = self._inner.start_ns
            if start_ns is not None and event.time_ns - start_ns > self._limit_ns:
                self._end()
                return
            yield residual, event

    def counters(self) -> Mapping[str, int]:
        """Those of the decoder inside."""
        return self._inner.counters()

    def _end(self) -> None:
        self._is_over = True
        self._close()
