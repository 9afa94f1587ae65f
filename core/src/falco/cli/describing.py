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
    from falco.rules import describe as descriptions

    if session.settings.json_output:
        document = as_object(session, rulebook.loader)
        session.around.print(json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False) + "\n")
    elif session.options.describe_rule and session.options.is_described_in_full:
        session.around.print(descriptions.in_full(rulebook.loader, session.options.describe_rule))
    else:
        session.around.print(descriptions.text(rulebook.loader, session.options.describe_rule))
    return 0


def as_object(session: Session, loader: RuleLoader) -> dict[str, Any]:
    """The description as JSON."""
    from falco.rules import describe as descriptions

    plugins = {name: source.plugin.alias for name, source in session.event_sources.items() if source.plugin.alias}
    return descriptions.to_json(loader, session.options.describe_rule, plugins=plugins)
