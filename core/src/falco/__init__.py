"""Falco in Python: events in, rules over them, alerts out.

The public interface for plugins and for programs that use the engine; nothing else is stable.  A name is imported
when it is first asked for, so ``import falco`` costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from falco.alerts import Alert, FormatOptions, Formatter
    from falco.conditions.transformers import Transformer
    from falco.errors import ConfigError, FalcoError, OutputError, PluginError, RuleError, SourceError
    from falco.events import Event
    from falco.events.catalogue import EventCatalogue, EventCategory, EventParameter, EventType
    from falco.fields.model import Argument, Field, FieldClass, FieldFlag, FieldFormat, FieldType, Quantifier
    from falco.outputs import Output, OutputContext
    from falco.pipeline import Pipeline, evaluate
    from falco.plugins.hookspecs import hookimpl
    from falco.plugins.info import PluginInfo
    from falco.plugins.rulefiles import RuleFile
    from falco.rules.model import Priority
    from falco.ruleset import UNKNOWN, Ruleset
    from falco.sources import Decoder, EventList, Source

__all__ = [
    "UNKNOWN",
    "Alert",
    "Argument",
    "ConfigError",
    "Decoder",
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
    "FormatOptions",
    "Formatter",
    "Output",
    "OutputContext",
    "OutputError",
    "Pipeline",
    "PluginError",
    "PluginInfo",
    "Priority",
    "Quantifier",
    "RuleError",
    "RuleFile",
    "Ruleset",
    "Source",
    "SourceError",
    "Transformer",
    "evaluate",
    "hookimpl",
]

_HOMES = {
    "falco.alerts": ("Alert", "Formatter", "FormatOptions"),
    "falco.conditions.transformers": ("Transformer",),
    "falco.errors": ("ConfigError", "FalcoError", "OutputError", "PluginError", "RuleError", "SourceError"),
    "falco.events": ("Event",),
    "falco.events.catalogue": ("EventCatalogue", "EventCategory", "EventParameter", "EventType"),
    "falco.fields.model": ("Argument", "Field", "FieldClass", "FieldFlag", "FieldFormat", "FieldType", "Quantifier"),
    "falco.outputs": ("Output", "OutputContext"),
    "falco.pipeline": ("Pipeline", "evaluate"),
    "falco.plugins.hookspecs": ("hookimpl",),
    "falco.plugins.info": ("PluginInfo",),
    "falco.plugins.rulefiles": ("RuleFile",),
    "falco.rules.model": ("Priority",),
    "falco.ruleset": ("UNKNOWN", "Ruleset"),
    "falco.sources": ("Decoder", "EventList", "Source"),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    """The public object *name*, from the module where it lives."""
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module 'falco' has no attribute '{name}'")
    value = globals()[name] = getattr(import_module(home), name)
    return value


def __dir__() -> list[str]:
    """What ``dir(falco)`` shows."""
    return sorted(__all__)
