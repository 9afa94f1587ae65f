"""The exceptions of the project; everything a user can cause is one of these."""

from __future__ import annotations


class FalcoError(Exception):
    """Base of every error that a person can cause and mend; its text is shown as it is."""


class RuleError(FalcoError):
    """A rule file, a condition or an output template is wrong."""


class ConfigError(FalcoError):
    """falco.yaml, an included configuration file or a command-line option is wrong."""


class PluginError(FalcoError):
    """A plugin cannot be found, loaded, configured or combined with another."""


class SourceError(FalcoError):
    """An event source cannot be opened or read any further."""


class OutputError(FalcoError):
    """An output channel cannot be opened or did not take an alert."""
