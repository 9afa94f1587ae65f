"""What a run without a configuration says."""

from __future__ import annotations

from collections.abc import Sequence

from falco.cli.session import DEFAULT_CONFIG, Session


def welcome(session: Session, names: Sequence[str]) -> str:
    """Where things come from, and what to do next."""
    lines = [f"There is no {DEFAULT_CONFIG}: the packaged configuration is used (give another one with -c)."]
    for name in names:
        source = session.event_sources.get(name)
        entry = None if source is None else source.plugin.entry
        if entry is not None and entry.open_params:
            lines.append(f"Event source {name} listens at {entry.open_params}: send its events there,")
            lines.append("or look at a file with: falco scan FILE")
    return "".join(f"{line}\n" for line in lines)
