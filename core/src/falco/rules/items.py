"""What rule files say, item by item, before anything is resolved."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

from falco.documents.diagnostics import Diagnostic
from falco.documents.nodes import Span
from falco.documents.text import Text
from falco.rules.faults import Where
from falco.rules.model import Priority
from falco.rules.versions import Version


@dataclass(frozen=True, slots=True)
class EngineRequirement:
    """``required_engine_version``."""

    version: Version
    where: Where


@dataclass(frozen=True, slots=True)
class PluginVersion:
    """A plugin by Falco's name, and the version (as written) that it needs at least."""

    name: str
    version: str


@dataclass(frozen=True, slots=True)
class PluginRequirement:
    """An entry of ``required_plugin_versions``: one of *choices* is needed, the first is the main one."""

    choices: tuple[PluginVersion, ...]
    where: Where


@dataclass(frozen=True, slots=True)
class ListItem:
    """``list``: defines a list, or appends to one."""

    name: str
    items: tuple[str, ...]
    where: Where
    is_append: bool = False


@dataclass(frozen=True, slots=True)
class MacroItem:
    """``macro``: defines a macro, or appends to one."""

    name: str
    condition: Text
    condition_span: Span
    where: Where
    is_append: bool = False


Entry: TypeAlias = "Text | tuple[Entry, ...]"
"""A part of an exception: a text or a list of parts. An empty one is as good as none."""


@dataclass(frozen=True, slots=True)
class ExceptionItem:
    """An entry of ``exceptions``; None: the key is missing or has nothing in it."""

    name: str
    fields: Entry | None
    comps: Entry | None
    values: tuple[Entry, ...]
    where: Where


@dataclass(frozen=True, slots=True)
class RuleDefinition:
    """``rule``: defines a rule, or redefines it completely. ``source``: "" when none is given.

    ``faults`` are of keys that could not be read; such a rule is looked at for further ones, and left out.
    """

    name: str
    condition: Text
    condition_span: Span
    output: Text
    output_span: Span
    description: str
    priority: Priority
    where: Where
    source: str = ""
    is_enabled: bool = True
    tags: tuple[str, ...] = ()
    exceptions: tuple[ExceptionItem, ...] = ()
    warns_event_types: bool = True
    skips_unknown_filter: bool = False
    is_capture: bool = False
    capture_duration_ms: int = 0
    faults: tuple[Diagnostic, ...] = ()


@dataclass(frozen=True, slots=True)
class RuleChange:
    """A change of an existing rule; None: that part stays as it is."""

    name: str
    where: Where
    source: str = ""
    condition: Text | None = None
    output: Text | None = None
    description: str | None = None
    priority: Priority | None = None
    is_enabled: bool | None = None
    tags: tuple[str, ...] | None = None
    exceptions: tuple[ExceptionItem, ...] | None = None
    warns_event_types: bool | None = None
    skips_unknown_filter: bool | None = None
    is_capture: bool | None = None
    capture_duration_ms: int | None = None


@dataclass(frozen=True, slots=True)
class RuleAppend:
    """What is appended to a rule."""

    change: RuleChange


@dataclass(frozen=True, slots=True)
class RuleReplace:
    """What is replaced in a rule."""

    change: RuleChange


@dataclass(frozen=True, slots=True)
class RuleToggle:
    """``rule`` with nothing but ``enabled``: switches an earlier rule on or off."""

    name: str
    is_enabled: bool
    where: Where = field(repr=False)


Item: TypeAlias = (
    EngineRequirement
    | PluginRequirement
    | ListItem
    | MacroItem
    | RuleDefinition
    | RuleAppend
    | RuleReplace
    | RuleToggle
)
