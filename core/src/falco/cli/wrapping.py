"""A decoder around another: what ``-M`` and ``syscall_event_drops`` put between a source and its decoder."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from falco.sources import Decoder


class WrappingDecoder(Decoder[Any, Any]):
    """Counts and times are those of *inner*; a subclass says which candidates of it pass."""

    def __init__(self, inner: Decoder[Any, Any]) -> None:
        self._inner = inner

    @property
    def count(self) -> int:  # type: ignore[override] # that of the decoder inside
        """Events so far."""
        return self._inner.count

    @property
    def start_ns(self) -> int | None:  # type: ignore[override] # that of the decoder inside
        """Time of the first event."""
        return self._inner.start_ns

    def counters(self) -> Mapping[str, int]:
        """Those of the decoder inside."""
        return self._inner.counters()
