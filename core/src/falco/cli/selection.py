"""Which event sources are opened: ``--enable-source``, ``--disable-source`` and ``engine.kind``."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from difflib import get_close_matches

from falco.config.settings import Engine, EngineKind
from falco.errors import ConfigError
from falco.plugins.activation import SYSCALL, EventSource


def select(
    sources: Mapping[str, EventSource], enable: Collection[str], disable: Collection[str], engine: Engine
) -> tuple[str, ...]:
    """Names of the event sources that are switched on, in load order; ``syscall`` is always one of the choices.

    Replaying a capture opens the syscall source and nothing else, whatever the flags say.

    Raises:
        ConfigError: The flags are mixed, name an unknown source, or leave none.
    """
    if engine.kind is EngineKind.REPLAY:
        return (SYSCALL,)
    if enable and disable:
        raise ConfigError("You can not mix --enable-source and --disable-source")
    known = list(dict.fromkeys((SYSCALL, *sources)))
    for name in (*enable, *disable):
        if name not in known:
            verb = "enabling" if enable else "disabling"
            raise ConfigError(f"Attempted {verb} an unknown event source: {name}{_hint(name, known)}")
    chosen = tuple(name for name in known if (name in enable if enable else name not in disable))
    if not chosen:
        raise ConfigError("Must enable at least one event source")
    return chosen


def _hint(name: str, known: Sequence[str]) -> str:
    if close := get_close_matches(name, known, n=1):
        return f" (did you mean {close[0]}?)"
    return ""


def check_engine(source: EventSource | None, engine: Engine) -> None:
    """Refuse an engine that cannot be opened.

    Raises:
        ConfigError: No installed plugin opens the syscall source as ``engine.kind`` wants it.
    """
    if source is None or source.source_type is None:
        raise ConfigError(
            f"engine.kind '{engine.kind.value}' needs a plugin that captures system calls, and none is installed; "
            "for audit logs alone set engine.kind: nodriver"
        )
