"""What Falco's flags do, in Falco's order: the first action that applies is the last.

Everything that a run needs is loaded on the way, so an action that comes later also checks more.
"""

from __future__ import annotations

import json
import mmap
import platform
from collections.abc import Callable
from typing import Final, TypeAlias

import structlog

from falco.cli import listings, loading, versions
from falco.cli.process import Process
from falco.cli.session import Session
from falco.config.schema import config_schema
from falco.errors import PluginError
from falco.plugins import listing

Action: TypeAlias = Callable[[Session], int]

_log = structlog.get_logger(__name__)


def perform(session: Session, process: Process | None) -> int:
    """Do what the flags of *session* ask for, and return the exit code.

    Raises:
        FalcoError: It failed.
    """
    options = session.options
    for is_asked, action in _ACTIONS:
        if is_asked(session):
            return action(session)
    from falco.cli.run import run  # a run brings pipelines and outputs with it

    return run(session, process)
