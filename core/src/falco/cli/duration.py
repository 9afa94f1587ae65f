"""``-M``: a run that ends by itself."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from falco.cli.wrapping import WrappingDecoder
from falco.clock import NS
from falco.sources import Decoder

if TYPE_CHECKING:
    from falco.ruleset import Residual, Ruleset


@contextmanager
def ending_after(seconds: int, stop: Callable[[], None]) -> Iterator[None]:
    """While in it, call *stop*, on a thread of its own, once that time has passed on the clock; 0 = never.

    Whatever the source does then: it may be idle, or have events in plenty that no rule is for.
    """
    if not seconds:
        yield
        return
    timer = threading.Timer(seconds, stop)
    timer.name, timer.daemon = "duration", True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()


class Limited(WrappingDecoder):
    """A decoder that ends its source once an event is more than *seconds* younger than the first.

    That event and what follows raise no alert: of a log that is read faster than it was written, what belongs to
    the run is a matter of its own time.

    Args:
        inner: Decodes.
        seconds: Of event time.
        close: Ends the source.
    """

    def __init__(self, inner: Decoder[Any, Any], seconds: int, close: Callable[[], None]) -> None:
        super().__init__(inner)
        self._limit_ns = seconds * NS
        self._close = close
        self._is_over = False

    def select(self, batch: Any, rules: Ruleset[Any]) -> Iterable[tuple[Residual[Any], Any]]:
        """Candidates up to the limit."""
        if self._is_over:
            return
        for residual, event in self._inner.select(batch, rules):
            start_ns = self._inner.start_ns
            if start_ns is not None and event.time_ns - start_ns > self._limit_ns:
                self._is_over = True
                self._close()
                return
            yield residual, event
