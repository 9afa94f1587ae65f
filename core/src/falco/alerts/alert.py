"""An alert: a rule's template and the values of one event. A value: it can be kept, compared and sent away."""

from __future__ import annotations

from dataclasses import dataclass, replace

from falco.alerts.template import AlertTemplate
from falco.clock import NS
from falco.templates.render import Values

_UNSIGNED = (1 << 64) - 1


@dataclass(frozen=True, slots=True)
class Alert:
    """What is said when a rule matches an event.

    ``num`` and ``time_ns`` are the event's; ``values`` what the template's slots stand for, None for absent.
    """

    template: AlertTemplate
    num: int
    time_ns: int
    values: Values

    def renumbered(self, first: int, start_ns: int | None = None) -> Alert:
        """The alert of the same event, seen by a process that got only a part of the input, in the whole of it.

        Args:
            first: Events before that part; added to the number of the event wherever it stands.
            start_ns: Time of the first event of the whole input, for times since then; None = leave them.

        A number that went into a transformer is left as it was: see ``Ruleset.positional``.
        """
        values = list(self.values)
        for slot in self.template.nums:
            values[slot] += first
        if start_ns is not None:
            elapsed = (self.time_ns - start_ns) & _UNSIGNED
            parts = {"evt.reltime": elapsed, "evt.reltime.s": elapsed // NS, "evt.reltime.ns": elapsed % NS}
            for slot, name in self.template.reltimes:
                values[slot] = parts[name]
        return replace(self, num=self.num + first, values=tuple(values))
