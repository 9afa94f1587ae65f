"""Descriptions of the loaded rules, macros and lists (``-L``, ``-l RULE``)."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping
from typing import Any, Final

from falco.conditions import parser, walk
from falco.conditions.ast import Comparison, Exists, Expr, FieldName, Identifier, ListLiteral, Literal
from falco.conditions.errors import ConditionError
from falco.conditions.printer import operand_text, to_text
from falco.conditions.scope import Scope
from falco.documents.suggestions import did_you_mean
from falco.documents.text import Text
from falco.errors import RuleError
from falco.rules.collection import DEFAULT_SOURCE
from falco.rules.compiling import CompiledRule
from falco.rules.items import Entry
from falco.rules.lists import ResolvedList
from falco.rules.loader import RuleLoader
from falco.rules.macros import ResolvedMacro

_NAME_WIDTH: Final = 50
_WIDTH: Final = 110
_KEY_WIDTH: Final = 12
_PLUGIN_EVENTS: Final = ("asyncevent", "pluginevent")
"""Event types of sources whose events are all of one type."""
_PLUGIN_GROUP: Final = " (plugin)"
"""How the name of a group of fields ends that is called as Falco's plugin that has them."""


def text(loader: RuleLoader, rule: str = "") -> str:
    """Names and descriptions in two columns, of all rules or of the one that is called *rule*.

    Raises:
        RuleError: There is no such rule.
    """
    indent = " " * (_NAME_WIDTH + 1)
    lines = [f"{'Rule':<{_NAME_WIDTH}} Description", f"{'----':<{_NAME_WIDTH}} -----------"]
    for compiled in _chosen(loader, rule):
        wrapped = textwrap.wrap(compiled.rule.description, _WIDTH) or [""]
        lines.append(f"{compiled.rule.name:<{_NAME_WIDTH}} {wrapped[0]}")
        lines += [indent + line for line in wrapped[1:]]
        lines.append("")
    return "\n".join(lines) + "\n"


def in_full(loader: RuleLoader, rule: str) -> str:
    """What the rule called *rule* says, and below it the macros and lists that it consists of.

    Raises:
        RuleError: There is no such rule.
    """
    describer = _Describer(loader, {})
    paragraphs: list[str] = []
    for compiled in _chosen(loader, rule):
        described = describer.rule(compiled)
        info, details = described["info"], described["details"]
        facts = {
            "rule": info["name"],
            "desc": info["description"],
            "source": info["source"],
            "priority": info["priority"],
            "enabled": "true" if info["enabled"] else "false",
            "tags": ", ".join(info["tags"]),
            "exceptions": ", ".join(details["exception_names"]),
            "condition": info["condition"],
            "output": info["output"],
        }
        paragraphs.append(_facts(facts))
        macros, lists = list(details["macros"]), dict.fromkeys(details["lists"])
        for name in macros:  # grows by the macros in macros
            macro = describer.macro(loader.compiled.macros[name])
            macros += [inner for inner in macro["details"]["macros"] if inner not in macros]
            lists |= dict.fromkeys(macro["details"]["lists"])
            paragraphs.append(_facts({"macro": name, "condition": macro["info"]["condition"]}))
        for name in lists:
            items = ", ".join(str(item) for item in loader.compiled.lists[name].items)
            paragraphs.append(_facts({"list": name, "items": items}))
    return "\n".join(paragraphs)


def _facts(facts: Mapping[str, str]) -> str:
    """A line a fact that is not empty, the long ones wrapped."""
    lines = []
    for key, value in facts.items():
        if value:
            head = f"{key + ':':<{_KEY_WIDTH}}"
            indent = " " * _KEY_WIDTH
            lines.append(
                textwrap.fill(value, _WIDTH, break_long_words=False, initial_indent=head, subsequent_indent=indent)
            )
    return "\n".join(lines) + "\n"


