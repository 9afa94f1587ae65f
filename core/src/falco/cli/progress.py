"""How far a scan is, as one line."""

from __future__ import annotations

import io
import time
from datetime import timedelta

import click


class Progress:
    """The line of progress.

    Args:
        total: Bytes of all inputs; 0 = not known.
    """

    def __init__(self, total: int) -> None:
        self._started_s = time.monotonic()
        self._total = total
        self._bar = click.progressbar(length=max(total, 1), file=io.StringIO(), width=24)

    def line(self, done: int, events: int, alerts: int) -> str:
        """The line when *done* bytes are read and *events* evaluated.

        With several processes events are not told one by one: the line then is about bytes.
        """
        elapsed_s = max(time.monotonic() - self._started_s, 1e-9)
        parts = []
        if self._total:
            self._bar.update(min(done, self._total) - self._bar.pos)
            parts.append(f"{self._bar.format_pct().strip()} [{self._bar.format_bar()}]")
        if events:
            parts.append(f"{events / elapsed_s:,.0f} events/s")
        if done:
            parts.append(f"{done / elapsed_s / 1e6:,.1f} MB/s")
        if 0 < done < self._total:
            parts.append(f"{timedelta(seconds=round(elapsed_s * (self._total - done) / done))} left")
        parts.append(f"{alerts:,} alert{'' if alerts == 1 else 's'}")
        return "  ".join(parts)
