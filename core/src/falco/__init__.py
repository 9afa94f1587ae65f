"""Falco in Python: events in, rules over them, alerts out.

The public interface for plugins and for programs that use the engine; nothing else is stable.  A name is imported
when it is first asked for, so ``import falco`` costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from falco.alerts import Alert, FormatOptions, Formatter
    from falco.certificates import CertificateError, check_authorities, load_identity
    from falco.clock import Clock
    from falco.conditions.checked import Check, Modifier, Operator
    from falco.conditions.transformers import Transformer
    from falco.documents.nearby import nearest as nearest_path
    from falco.errors import ConfigError, FalcoError, OutputError, PluginError, RuleError, SourceError
    from falco.events import Event
    from falco.events.catalogue import EventCatalogue, EventCategory, EventParameter, EventType
    from falco.fields.evt import GROUP as EVENT_FIELDS
    from falco.fields.model import (
        Argument,
        Field,
        FieldClass,
        FieldFlag,
        FieldFormat,
        FieldType,
        FieldUse,
        Getter,
        Quantifier,
        Value,
    )
    from falco.fields.text import from_bytes as text_from_bytes
    from falco.fields.text import size as text_size
    from falco.fields.text import to_bytes as text_to_bytes
    from falco.outputs import Output, OutputContext, extension
    from falco.pipeline import Pipeline, evaluate
    from falco.plugins.hookspecs import hookimpl
    from falco.plugins.info import PluginInfo
    from falco.plugins.rulefiles import RuleFile
    from falco.rules.model import Priority
    from falco.ruleset import UNKNOWN, DispatchField, Key, KeyPart, Residual, Ruleset
    from falco.sources import Decoder, EventList, InputStream, Recorder, RecordingLimits, Source

__all__ = [
    "EVENT_FIELDS",
    "UNKNOWN",
    "Alert",
    "Argument",
    "CertificateError",
    "Check",
    "Clock",
    "ConfigError",
    "Decoder",
    "DispatchField",
    "Event",
    "EventCatalogue",
    "EventCategory",
    "EventList",
    "EventParameter",
    "EventType",
    "FalcoError",
    "Field",
    "FieldClass",
    "FieldFlag",
    "FieldFormat",
    "FieldType",
    "FieldUse",
    "FormatOptions",
    "Formatter",
    "Getter",
    "InputStream",
    "Key",
    "KeyPart",
    "Modifier",
    "Operator",
    "Output",
    "OutputContext",
    "OutputError",
    "Pipeline",
    "PluginError",
    "PluginInfo",
    "Priority",
    "Quantifier",
    "Recorder",
    "RecordingLimits",
    "Residual",
    "RuleError",
    "RuleFile",
    "Ruleset",
    "Source",
    "SourceError",
    "Transformer",
    "Value",
    "check_authorities",
    "evaluate",
    "extension",
    "hookimpl",
    "load_identity",
    "nearest_path",
    "text_from_bytes",
    "text_size",
    "text_to_bytes",
]

_HOMES = {
    "falco.alerts": ("Alert", "Formatter", "FormatOptions"),
    "falco.certificates": ("CertificateError", "check_authorities", "load_identity"),
    "falco.clock": ("Clock",),
    "falco.conditions.checked": ("Check", "Modifier", "Operator"),
    "falco.conditions.transformers": ("Transformer",),
    "falco.errors": ("ConfigError", "FalcoError", "OutputError", "PluginError", "RuleError", "SourceError"),
    "falco.events": ("Event",),
    "falco.events.catalogue": ("EventCatalogue", "EventCategory", "EventParameter", "EventType"),
    "falco.fields.model": (
        "Argument",
        "Field",
        "FieldClass",
        "FieldFlag",
        "FieldFormat",
        "FieldType",
        "FieldUse",
        "Getter",
        "Quantifier",
        "Value",
    ),
    "falco.outputs": ("Output", "OutputContext", "extension"),
    "falco.pipeline": ("Pipeline", "evaluate"),
    "falco.plugins.hookspecs": ("hookimpl",),
    "falco.plugins.info": ("PluginInfo",),
    "falco.plugins.rulefiles": ("RuleFile",),
    "falco.rules.model": ("Priority",),
    "falco.ruleset": ("UNKNOWN", "DispatchField", "Key", "KeyPart", "Residual", "Ruleset"),
    "falco.sources": ("Decoder", "EventList", "InputStream", "Recorder", "RecordingLimits", "Source"),
}
_HOME_OF = {name: (module, name) for module, names in _HOMES.items() for name in names} | {
    "EVENT_FIELDS": ("falco.fields.evt", "GROUP"),
    "nearest_path": ("falco.documents.nearby", "nearest"),
    "text_from_bytes": ("falco.fields.text", "from_bytes"),
    "text_size": ("falco.fields.text", "size"),
    "text_to_bytes": ("falco.fields.text", "to_bytes"),
}
"""Where each public name lives, and what it is called there."""


def __getattr__(name: str) -> Any:
    """The public object *name*, from the module where it lives."""
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module 'falco' has no attribute '{name}'")
    module, own_name = home
    value = globals()[name] = getattr(import_module(module), own_name)
    return value


def __dir__() -> list[str]:
    """What ``dir(falco)`` shows."""
    return sorted(__all__)
