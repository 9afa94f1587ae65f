"""What Falco's flags do, in Falco's order: the first that applies is the last.

What a run needs is loaded on the way, so an action that comes later has checked more.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

from falco.cli import describing, listings, validating
from falco.cli.options import Options
from falco.cli.process import Process
from falco.cli.session import Session

Asked: TypeAlias = Callable[[Options], object]
Action: TypeAlias = Callable[[Session], int]

_BEFORE_CONFIGURATION: Final[tuple[tuple[Asked, Action], ...]] = (
    (lambda options: options.config_schema, listings.print_config_schema),
    (lambda options: options.rule_schema, listings.print_rule_schema),
    (lambda options: options.ignored_events, listings.print_ignored_events),
    (lambda options: options.list_events, listings.print_events),
)
_BEFORE_RULES: Final[tuple[tuple[Asked, Action], ...]] = (
    (lambda options: options.version, listings.print_versions),
    (lambda options: options.page_size, listings.print_page_size),
    (lambda options: options.plugin_info, listings.print_plugin),
    (lambda options: options.list_plugins, listings.print_plugins),
    (lambda options: options.list_fields is not None, listings.print_fields),
)


def perform(session: Session, process: Process | None) -> int:
    """Do what the flags of *session* ask for, or run, and return the exit code.

    Raises:
        FalcoError: It failed.
    """
    options = session.options
    listings.check_format(session)
    for is_asked, action in (*_BEFORE_CONFIGURATION, *_BEFORE_RULES):
        if is_asked(options):
            return action(session)
    session.check()
    if options.validate:
        return validating.validate(session)
    from falco.cli.rulebook import Rulebook  # rules and pipelines take time to import, which lists do not need

    rulebook = Rulebook.of(session)
    if options.describe_rules or options.describe_rule:
        return describing.describe(session, rulebook)
    if options.support:
        return listings.print_support(session, rulebook)
    if options.dry_run:
        return 0
    from falco.cli.running import run

    return run(session, rulebook, process)
