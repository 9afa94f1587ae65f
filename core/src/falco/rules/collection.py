"""Collects the items of all rule files read so far: definitions, appends, overrides.

Each list, macro and rule keeps the *index* of its first definition (the order of evaluation) and has the
*visibility* of its last change: macros and lists see what was defined before that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, assert_never

from falco.conditions.parser import TRANSFORMERS
from falco.conditions.scope import Scope
from falco.documents.diagnostics import Diagnostic
from falco.documents.nodes import Span
from falco.documents.suggestions import did_you_mean
from falco.documents.text import Text
from falco.rules import exceptions
from falco.rules.codes import ErrorCode, WarningCode
from falco.rules.faults import Where
from falco.rules.items import (
    EngineRequirement,
    Item,
    ListItem,
    MacroItem,
    PluginRequirement,
    RuleAppend,
    RuleChange,
    RuleDefinition,
    RuleReplace,
    RuleToggle,
)
from falco.rules.versions import Version

DEFAULT_SOURCE: Final = "syscall"
_NO_VERSION: Final = Version(0, 0, 0)
_INVALID: Final = ErrorCode.LOAD_ERR_VALIDATE
_JOINT: Final = Text.of(" ", "append")
_APPENDED: Final = "appended here"


@dataclass(slots=True)
class CollectedList:
    """A list as it stands after everything read so far."""

    name: str
    items: tuple[str, ...]
    where: Where
    index: int
    visibility: int


@dataclass(slots=True)
class CollectedMacro:
    """A macro as it stands after everything read so far."""

    name: str
    condition: Text
    condition_span: Span
    where: Where
    index: int
    visibility: int


@dataclass(slots=True)
class CollectedRule:
    """A rule as it stands after everything read so far. ``scope`` is None where the source is unknown."""

    definition: RuleDefinition
    scope: Scope | None
    index: int
    visibility: int


@dataclass(slots=True)
class Collection:
    """All items, by name and in the order of their first definition.

    ``poisoned`` has the kinds and names of items with a fault: what refers to them is not faulty for that. ``doubtful``
    has the names of rules with a fault that are looked at for further ones, and left out then.
    """

    scopes: Mapping[str, Scope]
    engine_version: Version
    lists: dict[str, CollectedList] = field(default_factory=dict)
    macros: dict[str, CollectedMacro] = field(default_factory=dict)
    rules: dict[str, CollectedRule] = field(default_factory=dict)
    required_engine_version: Version = _NO_VERSION
    required_plugins: list[PluginRequirement] = field(default_factory=list)
    poisoned: set[tuple[str, str]] = field(default_factory=set)
    doubtful: set[str] = field(default_factory=set)
    _next: int = 0

    @property
    def transformers(self) -> tuple[str, ...]:
        """Names that conditions may call: a macro has no event source, so those of all."""
        return tuple(dict.fromkeys((*TRANSFORMERS, *(name for s in self.scopes.values() for name in s.transformers))))

    def add(self, item: Item, warn: Callable[[Diagnostic], None]) -> None:
        """Take the next item.

        Raises:
            RuleFault: It does not fit what was read before.
        """
        match item:
            case EngineRequirement():
                self._require_engine(item)
            case PluginRequirement():
                self._require_plugin(item)
            case ListItem():
                self._list(item)
            case MacroItem():
                self._macro(item)
            case RuleDefinition():
                self._define(item, warn)
            case RuleAppend():
                self._append(item.change)
            case RuleReplace():
                self._replace(item.change)
            case RuleToggle():
                self._toggle(item)
            case _:
                assert_never(item)

    def _require_engine(self, item: EngineRequirement) -> None:
        if not self.engine_version.satisfies(item.version):
            message = f"Rules require engine version {item.version}, but engine version is {self.engine_version}"
            raise item.where.error(_INVALID, message)
        self.required_engine_version = max(self.required_engine_version, item.version)

    def _require_plugin(self, item: PluginRequirement) -> None:
        names: set[str] = set()
        for choice in item.choices:
            if Version.parse(choice.version) is None:
                message = f"Invalid required version '{choice.version}' for plugin '{choice.name}'"
                raise item.where.error(_INVALID, message, hint="write three numbers, such as 0.7.0")
            if choice.name in names:
                message = f"Defined multiple alternative version requirements for plugin '{choice.name}'"
                raise item.where.error(_INVALID, message)
            names.add(choice.name)
        self.required_plugins.append(item)

    def _number(self) -> int:
        self._next += 1
        return self._next - 1

    def _list(self, item: ListItem) -> None:
        previous = self.lists.get(item.name)
        if not item.is_append:
            number = self._number()
            index = number if previous is None else previous.index
            self.lists[item.name] = CollectedList(item.name, item.items, item.where, index, number)
            return
        if previous is None:
            message = "List uses 'append' or 'override.items: append' but no list by that name already exists"
            raise item.where.error(_INVALID, message)
        previous.items += item.items
        previous.visibility = self._number()

    def _macro(self, item: MacroItem) -> None:
        previous = self.macros.get(item.name)
        if not item.is_append:
            number = self._number()
            index = number if previous is None else previous.index
            self.macros[item.name] = CollectedMacro(
                item.name, item.condition, item.condition_span, item.where, index, number
            )
            return
        if previous is None:
            message = "Macro uses 'append' or 'override.condition: append' but no macro by that name already exists"
            raise item.where.error(_INVALID, message)
        previous.condition = _joined(previous.condition, item.condition)
        previous.visibility = self._number()

    def _define(self, item: RuleDefinition, warn: Callable[[Diagnostic], None]) -> None:
        previous = self.rules.get(item.name)
        _check_source(item.source, previous, item.where)
        source = item.source or (previous.definition.source if previous else DEFAULT_SOURCE)
        definition = replace(item, source=source)
        scope = self.scopes.get(source)
        if scope is None:
            message = f"Unknown source {source}, skipping"
            hint = did_you_mean(source, self.scopes)
            warn(item.where.warning(WarningCode.LOAD_UNKNOWN_SOURCE, message, hint=hint))
        completed = tuple(exceptions.defined(exception, scope) for exception in item.exceptions)
        number = self._number()
        index = number if previous is None else previous.index
        self.rules[item.name] = CollectedRule(replace(definition, exceptions=completed), scope, index, number)

    def _append(self, change: RuleChange) -> None:
        message = "Rule uses 'append' or 'override.<key>: append' but no rule by that name already exists"
        rule = self._changed(change, message)
        if change == RuleChange(change.name, change.where, change.source):
            raise change.where.error(_INVALID, "Appended rule must have exceptions or condition property")
        old = rule.definition
        new = old
        if change.condition is not None:
            new = replace(new, condition=_joined(old.condition, change.condition))
        if change.output is not None:
            new = replace(new, output=_joined(old.output, change.output))
        if change.description is not None:
            new = replace(new, description=f"{old.description} {change.description}")
        if change.tags is not None:
            new = replace(new, tags=tuple(sorted({*old.tags, *change.tags})))
        if change.exceptions is not None:
            merged = exceptions.appended(old.exceptions, change.exceptions, rule.scope)
            new = replace(new, exceptions=merged)
        rule.definition = new
        rule.visibility = self._number()

    def _replace(self, change: RuleChange) -> None:
        message = "An 'override.<key>: replace' to a rule was requested but no rule by that name already exists"
        rule = self._changed(change, message)
        new = rule.definition
        if change.condition is not None:
            new = replace(new, condition=change.condition)
        if change.output is not None:
            new = replace(new, output=change.output)
        if change.description is not None:
            new = replace(new, description=change.description)
        if change.tags is not None:
            new = replace(new, tags=change.tags)
        if change.exceptions is not None:
            new = replace(new, exceptions=tuple(exceptions.completed(item) for item in change.exceptions))
        if change.priority is not None:
            new = replace(new, priority=change.priority)
        if change.is_enabled is not None:
            new = replace(new, is_enabled=change.is_enabled)
        if change.is_capture is not None:
            new = replace(new, is_capture=change.is_capture)
        if change.capture_duration_ms is not None:
            new = replace(new, capture_duration_ms=change.capture_duration_ms)
        if change.warns_event_types is not None:
            new = replace(new, warns_event_types=change.warns_event_types)
        if change.skips_unknown_filter is not None:
            new = replace(new, skips_unknown_filter=change.skips_unknown_filter)
        rule.definition = new
        rule.visibility = self._number()

    def _changed(self, change: RuleChange, message: str) -> CollectedRule:
        """The rule that *change* changes; *message* says that there is none."""
        rule = self.rules.get(change.name)
        if rule is None:
            raise change.where.error(_INVALID, message)
        _check_source(change.source, rule, change.where)
        return rule

    def _toggle(self, item: RuleToggle) -> None:
        rule = self.rules.get(item.name)
        if rule is None:
            message = "Rule has 'enabled' key but no rule by that name already exists"
            raise item.where.error(_INVALID, message)
        rule.definition = replace(rule.definition, is_enabled=item.is_enabled)


def _joined(old: Text, new: Text) -> Text:
    return Text.join((old, _JOINT, new.noted(_APPENDED)))


def _check_source(source: str, previous: CollectedRule | None, where: Where) -> None:
    if previous is not None and source and source != previous.definition.source:
        raise where.error(_INVALID, "Rule has been re-defined with a different source")
