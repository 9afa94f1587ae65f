"""Rules over events of a test, with everything in between as in a run: plugins, rule loader, decoder, ruleset."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from falco.clock import Clock
from falco.config.settings import PluginEntry
from falco.errors import ConfigError, RuleError, SourceError
from falco.pipeline import evaluate
from falco.plugins import init_config
from falco.plugins.activation import ActivePlugins, EventSource, activate
from falco.plugins.discovery import Found
from falco.plugins.manager import PluginManager
from falco.plugins.scopes import scopes_of
from falco.rules import requirements
from falco.rules.loader import RuleLoader
from falco.ruleset import Ruleset
from falco.testing.detections import Detection, Detections

if TYPE_CHECKING:
    from falco.rules.model import Rule
    from falco.sources import Source

Rules: TypeAlias = "str | Path"
"""The text of a rules file, or the path of one."""
Line: TypeAlias = "str | bytes | Mapping[str, Any]"
"""A line of an input, without its end; a mapping is written as JSON."""
_SHOWN: Final = 5


def run_rules(
    rules: Rules | Sequence[Rules],
    lines: Iterable[Line] | None = None,
    *,
    source: str,
    batches: Iterable[Any] | None = None,
    open_params: str = "",
    first_only: bool = False,
    may_refuse: bool = False,
    plugins: PluginManager | None = None,
) -> Detections:
    """Evaluate *rules* over events and return the alerts.

    The events come from *lines*, which the event source reads out of a file, or from what *open_params* names, or from
    *batches*, which go to the decoder as they are. Every plugin of *plugins* is loaded.

    Args:
        rules: Rules files, loaded in order: text, or the path of one.
        lines: Lines of an input.
        source: Name of the event source.
        batches: What the source would yield.
        open_params: What falco.yaml would give the source: the file, the capture.
        first_only: As ``rule_matching: first``: one alert an event at most.
        may_refuse: Whether part of the input may be refused; otherwise that is an error, since a rule that is silent
            about a line that nobody could read proves nothing.
        plugins: The plugins; None = those that are installed.

    Raises:
        RuleError: A file has errors (the message shows each with its place), needs other plugins, or none of the rules
            is for *source*.
        ConfigError: No plugin knows *source*, or there is not one kind of input.
        SourceError: The input cannot be read, or part of it was refused.
    """
    if sum(given is not None for given in (lines, batches, open_params or None)) != 1:
        raise ConfigError("run_rules: give one of lines, batches and open_params")
    active = _everything(PluginManager.of_environment() if plugins is None else plugins)
    event_source = active.event_sources.get(source)
    if event_source is None:
        known = ", ".join(active.event_sources) or "none"
        raise ConfigError(f"no plugin knows the event source '{source}'; known: {known}")
    files = [rules] if isinstance(rules, str | Path) else list(rules)
    chosen, warnings = _load(files, active, source)
    decoder = event_source.decoder_type()
    ruleset: Ruleset[Any] = Ruleset(chosen, dispatch=decoder.dispatch, assume=decoder.assume, first_only=first_only)
    reports: list[str] = []
    decoder.report = reports.append
    found: list[Detection] = []
    refused: Counter[str] = Counter()
    with TemporaryDirectory() as folder:
        opened = None
        if batches is None:
            opened = _open(event_source, open_params or _written(lines or (), Path(folder)))
            opened.report = reports.append
            opened.focus(ruleset)
            batches = opened.batches()
        for index, batch in enumerate(batches):
            found += [Detection(alert, index) for alert in evaluate(decoder, batch, ruleset)]
        if opened is not None:
            refused.update(opened.counters())
            opened.close()
    refused.update(decoder.counters())
    refused = +refused
    if refused and not may_refuse:
        numbers = ", ".join(f"{reason}: {number}" for reason, number in refused.items())
        raise SourceError("\n  ".join((f"part of the input was refused ({numbers})", *reports[:_SHOWN])))
    names = [rule.name for rule in chosen]
    return Detections(found, rules=names, events=decoder.count, refused=refused, warnings=warnings)


def plugins_of(**plugins: Any) -> PluginManager:
    """A manager of *plugins* alone, by name: modules, or any objects with hooks. Nothing that is installed is loaded.

    Raises:
        PluginError: As for plugins that are installed.
    """
    return PluginManager([Found(name, f"test of {name}", "0.0.0", "", plugin) for name, plugin in plugins.items()])


def _everything(manager: PluginManager) -> ActivePlugins:
    """All plugins switched on; those that know system calls are so without an entry."""
    built_in = activate(manager, (), None).names
    entries = [PluginEntry(name=name, library_path="") for name in manager.infos if name not in built_in]
    return activate(manager, entries, None)


def _load(files: Iterable[Rules], active: ActivePlugins, source: str) -> tuple[list[Rule], list[str]]:
    """The rules of *source* that are switched on, and warnings."""
    loader = RuleLoader(scopes_of(active, hostname="localhost", clock=Clock(), static_fields={}))
    warnings = []
    for number, file in enumerate(files, 1):
        name, data = (str(file), file.read_bytes()) if isinstance(file, Path) else (f"rules {number}", file.encode())
        result = loader.load(name, data)
        if not result.is_successful:
            raise RuleError(result.text().rstrip("\n"))
        if result.warnings:
            warnings.append(result.text().rstrip("\n"))
    requirements.check(loader.required_plugins, active.versions)
    chosen = [rule for rule in loader.rules if rule.source == source and rule.enabled]
    if not chosen:
        others = ", ".join(sorted({rule.source for rule in loader.rules if rule.enabled})) or "no event source at all"
        raise RuleError(
            f"no rule that is enabled is for the event source '{source}' (they are for: {others}); "
            f"a rule for it says 'source: {source}'"
        )
    return chosen, warnings


def _open(source: EventSource, open_params: str) -> Source[Any]:
    if source.source_type is None:
        raise ConfigError(f"no plugin can open the event source '{source.name}': give batches")
    config, _ = init_config.read(None, source.source_type.config_type, source.plugin.info.name)
    return source.source_type(config, open_params)


def _written(lines: Iterable[Line], folder: Path) -> str:
    path = folder / "events.jsonl"
    with path.open("wb") as file:
        for line in lines:
            text = json.dumps(line) if isinstance(line, Mapping) else line
            file.write((text.encode("utf-8", "surrogateescape") if isinstance(text, str) else text) + b"\n")
    return str(path)
