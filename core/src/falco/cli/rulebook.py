"""The rules of a run: files, loaded and selected, ready for each event source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from io import BytesIO
from pathlib import Path
from typing import Any

import structlog

from falco import log
from falco.cli import rules_files
from falco.cli.options import Options
from falco.cli.rules_files import RulesText
from falco.cli.session import Session
from falco.cli.surroundings import Surroundings
from falco.config.settings import AppendOutput, Matching
from falco.errors import RuleError
from falco.rules import requirements, selection
from falco.rules.additions import Addition
from falco.rules.loader import RuleLoader
from falco.rules.model import Rule
from falco.ruleset import Ruleset
from falco.sources import Decoder

_log = structlog.get_logger(__name__)

_NO_ADDITION = frozenset({"c", "container", "k", "kubernetes"})
"""``-pc`` and the like: upstream adds nothing for them any more."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """What another process needs to make the same rules."""

    options: Options
    env: Mapping[str, str] = field(repr=False)
    cwd: Path
    texts: tuple[RulesText, ...]


class Rulebook:
    """Rules files, loaded in order.

    Args:
        session: The run.
        texts: The files.

    Raises:
        RuleError: A file has errors, or needs plugins that are not loaded.
    """

    def __init__(self, session: Session, texts: Sequence[RulesText]) -> None:
        self._session = session
        self.texts = tuple(texts)
        """The files as they were read."""
        self._rulesets: dict[str, Ruleset[Any]] = {}
        self.loader = loader(session)
        warnings = []
        for text in self.texts:
            result = self.loader.load(text.name, text.data)
            if not result.is_successful:
                raise RuleError(result.text().rstrip("\n"))
            if result.warnings:
                warnings.append(result.text().rstrip("\n"))
        # first: without the plugin every rule and macro has a warning
        requirements.check(self.loader.required_plugins, session.active.versions, session.how_to_load)
        for warning in warnings:
            _log.warning(warning)
        columns = {name: tuple(session.columns(name).items()) for name in session.event_sources}
        self.rules: tuple[Rule, ...] = tuple(
            replace(rule, columns=columns[rule.source]) if columns.get(rule.source) else rule
            for rule in selection.select(self.loader.rules, selections(session))
        )
        """In the order of evaluation, disabled ones too."""

    @classmethod
    def of(cls, session: Session) -> Rulebook:
        """The rules that the command line and falco.yaml name."""
        around = session.around
        return cls(session, list(rules_files.read_all(session.rules_names(), session.plugins, around.cwd)))

    def ruleset(self, source: str, decoder: Decoder[Any, Any]) -> Ruleset[Any]:
        """The compiled rules of the event source *source*, whose decoders are all of one type."""
        if source not in self._rulesets:
            self._rulesets[source] = Ruleset(
                [rule for rule in self.rules if rule.source == source],
                dispatch=decoder.dispatch,
                assume=decoder.assume,
                first_only=self._session.settings.rule_matching is Matching.FIRST,
            )
        return self._rulesets[source]

    def recipe(self) -> Recipe:
        """What another process needs to make these rules."""
        around = self._session.around
        return Recipe(self._session.options, dict(around.env), around.cwd, self.texts)


def build(recipe: Recipe, source: str) -> tuple[Decoder[Any, Any], Ruleset[Any]]:
    """Decoder and rules of the event source *source*, in a process of ``--jobs``."""
    log.configure(None)
    around = Surroundings(BytesIO(), BytesIO(), recipe.env, recipe.cwd)
    session = Session(recipe.options, around, is_quiet=True)
    decoder = session.event_sources[source].decoder_type()
    return decoder, Rulebook(session, recipe.texts).ruleset(source, decoder)


def loader(session: Session) -> RuleLoader:
    """A loader for the event sources and additions of *session*."""
    return RuleLoader(session.scopes, min_priority=session.settings.priority, append_output=additions(session))


def additions(session: Session) -> tuple[Addition, ...]:
    """What ``append_output`` and ``-p`` add to outputs."""
    found = [_addition(entry, f"append_output[{i}]") for i, entry in enumerate(session.settings.append_output)]
    text = session.options.print_format
    if text:
        _log.warning("The -p/--print option is deprecated and will be removed. Use -o append_output=... instead.")
        if text not in _NO_ADDITION:
            found.append(Addition(output=text, name="-p"))
    return tuple(found)


def _addition(entry: AppendOutput, name: str) -> Addition:
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
        name=name,
    )


def selections(session: Session) -> list[selection.Selection]:
    """The steps of ``rules`` in falco.yaml; in an entry that has both, ``enable`` is the one that counts."""
    steps = []
    for entry in session.settings.rules:
        selector = entry.enable or entry.disable
        if selector is not None:
            steps.append(selection.Selection(entry.enable is not None, selector.rule or "", selector.tag or ""))
    return steps
