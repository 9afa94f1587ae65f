"""Alerts: what is said when a rule matches."""

from falco.alerts.alert import Alert
from falco.alerts.formatter import FormatOptions, Formatter
from falco.alerts.json import JsonFormatter
from falco.alerts.template import AlertTemplate, values
from falco.alerts.text import TextFormatter

__all__ = ["Alert", "AlertTemplate", "FormatOptions", "Formatter", "JsonFormatter", "TextFormatter", "values"]
