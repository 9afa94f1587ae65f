"""What commands get from the root of the command line."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from falco.cli.options import Options
from falco.cli.process import Process
from falco.cli.session import Session
from falco.cli.surroundings import Surroundings


@dataclass(frozen=True, slots=True)
class Invocation:
    """click's ``context.obj``."""

    options: Options
    """The flags before the command."""
    around: Surroundings
    process: Process | None

    def session(self, *, is_quiet: bool = False, around: Surroundings | None = None, **changes: Any) -> Session:
        """A session for the flags of the root with *changes* on top, and with *around* if that is to be another."""
        return Session(replace(self.options, **changes), around or self.around, is_quiet=is_quiet)
