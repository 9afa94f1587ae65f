"""The rules of a run: files, loaded and selected, ready for each event source."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from io import BytesIO
from typing import Any

import structlog

from falco.cli import rules_files
from falco.cli.options import Options
from falco.cli.rules_files import RulesText
from falco.cli.session import Session
from falco.cli.surroundings import Surroundings
from falco.cli.versions import ENGINE_VERSION
from falco.config.settings import AppendOutput, Matching
from falco.errors import RuleError
from falco.rules.additions import Addition
from falco.rules.loader import LoadResult, RuleLoader
from falco.rules.model import Rule
from falco.rules.selection import Selection, select
from falco.ruleset import Ruleset
from falco.sources import Decoder

_log = structlog.get_logger(__name__)

_NO_ADDITION = frozenset({"c", "container", "k", "kubernetes"})
"""``-pc`` and the like: upstream adds nothing for them any more."""


def additions(session: Session) -> tuple[Addition, ...]:
    """What ``append_output`` and ``-p`` add to outputs."""
    found = [_addition(entry) for entry in session.settings.append_output]
    text = session.options.print_format
    if text:
        _log.warning("The -p/--print option is deprecated and will be removed. Use -o append_output=... instead.")
        if text not in _NO_ADDITION:
            found.append(Addition(output=text))
    return tuple(found)


def _addition(entry: AppendOutput) -> Addition:
    match = entry.match
    fields: list[tuple[str, str | None]] = []
    for item in entry.extra_fields:
        fields += [(item, None)] if isinstance(item, str) else item.items()
    return Addition(
        source=match.source or "",
        rule=match.rule or "",
        tags=frozenset(match.tags),
        output=entry.extra_output,
        fields=tuple(fields),
        is_suggested=entry.suggested_output,
    )
