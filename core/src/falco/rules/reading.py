"""Reads the items of a rule file: from nodes to ``rules.items``.

The order of the checks is Falco's (rules-language.md §2 to §6), whose reading of an item ends at the first fault. So it
does here, but for the keys of a rule: each of them can be wrong by itself, and all that are wrong are told.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, TypeVar

from falco.documents import scalars
from falco.documents.diagnostics import Diagnostic
from falco.documents.nodes import MappingNode, Node, ScalarNode, SequenceNode
from falco.documents.source import SourceFile
from falco.documents.suggestions import did_you_mean
from falco.documents.text import Text
from falco.rules.codes import ErrorCode, WarningCode
from falco.rules.faults import RuleFault, Where
from falco.rules.items import (
    EngineRequirement,
    Entry,
    ExceptionItem,
    Item,
    ListItem,
    MacroItem,
    PluginRequirement,
    PluginVersion,
    RuleAppend,
    RuleChange,
    RuleDefinition,
    RuleReplace,
    RuleToggle,
)
from falco.rules.model import Priority
from falco.rules.overrides import Overrides
from falco.rules.values import Values, scalar, uint32
from falco.rules.versions import Version

T = TypeVar("T")

EXTENSION_KEY: Final = "x-falco-py"
"""Keys of ours stand below this one, so that Falco reads the file too (and warns)."""

_INVALID: Final = ErrorCode.LOAD_ERR_YAML_VALIDATE
_BLANKS: Final = " \t\n\v\f\r"
_LIST_NAME: Final = re.compile(r"""[^()"' \t\n\v\f\r=,]+""")
_MACRO_NAME: Final = re.compile(r"[a-zA-Z]+[a-zA-Z0-9_]*")
_PRIORITIES: Final = {priority.name: priority for priority in Priority} | {"INFO": Priority.INFORMATIONAL}

_LIST_KEYS: Final = ("list", "items", "append", "override")
_MACRO_KEYS: Final = ("macro", "condition", "append", "override")
_APPENDABLE: Final = ("condition", "desc", "exceptions", "output", "tags")
_REPLACEABLE: Final = (
    *_APPENDABLE,
    "capture",
    "capture_duration",
    "enabled",
    "priority",
    "skip-if-unknown-filter",
    "warn_evttypes",
)
_RULE_KEYS: Final = ("rule", "source", "append", "override", EXTENSION_KEY, *_REPLACEABLE)

_APPEND_IS_DEPRECATED: Final = (
    "'append' key is deprecated. Add an 'append' entry (e.g. 'condition: append') under 'override' instead."
)
_ENABLED_IS_DEPRECATED: Final = (
    "The standalone 'enabled' key usage is deprecated. The correct approach requires also a 'replace' entry under the "
    "'override' key (i.e. 'enabled: replace')."
)


class _Attempt:
    """Reads one thing after the other; what is wrong with some does not keep the others from being read."""

    def __init__(self) -> None:
        self.diagnostics: list[Diagnostic] = []

    def __call__(self, read: Callable[[], T]) -> T | None:
        """What *read* returns; None if that is wrong."""
        try:
            return read()
        except RuleFault as fault:
            self.diagnostics += fault.diagnostics
            return None


