"""The warning about rules for events that a live capture would not deliver."""

from __future__ import annotations

from collections.abc import Iterable

import structlog

from falco.cli.session import Session
from falco.conditions.event_types import EventTypes
from falco.rules.model import Rule

_log = structlog.get_logger(__name__)


def warn_of_unselected(session: Session, rules: Iterable[Rule]) -> None:
    """Say which event types of enabled *rules* ``base_syscalls`` does not select.

    As upstream for replays too, although all events of a capture are evaluated: the same rules would miss them live.
    """
    chosen = session.settings.base_syscalls
    for name in session.selected:
        source = session.event_sources.get(name)
        catalogue = None if source is None else source.catalogue
        if catalogue is None or catalogue.selected is None:
            continue
        codes = {code for rule in rules if rule.enabled and rule.source == name for code in rule.event_types or ()}
        names = EventTypes(catalogue).names(codes)
        selected = catalogue.selected(names, chosen.custom_set, repair=chosen.repair, everything=chosen.all)
        if left_out := sorted(names - selected):
            _log.warning(
                f"rules match event types that base_syscalls does not select: warning (unsupported-evttype): "
                f"{', '.join(left_out)}; a replay evaluates them, a live capture would not deliver them "
                "(base_syscalls.all selects calls that only move data)"
            )
