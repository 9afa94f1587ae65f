"""Falco in Python: events in, rules over them, alerts out.

The public interface for plugins and for programs that use the engine; nothing else is stable.
"""

from falco.alerts import Alert, Formatter, FormatOptions
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