@dataclass(frozen=True, slots=True)
class ItemReader:
    """Reads the items of one file; *warn* takes what does not end an item."""

    source: SourceFile
    warn: Callable[[Diagnostic], None]

    def items(self, node: Node, where: Where) -> Iterator[Item]:
        """What the item *node* says, in the order in which it is to be collected.

        Raises:
            RuleFault: The item is wrong; what it yielded before stands.
        """
        if not isinstance(node, MappingNode):
            message = "Unexpected element type. Each element should be a yaml associative array."
            raise where.into("rules content item", "", node.span).error(_INVALID, message)
        if "required_engine_version" in (values := Values(node, self.source, where)):
            yield from self._engine_version(values)
        elif "required_plugin_versions" in values:
            yield from self._plugin_versions(values)
        elif "list" in values:
            yield from self._list(values)
        elif "macro" in values:
            yield from self._macro(values)
        elif "rule" in values:
            yield from self._rule(values)
        else:
            self._warn_of_unknown_item(node, where)

    def _engine_version(self, outer: Values) -> Iterator[Item]:
        key = "required_engine_version"
        values = _inside(outer, key, "")
        value = values.scalar(key)
        number = uint32(value.text)
        version = Version(0, number, 0) if number is not None else Version.parse(value.text)
        if version is None:
            message = (
                f"Unable to parse engine version '{value.text}' as a semver string. Expected \"x.y.z\" semver format."
            )
            raise values.where.error(_INVALID, message, place=value.span)
        yield EngineRequirement(version, values.where)
        self._warn_of_unknown_keys(values, (key,))

    def _plugin_versions(self, outer: Values) -> Iterator[Item]:
        key = "required_plugin_versions"
        node = outer.node.get(key)
        where = outer.where.into("required plugin versions", "", outer.span(key))
        if not isinstance(node, SequenceNode):
            raise where.error(_INVALID, "Value of required_plugin_versions must be a sequence")
        for entry in node.items:
            yield self._plugin_version(entry, where)
        self._warn_of_unknown_keys(_inside(outer, "required plugin versions", ""), (key,))

    def _plugin_version(self, entry: Node, where: Where) -> Item:
        kind = "required plugin versions entry"
        if not isinstance(entry, MappingNode):
            raise where.into(kind, "", entry.span).error(_INVALID, "Plugin version must be a mapping")
        name = Values(entry, self.source, where.into(kind, "", entry.span)).scalar("name").text
        values = Values(entry, self.source, where.into(kind, name, entry.span))
        choices = [PluginVersion(name, values.scalar("version").text)]
        if "alternatives" in values:
            alternatives = entry.get("alternatives")
            if not isinstance(alternatives, SequenceNode):
                message = "Value of plugin version alternatives must be a sequence"
                raise values.where.error(_INVALID, message, place=values.span("alternatives"))
            choices += [self._plugin_alternative(item, values.where) for item in alternatives.items]
        return PluginRequirement(tuple(choices), values.where)

    def _plugin_alternative(self, item: Node, where: Where) -> PluginVersion:
        kind = "required plugin versions alternative"
        if not isinstance(item, MappingNode):
            raise where.into(kind, "", item.span).error(_INVALID, "Plugin version alternative must be a mapping")
        name = Values(item, self.source, where.into(kind, "", item.span)).scalar("name").text
        return PluginVersion(name, Values(item, self.source, where.into(kind, name, item.span)).scalar("version").text)

    def _list(self, outer: Values) -> Iterator[Item]:
        values = self._named(outer, "list")
        name = values.where.context[-1].name
        if not _LIST_NAME.fullmatch(name):
            message = (
                "List has an invalid name. List names should match a regular expression: "
                """([^()"'[:space:]=,]+)"""
            )
            self.warn(values.where.warning(WarningCode.LOAD_INVALID_LIST_NAME, message, place=values.span("list")))
        items = tuple(item.text for item in values.sequence("items"))
        is_append = self._append_flag(values)
        overrides = Overrides.read(values, ("items",), ("items",), is_append=is_append)
        yield ListItem(name, items, values.where, is_append or bool(overrides.append))
        self._warn_of_unknown_keys(values, _LIST_KEYS)

    def _macro(self, outer: Values) -> Iterator[Item]:
        values = self._named(outer, "macro")
        name = values.where.context[-1].name
        if not _MACRO_NAME.fullmatch(name):
            message = (
                "Macro has an invalid name. Macro names should match a regular expression: ([a-zA-Z]+[a-zA-Z0-9_]*)"
            )
            self.warn(values.where.warning(WarningCode.LOAD_INVALID_MACRO_NAME, message, place=values.span("macro")))
        condition = values.text("condition")
        is_append = self._append_flag(values)
        overrides = Overrides.read(values, ("condition",), ("condition",), is_append=is_append)
        yield MacroItem(name, condition, values.span("condition"), values.where, is_append or bool(overrides.append))
        self._warn_of_unknown_keys(values, _MACRO_KEYS)

    def _rule(self, outer: Values) -> Iterator[Item]:
        values = self._named(outer, "rule")
        is_append = self._append_flag(values)
        overrides = Overrides.read(values, _APPENDABLE, _REPLACEABLE, is_append=is_append)
        if overrides:
            if overrides.append:
                yield RuleAppend(self._change(values, overrides.append, "append"))
            if overrides.replace:
                yield RuleReplace(self._change(values, overrides.replace, "replace"))
            for key in sorted(_REPLACEABLE):
                if key in values and key not in overrides.append and key not in overrides.replace:
                    message = f"Unexpected key '{key}': no corresponding entry under 'override' is defined."
                    raise values.where.into("overrides", key, values.span(key)).error(_INVALID, message)
        elif is_append:
            keys = tuple(key for key in ("condition", "exceptions") if key in values)
            yield RuleAppend(self._change(values, keys, "append"))
        elif any(key in values for key in ("condition", "output", "desc", "priority")):
            yield self._definition(values, _Attempt())
        else:
            is_enabled = values.boolean("enabled")
            self.warn(values.where.warning(WarningCode.LOAD_DEPRECATED_ITEM, _ENABLED_IS_DEPRECATED))
            yield RuleToggle(values.where.context[-1].name, is_enabled, values.where)
        self._check_extension(values)
        self._warn_of_unknown_keys(values, _RULE_KEYS)

    def _definition(self, values: Values, attempt: _Attempt) -> RuleDefinition:
        """The rule, with its faults, and something harmless where a key is wrong.

        Raises:
            RuleFault: Nothing can be said of the rest.
        """
        condition = attempt(lambda: values.text("condition"))
        output = attempt(lambda: values.text("output").strip(_BLANKS))
        description = attempt(lambda: values.scalar("desc").text)
        priority = attempt(lambda: _priority(values))
        source = attempt(lambda: values.optional_str("source", ""))
        is_enabled = attempt(lambda: values.optional_boolean("enabled", default=True))
        is_capture = attempt(lambda: values.optional_boolean("capture", default=False))
        duration_ms = attempt(lambda: values.uint32("capture_duration") if "capture_duration" in values else 0)
        warns = attempt(lambda: values.optional_boolean("warn_evttypes", default=True))
        skips = attempt(lambda: values.optional_boolean("skip-if-unknown-filter", default=False))
        tags = attempt(lambda: _tags(values) if "tags" in values else ())
        exceptions = attempt(lambda: self._exceptions(values, is_append=False))
        if condition is None or source is None or exceptions is None:
            raise RuleFault(*attempt.diagnostics)
        return RuleDefinition(
            name=values.where.context[-1].name,
            condition=condition,
            condition_span=values.span("condition"),
            output=Text.of("?") if output is None else output,
            output_span=values.span("output"),
            description=description or "",
            priority=Priority.EMERGENCY if priority is None else priority,
            where=values.where,
            source=source,
            is_enabled=is_enabled is not False,
            is_capture=bool(is_capture),
            capture_duration_ms=duration_ms or 0,
            warns_event_types=bool(warns),
            skips_unknown_filter=bool(skips),
            tags=tags or (),
            exceptions=exceptions,
            faults=tuple(attempt.diagnostics),
        )

    def _change(self, values: Values, keys: tuple[str, ...], operation: str) -> RuleChange:
        """The values of *keys* as a change; *operation* is ``append`` or ``replace``."""
        name = values.where.context[-1].name
        for key in keys:
            if key not in values:
                message = f"An {operation} override for '{key}' was specified but '{key}' is not defined"
                raise values.where.error(_INVALID, message)
        return RuleChange(
            name=name,
            where=values.where,
            source=_changed_source(values),
            exceptions=self._exceptions(values, is_append=operation == "append") if "exceptions" in keys else None,
            condition=values.text("condition") if "condition" in keys else None,
            output=values.text("output") if "output" in keys else None,
            description=values.scalar("desc").text if "desc" in keys else None,
            tags=_tags(values) if "tags" in keys else None,
            priority=_priority(values) if "priority" in keys else None,
            is_enabled=values.boolean("enabled") if "enabled" in keys else None,
            is_capture=values.boolean("capture") if "capture" in keys else None,
            capture_duration_ms=values.uint32("capture_duration") if "capture_duration" in keys else None,
            warns_event_types=values.boolean("warn_evttypes") if "warn_evttypes" in keys else None,
            skips_unknown_filter=values.boolean("skip-if-unknown-filter") if "skip-if-unknown-filter" in keys else None,
        )

    def _exceptions(self, values: Values, *, is_append: bool) -> tuple[ExceptionItem, ...]:
        node = values.node.get("exceptions")
        if node is None or (isinstance(node, ScalarNode) and node.is_null):
            return ()
        where = values.where.into("exceptions", "", node.span)
        if not isinstance(node, SequenceNode):
            raise where.error(_INVALID, "Rule exceptions must be a sequence")
        exceptions: list[ExceptionItem] = []
        names: set[str] = set()
        for item in node.items:
            if not isinstance(item, MappingNode):
                raise where.into("exception", "", item.span).error(_INVALID, "Rule exception must be a mapping")
            name = Values(item, self.source, where.into("exception", "", item.span)).scalar("name").text
            part = Values(item, self.source, values.where.into("exception", name, item.span))
            if name in names:
                message = f"Multiple definitions of exception '{name}' in the same rule"
                self.warn(part.where.warning(WarningCode.LOAD_EXCEPTION_NAME_NOT_UNIQUE, message))
            names.add(name)
            exceptions.append(self._exception(name, part, is_append=is_append))
        return tuple(exceptions)

    def _exception(self, name: str, values: Values, *, is_append: bool) -> ExceptionItem:
        if not is_append and "fields" not in values:
            raise values.where.error(_INVALID, "Item has no mapping for key 'fields'")
        fields, comps = (
            None if (part := values.node.get(key)) is None else self._entry(part, values.where, key)
            for key in ("fields", "comps")
        )
        listed = values.node.get("values")
        entries: tuple[Entry, ...] = ()
        if listed is not None:
            where = values.where.into("exception values", "", listed.span)
            if not isinstance(listed, SequenceNode):
                raise where.error(_INVALID, "Rule exception values must be a sequence")
            entries = tuple(self._entry(item, where.into("exception value", "", item.span)) for item in listed.items)
        elif is_append:
            message = "Overriding/appending exception with no values"
            self.warn(values.where.warning(WarningCode.LOAD_APPEND_NO_VALUES, message))
        return ExceptionItem(name, fields, comps, entries, values.where)

    def _entry(self, node: Node, where: Where, key: str = "") -> Entry:
        """A part of an exception; nothing and mappings are an empty text (depth: limited by the reader)."""
        match node:
            case ScalarNode() if not node.is_null:
                return scalars.to_text(scalar(node, where, key), self.source)
            case SequenceNode():
                part = where.into("value for", key, node.span)
                return tuple(self._entry(item, part.into("exception", "", item.span)) for item in node.items)
            case _:
                return Text(())

    def _named(self, outer: Values, kind: str) -> Values:
        """The values of an item whose *kind* is also the key of its name."""
        name = _inside(outer, kind, "").scalar(kind).text
        return _inside(outer, kind, name)

    def _append_flag(self, values: Values) -> bool:
        is_append = values.optional_boolean("append", default=False)
        if is_append:
            place = values.span("append")
            self.warn(values.where.warning(WarningCode.LOAD_DEPRECATED_ITEM, _APPEND_IS_DEPRECATED, place=place))
        return is_append

    def _check_extension(self, values: Values) -> None:
        node = values.node.get(EXTENSION_KEY)
        if node is not None and not isinstance(node, MappingNode):
            message = f"Value of {EXTENSION_KEY} must be a mapping"
            raise values.where.into("value for", EXTENSION_KEY, node.span).error(_INVALID, message)

    def _warn_of_unknown_keys(self, values: Values, known: tuple[str, ...]) -> None:
        for key, _ in values.node.pairs:
            name = key.text if isinstance(key, ScalarNode) else "?"
            if name not in known:
                message = f"Unknown key '{name}'. The key will be ignored."
                hint = did_you_mean(name, known)
                self.warn(values.where.warning(WarningCode.LOAD_UNKNOWN_KEY, message, place=key.span, hint=hint))

    def _warn_of_unknown_item(self, node: MappingNode, where: Where) -> None:
        known = ("rule", "macro", "list", "required_engine_version", "required_plugin_versions")
        keys = [key.text for key, _ in node.pairs if isinstance(key, ScalarNode)]
        hint = next((text for key in keys if (text := did_you_mean(key, known))), "")
        part = where.into("rules content item", "", node.span)
        self.warn(part.warning(WarningCode.LOAD_UNKNOWN_ITEM, "Unknown top level item", hint=hint))


def _inside(outer: Values, kind: str, name: str) -> Values:
    return Values(outer.node, outer.source, outer.where.into(kind, name, outer.node.span))


def _changed_source(values: Values) -> str:
    """The value of ``source`` in an item that changes a rule, "" where there is none."""
    node = values.node.get("source")
    if node is None or (isinstance(node, ScalarNode) and (not node.text or node.is_null)):
        return ""
    return values.scalar("source").text


def _tags(values: Values) -> tuple[str, ...]:
    return tuple(sorted({item.text for item in values.sequence("tags")}))


def _priority(values: Values) -> Priority:
    text = values.scalar("priority").text
    priority = _PRIORITIES.get(text.upper())
    if priority is None:
        names = ", ".join(priority.name for priority in Priority)
        hint = did_you_mean(text.upper(), tuple(_PRIORITIES)) or f"one of {names}"
        raise values.where.into("rule priority", "", values.span("priority")).error(
            _INVALID, "Invalid priority", hint=hint
        )
    return priority
