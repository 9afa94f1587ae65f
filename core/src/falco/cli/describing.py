"""``-L`` and ``-l``: what rules there are."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from falco.cli.options import Options
from falco.cli.session import Session

if TYPE_CHECKING:
    from falco.cli.rulebook import Rulebook
    from falco.rules.loader import RuleLoader


def is_asked(options: Options) -> bool:
    """Whether a description is asked for."""
    return options.describe_rules or bool(options.describe_rule)


def describe(session: Session, rulebook: Rulebook) -> int:
    """Print all rules, or the one that ``-l`` names.

    Raises:
        RuleError: There is no such rule.
    """
    if session.settings.json_output:
        document = as_object(session, rulebook.loader)
        session.around.print(json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False) + "\n")
    else:
        session.around.print(as_text(session, rulebook.loader))
    return 0


def as_text(session: Session, loader: RuleLoader) -> str:
    """The description as text."""
    from falco.rules import describe as descriptions

    rule = session.options.describe_rule
    form = descriptions.in_full if rule and session.options.is_described_in_full else descriptions.text
    return form(loader, rule)


def as_object(session: Session, loader: RuleLoader) -> dict[str, Any]:
    """The description as JSON."""
    from falco.rules import describe as descriptions

    plugins = {name: source.plugin.alias for name, source in session.event_sources.items() if source.plugin.alias}
    return descriptions.to_json(loader, session.options.describe_rule, plugins=plugins)
