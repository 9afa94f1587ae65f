"""Hooks of the distribution."""

from __future__ import annotations

from importlib.metadata import version

from falco import Output, PluginInfo, hookimpl


@hookimpl
def falco_plugin_info() -> PluginInfo:
    """Name and version."""
    return PluginInfo(
        name="outputs",
        version=version("falco-outputs"),
        description="Output channels: file, stdout, syslog, program, http",
        contact="The Falco in Python maintainers",
    )


@hookimpl
def falco_register_outputs() -> tuple[type[Output], ...]:
    """The channels, in the order in which Falco makes them."""
    from falco_outputs.file import FileOutput  # channels bring HTTP and TLS with them, not needed by most commands
    from falco_outputs.http import HttpOutput
    from falco_outputs.program import ProgramOutput
    from falco_outputs.stdout import StdoutOutput
    from falco_outputs.syslog import SyslogOutput

    return (FileOutput, StdoutOutput, SyslogOutput, ProgramOutput, HttpOutput)
