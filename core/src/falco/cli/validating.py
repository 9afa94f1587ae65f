"""``-V``: whether rules files can be used."""

from __future__ import annotations

import json
from collections.abc import Iterable

import structlog

from falco.cli import describing, rules_files
from falco.cli.session import Session
from falco.errors import RuleError
from falco.plugins.rulefiles import PACKAGED

_log = structlog.get_logger(__name__)


def validate(session: Session) -> int:
    """Load the files of ``-V`` one after another and say what is wrong with them.

    Raises:
        RuleError: A file cannot be read, has errors, or needs plugins that are not loaded.
    """
    from falco.cli.rulebook import loader
    from falco.rules import requirements

    around = session.around
    texts = [text for name in session.options.validate for text in _texts(name, session)]
    rules = loader(session)
    results = [rules.load(text.name, text.data) for text in texts]
    requirements.check(rules.required_plugins, session.active.versions, session.how_to_load)
    failed = [result for result in results if not result.is_successful]
    if session.settings.json_output:
        document: dict[str, object] = {"falco_load_results": [result.to_json() for result in results]}
        if describing.is_asked(session.options) and not failed:
            document["falco_describe_results"] = describing.as_object(session, rules)
        around.print(json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False) + "\n")
    else:
        for result in results:
            if not result.is_successful:
                around.print(result.text())
            else:
                around.print(result.summary + "\n")
                if result.warnings:
                    _log.warning(result.text().rstrip("\n"))
        if describing.is_asked(session.options) and not failed:
            around.print("\n" + describing.as_text(session, rules))
    if failed:
        raise RuleError("\n".join(result.summary for result in failed))
    return 0


def _texts(name: str, session: Session) -> Iterable[rules_files.RulesText]:
    """What *name* stands for; unlike ``-r``, ``-V`` takes no directories (upstream)."""
    if name.startswith(PACKAGED):
        return rules_files.read_all([name], session.plugins, session.around.cwd)
    return (rules_files.read(name, session.around.cwd),)
