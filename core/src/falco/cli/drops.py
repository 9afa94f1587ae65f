"""``syscall_event_drops``: what is done when the kernel drops events."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

import structlog

from falco.alerts import internal
from falco.cli.wrapping import WrappingDecoder
from falco.clock import NS
from falco.conditions.checked import TRUE
from falco.errors import SourceError
from falco.rules.model import Priority, Rule
from falco.ruleset import Ruleset
from falco.sources import Decoder
from falco.templates.model import Template

if TYPE_CHECKING:
    from falco.config.settings import SyscallEventDrops
    from falco.pipeline import Emitter
    from falco.ruleset import Residual

_log = structlog.get_logger(__name__)

EVENTS: Final = "n_evts"
DROPS: Final = "n_drops"
_ENTERED_AND_EXITED: Final = ("clone_fork", "execve", "connect", "open")
_EXITED: Final = ("dir_file", "other_interest", "close", "proc")
_COUNTERS: Final = (
    *(EVENTS, DROPS, "n_drops_buffer_total"),
    *(f"n_drops_buffer_{kind}_{end}" for kind in _ENTERED_AND_EXITED for end in ("enter", "exit")),
    *(f"n_drops_buffer_{kind}_exit" for kind in _EXITED),
    *("n_drops_scratch_map", "n_drops_page_faults", "n_drops_bug"),
)
"""What the alert tells, in the order of the struct that Falco reads it from."""


class TokenBucket:
    """Lets *burst* through at once and *rate* a second in the long run."""

    def __init__(self, rate: float, burst: float) -> None:
        self._rate = rate
        self._burst = burst
        self._tokens = burst
        self._last_ns: int | None = None

    def claim(self, now_ns: int) -> bool:
        """Take a token, if there is one; a clock that goes back gives none and takes none."""
        elapsed_ns = 0 if self._last_ns is None else max(0, now_ns - self._last_ns)
        self._tokens = min(self._burst, self._tokens + self._rate * elapsed_ns / NS)
        self._last_ns = now_ns
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


class DropMonitor:
    """Looks once a second at what the kernel dropped, and acts on it.

    Args:
        wanted: What falco.yaml says.
        counted: What the kernel has counted so far, by name (``n_evts``, ``n_drops``, …); names left out are 0.
        output: Gets the alerts.

    Attributes:
        occurrences: Seconds in which more was dropped than the threshold allows.
        actions: How often something was done about it.
        dropped: Events dropped in those seconds.
    """

    def __init__(self, wanted: SyscallEventDrops, counted: Callable[[], Mapping[str, int]], output: Emitter) -> None:
        self._wanted = wanted
        self._counted = counted
        self._output = output
        self._bucket = TokenBucket(wanted.rate, wanted.max_burst)
        self._next_ns: int | None = None
        self._last: Mapping[str, int] = {}
        self.occurrences = 0
        self.actions = 0
        self.dropped = 0

    @property
    def is_simulating(self) -> bool:
        """Whether every second is to look as if an event had been dropped."""
        return self._wanted.simulate_drops

    def look(self, now_ns: int) -> bool:
        """Do what is to be done at that time; whether the run goes on."""
        if self._next_ns is None:
            self._next_ns = now_ns + NS
        if now_ns <= self._next_ns:
            return True
        self._next_ns = now_ns + NS
        counted = self._counted()
        new = {name: counted.get(name, 0) - self._last.get(name, 0) for name in _COUNTERS}
        self._last = dict(counted)
        threshold = self._wanted.threshold
        if self.is_simulating:
            _log.info("Simulating syscall event drop")
            new[DROPS], threshold = 1, 0.0
        if new[DROPS] <= 0 or new[DROPS] / max(1, new[EVENTS]) <= threshold:
            return True
        self.occurrences += 1
        self.dropped += new[DROPS]
        if not self._bucket.claim(now_ns):
            _log.debug("Syscall event drop but token bucket depleted, skipping actions")
            return True
        self.actions += 1
        return self._act(now_ns, new)

    def _act(self, now_ns: int, new: Mapping[str, int]) -> bool:
        sentence = f"{internal.EVENT_DROP}. {new[DROPS]} system calls dropped in last second."
        goes_on = True
        for action in self._wanted.actions:
            match action:
                case "log":
                    _log.debug(sentence)
                case "alert":
                    fields = {name: str(number) for name, number in new.items()} | {"ebpf_enabled": "0"}
                    alert = internal.alert(internal.EVENT_DROP, Priority.DEBUG, sentence, fields, now_ns)
                    self._output.emit(alert, wait=False)
                case "exit":
                    _log.critical(sentence)
                    _log.critical("Exiting.")
                    goes_on = False
        return goes_on


class Watched(WrappingDecoder):
    """A decoder whose source's kernel is watched by *monitor*.

    A simulation goes by the times of events and therefore looks at each of them; what is measured goes by the clock,
    once a batch.

    Args:
        inner: Decodes.
        monitor: Watches.
    """

    def __init__(self, inner: Decoder[Any, Any], monitor: DropMonitor) -> None:
        super().__init__(inner)
        self._monitor = monitor
        self._shown: tuple[Ruleset[Any], Ruleset[Any]] | None = None

    def select(self, batch: Any, rules: Ruleset[Any]) -> Iterable[tuple[Residual[Any], Any]]:
        """Candidates.

        Raises:
            SourceError: Events were dropped, and falco.yaml says to exit then.
        """
        if not self._monitor.is_simulating:
            self._look(time.time_ns())
            yield from self._inner.select(batch, rules)
            return
        if self._shown is None or self._shown[0] is not rules:
            self._shown = rules, _showing_all(rules, self._inner)
        for _, event in self._inner.select(batch, self._shown[1]):
            self._look(event.time_ns)
            yield rules.everything, event

    def _look(self, now_ns: int) -> None:
        if not self._monitor.look(now_ns):
            raise SourceError("events were dropped, and syscall_event_drops.actions has exit")


def _showing_all(rules: Ruleset[Any], decoder: Decoder[Any, Any]) -> Ruleset[Any]:
    """The same rules and one that holds for every event, so that no event is skipped."""
    source = rules.rules[0].source if rules.rules else ""
    every = Rule(len(rules.rules), "every event", source, Priority.DEBUG, TRUE, Template(()))
    return Ruleset([*rules.rules, every], dispatch=decoder.dispatch, assume=decoder.assume, first_only=False)
