"""Output channels, from falco.yaml to a dispatcher."""

from __future__ import annotations

from typing import Final

from falco.alerts import FormatOptions, Formatter, JsonFormatter, TextFormatter
from falco.alerts.formatter import Render
from falco.cli.colours import coloured, made_visible
from falco.cli.screen import is_coloured, is_terminal
from falco.cli.session import Session
from falco.clock import Clock
from falco.config.settings import Settings
from falco.errors import ConfigError
from falco.outputs import Dispatcher, Output, OutputContext
from falco.plugins.manager import unique

STDOUT: Final = "stdout"
"""The channel that people look at."""


def dispatcher(session: Session, *, may_be_none: bool = False) -> Dispatcher:
    """The channels that are switched on, each with a formatter of its own.

    Args:
        session: The run.
        may_be_none: Whether it is all right if none is.

    Raises:
        ConfigError: None is, and that is not all right; or there is no formatter of the name that is configured.
    """
    settings, types = session.settings, session.plugins.output_types()
    options = format_options(settings, session.clock, session.hostname)
    outputs: list[Output] = [
        cls(session.configuration.outputs[name], _context(name, session, settings, options))
        for name, cls in types.items()
        if name in session.configuration.outputs
    ]
    if not outputs and not may_be_none:
        raise ConfigError(
            "No output configured, please make sure at least one output is configured and enabled. "
            f"For example: -o stdout_output.enabled=true (installed channels: {', '.join(types) or 'none'})"
        )
    return Dispatcher(
        outputs,
        report=session.report,
        capacity=settings.outputs_queue.capacity,
        output_timeout_s=max(settings.output_timeout, 1) / 1000,
    )


def format_options(settings: Settings, clock: Clock, hostname: str) -> FormatOptions:
    """How alerts are written."""
    return FormatOptions(
        hostname=hostname,
        clock=clock,
        is_iso8601=settings.time_format_iso_8601,
        is_base64=settings.buffer_format_base64,
        include_output=settings.json_include_output_property,
        include_message=settings.json_include_message_property,
        include_output_fields=settings.json_include_output_fields_property,
        include_tags=settings.json_include_tags_property,
    )


def _formatter(session: Session) -> type[Formatter]:
    """What writes alerts: text or JSON, unless the configuration names what a plugin registers."""
    name = session.configuration.extensions.formatter
    if not name:
        return JsonFormatter if session.settings.json_output else TextFormatter
    found = ((plugin, cls.name, cls) for plugin, cls in session.plugins.collect("falco_register_formatters"))
    known: dict[str, type[Formatter]] = {
        TextFormatter.name: TextFormatter,
        JsonFormatter.name: JsonFormatter,
        **unique("formatter", found),
    }
    if name not in known:
        sentence = f"there is no formatter '{name}'; installed: {', '.join(known)}"
        raise session.configuration.error("x-falco-py.formatter", sentence)
    return known[name]


def _context(name: str, session: Session, settings: Settings, options: FormatOptions) -> OutputContext:
    formatter = _formatter(session)(options)
    render: Render = formatter.render
    around = session.around
    if name == STDOUT and is_terminal(around.stdout, around.env):
        render = made_visible(render)
    if name == STDOUT and isinstance(formatter, TextFormatter) and is_coloured(around.stdout, around.env):
        render = coloured(render)
    return OutputContext(
        render=render,
        is_json=isinstance(formatter, JsonFormatter),
        is_buffered=settings.buffered_outputs and not session.options.unbuffered,
        stdout=session.around.stdout,
        env=session.around.env,
        report=session.report,
        cwd=session.around.cwd,
    )