def to_json(loader: RuleLoader, rule: str = "", *, plugins: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Everything about all rules, macros and lists, or about the rule that is called *rule*.

    Args:
        loader: What was loaded.
        rule: Name of the one rule; "" for all.
        plugins: By event source, Falco's name of the plugin that opens it.

    Raises:
        RuleError: There is no such rule.
    """
    describer = _Describer(loader, plugins or {})
    rules = [describer.rule(compiled) for compiled in _chosen(loader, rule)]
    if rule:
        return {"rules": rules}
    compiled = loader.compiled
    return {
        "required_engine_version": str(loader.required_engine_version),
        "required_plugin_versions": [
            {
                "name": requirement.choices[0].name,
                "version": requirement.choices[0].version,
                "alternatives": [{"name": other.name, "version": other.version} for other in requirement.choices[1:]],
            }
            for requirement in loader.required_plugins
        ],
        "rules": rules,
        "macros": [describer.macro(macro) for macro in compiled.macros.values()],
        "lists": [_list(resolved) for resolved in compiled.lists.values()],
    }


def _chosen(loader: RuleLoader, rule: str) -> list[CompiledRule]:
    rules = [compiled for compiled in loader.compiled.rules if rule in {"", compiled.rule.name}]
    if rule and not rules:
        hint = did_you_mean(rule, (compiled.rule.name for compiled in loader.compiled.rules))
        raise RuleError(f'Rule "{rule}" is not loaded' + (f": {hint}" if hint else ""))
    return rules


def _list(resolved: ResolvedList) -> dict[str, Any]:
    """One list; upstream: names of lists that were put in are not among the items."""
    lists = set(resolved.lists)
    return {
        "info": {"name": resolved.name, "items": [item for item in resolved.collected.items if item not in lists]},
        "details": {
            "used": resolved.is_used,
            "lists": list(resolved.lists),
            "items_compiled": list(resolved.items),
            "plugins": [],
        },
    }


class _Describer:
    def __init__(self, loader: RuleLoader, plugins: Mapping[str, str]) -> None:
        self._scopes = loader.scopes
        self._plugins = plugins
        self._lists = loader.compiled.lists
        self._transformers = loader.transformers

    def rule(self, compiled: CompiledRule) -> dict[str, Any]:
        """One rule."""
        rule, definition = compiled.rule, compiled.collected.definition
        exceptions = definition.exceptions
        with_values = [item for item in exceptions if item.values]
        used = Uses(compiled.expr)
        scope = self._scopes[rule.source]
        tokens = rule.output.tokens
        details: dict[str, Any] = {
            "macros": sorted(Uses(compiled.parsed).macros),
            "lists": self._named(definition.condition),
            "condition_operators": sorted(used.operators),
            "condition_fields": sorted(used.fields),
            # upstream: formats of additional fields stand here as they are written
            "output_fields": [
                *(f"%{key}" if text is None else text for key, text in compiled.extra_formats.items()),
                *(name for token in tokens for name in token.names),
            ],
            "exception_fields": sorted({name for item in with_values for name in _leaves(item.fields)}),
            "exception_names": sorted({item.name for item in exceptions}),
            "exception_operators": sorted({name for item in exceptions for name in _leaves(item.comps)}),
            "events": _events(compiled.expr, scope),
            "condition_compiled": to_text(compiled.expr),
            "output_compiled": str(compiled.output),
            "plugins": self._plugins_of(
                rule.source, {*used.names, *(use.name for token in tokens for _, use in token.fields)}, scope
            ),
        }
        if formats := {key: text for key, text in compiled.extra_formats.items() if text is not None}:
            details["extra_output_formatted_fields"] = formats
        return {
            "info": {
                "name": rule.name,
                "condition": str(definition.condition),
                "priority": rule.priority.title,
                "output": str(definition.output),
                "description": rule.description,
                "enabled": rule.enabled,
                "source": rule.source,
                "capture": rule.capture,
                "capture_duration": rule.capture_duration_ms,
                "tags": list(rule.tags),
            },
            "details": details,
        }

    def macro(self, macro: ResolvedMacro) -> dict[str, Any]:
        """One macro."""
        expr = macro.expanded.expr
        used = Uses(expr)
        scope = self._scopes.get(DEFAULT_SOURCE)
        return {
            "info": {"name": macro.name, "condition": str(macro.collected.condition)},
            "details": {
                "used": macro.is_used,
                "macros": sorted(Uses(macro.parsed).macros),
                "lists": self._named(macro.collected.condition),
                "condition_operators": sorted(used.operators),
                "condition_fields": sorted(used.fields),
                "events": _events(expr, scope) if scope else [],
                "condition_compiled": to_text(expr),
                "plugins": [],
            },
        }

    def _named(self, condition: Text) -> list[str]:
        """Names of lists among the values of *condition* as it was written."""
        try:
            written = parser.parse(condition, transformers=self._transformers)
        except ConditionError:  # it is one only with lists put in
            return sorted(name for name in self._lists if name in str(condition))
        return sorted(Uses(written).values & self._lists.keys())

    def _plugins_of(self, source: str, names: Iterable[str], scope: Scope) -> list[str]:
        """Falco's names of the plugins that a rule of *source* needs for the fields *names*."""
        found = {self._plugins[source]} if source in self._plugins else set()
        for name in names:
            field = scope.fields.get(name)
            if field is not None and field.group is not None and field.group.name.endswith(_PLUGIN_GROUP):
                found.add(field.group.name.removesuffix(_PLUGIN_GROUP))
        return sorted(found)


class Uses:
    """What a condition uses.

    Attributes:
        fields: Fields as they are written.
        names: Names of those fields.
        operators: Operators, with their modifiers.
        macros: Names of macros that were not put in.
        values: Values in lists.
    """

    def __init__(self, expr: Expr) -> None:
        self.fields: set[str] = set()
        self.names: set[str] = set()
        self.operators: set[str] = set()
        self.macros: set[str] = set()
        self.values: set[str] = set()
        for leaf in walk.leaves(expr):
            match leaf:
                case Exists():
                    self.operators.add("exists")
                case Comparison(operator=operator, right=right):
                    self.operators.add(operator)
                    items = right.items if isinstance(right, ListLiteral) else ()
                    self.values.update(item.text for item in items if isinstance(item, Literal))
                case Identifier(name=name):
                    self.macros.add(name)
            for operand in walk.operands(leaf):
                if isinstance(operand, FieldName):
                    self.fields.add(operand_text(operand))
                    self.names.add(operand.name)


def _events(expr: Expr, scope: Scope) -> list[str]:
    if scope.event_types is None:
        return list(_PLUGIN_EVENTS)
    types = scope.event_types
    return sorted(types.names(types.infer(expr) | types.always))


def _leaves(entry: Entry | None) -> Iterable[str]:
    if isinstance(entry, Text):
        return [str(entry)]
    return [leaf for part in entry or () for leaf in _leaves(part)]
